//! Connections to PostgreSQL, encrypted as `sslmode` in the URL says, with the meanings that it has for PostgreSQL's own clients.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect};
use tokio_postgres::{Config, Socket};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::store::Error;
use crate::store::trust::{Trust, Trusted};

/// What a URL means: without the modes that the driver does not know, how it connects, and how it encrypts.
pub(super) fn read(url: &str, roots: &str) -> Result<(Config, Tls), Error> {
    let fault = |why: &dyn std::fmt::Display| Error::Home(format!("store.url = {:?}: {why}", super::Settings::masked(url)));
    let (place, query) = url.split_once('?').map_or((url, ""), |(place, query)| (place, query));
    let (modes, rest): (Vec<&str>, Vec<&str>) =
        query.split('&').filter(|pair| !pair.is_empty()).partition(|pair| pair.starts_with("sslmode="));
    let mode = modes.last().and_then(|pair| pair.strip_prefix("sslmode="));
    let url = if rest.is_empty() { place.to_owned() } else { format!("{place}?{}", rest.join("&")) };
    let mut config: Config = url.parse().map_err(|error| fault(&super::told(&error)))?;
    let trusted = if roots.is_empty() {
        None
    } else {
        Some(Trusted::read(Path::new(roots)).map_err(|why| Error::Home(format!("store.tls_roots: {why}")))?)
    };
    let needs = |mode: &str| fault(&format!("sslmode={mode} needs store.tls_roots, a file of certificates that are trusted"));
    let (ssl, trust) = match (mode, trusted) {
        (Some("disable"), _) => (SslMode::Disable, Trust::Anyone),
        (None | Some("prefer"), None) => (SslMode::Prefer, Trust::Anyone),
        (Some("prefer"), Some(_)) => {
            return Err(fault(
                &"sslmode=prefer does without encryption where somebody in between wants that; store.tls_roots asks for more",
            ));
        }
        (Some("require"), None) => (SslMode::Require, Trust::Anyone),
        (Some("require" | "verify-ca"), Some(trusted)) => (SslMode::Require, Trust::Whatever(trusted)),
        (None | Some("verify-full"), Some(trusted)) => (SslMode::Require, Trust::Named(trusted)),
        (Some(mode @ ("verify-ca" | "verify-full")), None) => return Err(needs(mode)),
        (Some(mode), _) => {
            let known = "disable, prefer, require, verify-ca or verify-full";
            return Err(fault(&format!("sslmode is {known}, not {mode:?}")));
        }
    };
    // nobody listens in on a socket, and PostgreSQL does not encrypt there
    let local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_))) && config.get_hostaddrs().is_empty();
    config.ssl_mode(if local { SslMode::Disable } else { ssl });
    Ok((config, Tls(Arc::new(trust.client().map_err(Error::Home)?))))
}

/// Makes encrypted connections.
#[derive(Clone)]
pub(super) struct Tls(Arc<ClientConfig>);

/// Makes one, to the host of that name.
pub(super) struct Connect {
    connector: TlsConnector,
    host: String,
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Stream;
    type TlsConnect = Connect;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<Connect> {
        Ok(Connect { connector: self.0.clone().into(), host: host.to_owned() })
    }
}

impl TlsConnect<Socket> for Connect {
    type Stream = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.host).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            Ok(Stream(Box::new(self.connector.connect(name, socket).await?)))
        })
    }
}

/// An encrypted connection.
pub(super) struct Stream(Box<TlsStream<Socket>>);

impl tokio_postgres::tls::TlsStream for Stream {
    /// None: SCRAM without it is what PostgreSQL asks for where a client has none.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/edge/tls/first.pem");

    #[test]
    fn modes_mean_what_they_mean_elsewhere() {
        for (url, roots, mode) in [
            ("postgres://h/d", "", Ok(SslMode::Prefer)),
            ("postgres://h/d?sslmode=disable", "", Ok(SslMode::Disable)),
            ("postgres://h/d?connect_timeout=3&sslmode=require&keepalives=1", "", Ok(SslMode::Require)),
            ("postgres://h/d", ROOTS, Ok(SslMode::Require)),
            ("postgres://h/d?sslmode=verify-ca", ROOTS, Ok(SslMode::Require)),
            ("postgres://h/d?sslmode=verify-full", ROOTS, Ok(SslMode::Require)),
            ("postgres://%2Frun%2Fpostgresql/d", "", Ok(SslMode::Disable)),
            ("postgres://h/d?sslmode=verify-full", "", Err("needs store.tls_roots")),
            ("postgres://h/d?sslmode=prefer", ROOTS, Err("asks for more")),
            ("postgres://h/d?sslmode=always", "", Err("verify-full, not \"always\"")),
            ("postgres://h/d", "/nowhere/roots.pem", Err("/nowhere/roots.pem")),
            ("postgres://h/d", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"), Err("none in it")),
            ("postgres://h/d?colour=red", "", Err("colour")),
        ] {
            match (read(url, roots), mode) {
                (Ok((config, _)), Ok(mode)) => assert_eq!(config.get_ssl_mode(), mode, "{url}"),
                (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{url}: {error}"),
                (read, _) => panic!("{url}: {:?}", read.map(|(config, _)| config)),
            }
        }
    }
}
