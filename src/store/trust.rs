//! Whom to believe behind TLS: the client's side of a connection, for PostgreSQL and for the health check.
//!
//! A certificate that is itself among those that are trusted is believed as it is; others where a trusted one has signed them.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Certificates that are trusted.
#[derive(Debug, Clone)]
pub struct Trusted {
    themselves: Vec<CertificateDer<'static>>,
    roots: RootCertStore,
}

impl Trusted {
    /// Those of a PEM file.
    ///
    /// # Errors
    /// A file that cannot be read, or holds none.
    pub fn read(path: &Path) -> Result<Trusted, String> {
        let cannot = |why: &dyn std::fmt::Display| format!("cannot read certificates from {}: {why}", path.display());
        let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let themselves = read.map_err(|error| cannot(&error))?;
        if themselves.is_empty() {
            return Err(cannot(&"there are none in it"));
        }
        let mut roots = RootCertStore::empty();
        // what cannot sign anything may be there for itself
        roots.add_parsable_certificates(themselves.iter().cloned());
        Ok(Trusted { themselves, roots })
    }
}

/// What of the other side's certificate must be right.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Nothing: whoever listens sees nothing, but who answers is not known.
    Anyone,
    /// It is trusted, whatever it is called.
    Whatever(Trusted),
    /// It is trusted, and made out to the name that was asked for.
    Named(Trusted),
}

impl Trust {
    /// The client's side of TLS.
    ///
    /// # Errors
    /// None with the cryptography that is built in.
    pub fn client(self) -> Result<ClientConfig, String> {
        let provider = Arc::new(default_provider());
        let algorithms = provider.signature_verification_algorithms;
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| format!("TLS: {error}"))?;
        let verifier = Arc::new(Verifier { trust: self, algorithms });
        Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    }
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let (trusted, named) = match &self.trust {
            Trust::Anyone => return Ok(ServerCertVerified::assertion()),
            Trust::Whatever(trusted) => (trusted, false),
            Trust::Named(trusted) => (trusted, true),
        };
        let parsed = ParsedCertificate::try_from(certificate)?;
        if !trusted.themselves.contains(certificate) {
            if trusted.roots.is_empty() {
                return Err(CertificateError::UnknownIssuer.into());
            }
            verify_server_cert_signed_by_trust_anchor(&parsed, &trusted.roots, intermediates, now, self.algorithms.all)?;
        }
        if named {
            verify_server_name(&parsed, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
