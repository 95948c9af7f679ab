//! TLS: certificate and key from files, read again when they change, so that a renewed certificate needs no restart.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::settings::Settings;

/// The server's side of TLS.
#[derive(Debug)]
pub(super) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// As the settings say; `None` where they say nothing of it.
    ///
    /// # Errors
    /// One file without the other, a file that cannot be read, and files that do not belong together.
    pub(super) fn load(settings: &Settings) -> Result<Option<Tls>, String> {
        let Settings { tls_certificate, tls_key, .. } = settings;
        match (tls_certificate.is_empty(), tls_key.is_empty()) {
            (true, true) => Ok(None),
            (false, false) => {
                let (certificate, key) = (PathBuf::from(tls_certificate), PathBuf::from(tls_key));
                let config = RwLock::new(Arc::new(read(&certificate, &key)?));
                Ok(Some(Tls { certificate, key, config }))
            }
            _ => Err("http.tls_certificate and http.tls_key must be given together".to_owned()),
        }
    }

    /// For one connection, with the files as they were last read.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner)).into()
    }

    /// Reads the files again. Where that fails the server goes on with what it has.
    ///
    /// # Errors
    /// As [`Tls::load`].
    pub(super) fn reload(&self) -> Result<(), String> {
        let config = Arc::new(read(&self.certificate, &self.key)?);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// The files to be watched.
    pub(super) fn files(&self) -> [&Path; 2] {
        [&self.certificate, &self.key]
    }
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig, String> {
    let cannot = |what: &str, path: &Path, error: &dyn std::fmt::Display| format!("cannot read {what} {}: {error}", path.display());
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| cannot("the certificate", certificate, &error))?;
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| cannot("the key", key, &error))?;
    let pair = || format!("{} with {}", certificate.display(), key.display());
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .map_err(|error| format!("TLS: {}: {error}", pair()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
