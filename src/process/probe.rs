//! `nablad healthcheck`: one HTTP request, encrypted or not, no client library.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConnection, StreamOwned};

use super::Outcome;
use crate::store::trust::Trust;

/// How long the server has to answer each step.
const PATIENCE: Duration = Duration::from_secs(3);

/// The address of the server that listens there, as seen from this machine.
pub(super) fn own_url(scheme: &str, listen: &str) -> String {
    let Ok(mut address) = listen.parse::<SocketAddr>() else {
        return format!("{scheme}://{listen}/readyz");
    };
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("{scheme}://{address}/readyz")
}

/// Succeeds where `url` answers 200; behind TLS from whom there is trust in.
pub(super) fn healthcheck(url: &str, trust: Trust) -> Outcome {
    let status = status(url, trust).map_err(|detail| format!("nablad: {url}: {detail}"))?;
    if status == 200 { Ok(()) } else { Err(format!("nablad: {url}: status {status}")) }
}

fn status(url: &str, trust: Trust) -> Result<u16, String> {
    let (rest, encrypted) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
        (Some(rest), _) => (rest, false),
        (_, Some(rest)) => (rest, true),
        _ => return Err("the URL must begin with http:// or https://".to_owned()),
    };
    let (authority, path) = rest.find('/').map_or((rest, "/readyz"), |at| rest.split_at(at));
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let target = if has_port { authority.to_owned() } else { format!("{authority}:{}", if encrypted { 443 } else { 80 }) };
    let addresses = target.to_socket_addrs().map_err(|error| error.to_string())?;
    let mut last = "no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                let sentence = |error: std::io::Error| error.to_string();
                stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE))).map_err(sentence)?;
                return if encrypted { ask(shaken(stream, &target, trust)?, authority, path) } else { ask(stream, authority, path) };
            }
            Err(error) => last = error.to_string(),
        }
    }
    Err(last)
}

/// The encrypted connection; it shakes hands when it is first used.
fn shaken(stream: TcpStream, target: &str, trust: Trust) -> Result<StreamOwned<ClientConnection, TcpStream>, String> {
    let host = target.rsplit_once(':').map_or(target, |(host, _)| host).trim_matches(['[', ']']);
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let connection = ClientConnection::new(Arc::new(trust.client()?), name).map_err(|error| error.to_string())?;
    Ok(StreamOwned::new(connection, stream))
}

fn ask(mut stream: impl Read + Write, authority: &str, path: &str) -> Result<u16, String> {
    let sentence = |error: std::io::Error| error.to_string();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).and_then(|()| stream.flush()).map_err(sentence)?;
    let (mut head, mut piece) = (Vec::new(), [0; 512]);
    while head.len() < 512 && !head.contains(&b'\r') {
        match stream.read(&mut piece).map_err(sentence)? {
            0 => break,
            size => head.extend_from_slice(&piece[..size]),
        }
    }
    let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let status = String::from_utf8_lossy(line).split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| "the answer is not HTTP".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_addresses() {
        for (listen, url) in [
            ("0.0.0.0:80", "http://127.0.0.1:80/readyz"),
            ("[::]:8080", "http://[::1]:8080/readyz"),
            ("10.0.0.1:1", "http://10.0.0.1:1/readyz"),
        ] {
            assert_eq!(own_url("http", listen), url);
        }
        assert!(status("ftp://localhost/", Trust::Anyone).unwrap_err().contains("https://"));
    }
}
