//! `nablad healthcheck`: one plain HTTP request, no client library.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::Outcome;

/// How long the server has to answer each step.
const PATIENCE: Duration = Duration::from_secs(3);

/// The address of the server that listens there, as seen from this machine.
pub(super) fn own_url(listen: &str) -> String {
    let Ok(mut address) = listen.parse::<SocketAddr>() else {
        return format!("http://{listen}/readyz");
    };
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}/readyz")
}

/// Succeeds where `url` answers 200.
pub(super) fn healthcheck(url: &str) -> Outcome {
    let status = status(url).map_err(|detail| format!("nablad: {url}: {detail}"))?;
    if status == 200 { Ok(()) } else { Err(format!("nablad: {url}: status {status}")) }
}

fn status(url: &str) -> Result<u16, String> {
    let rest = url.strip_prefix("http://").ok_or("the URL must begin with http://")?;
    let (authority, path) = rest.find('/').map_or((rest, "/readyz"), |at| rest.split_at(at));
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let target = if has_port { authority.to_owned() } else { format!("{authority}:80") };
    let addresses = target.to_socket_addrs().map_err(|error| error.to_string())?;
    let mut last = "no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => return ask(stream, authority, path),
            Err(error) => last = error.to_string(),
        }
    }
    Err(last)
}

fn ask(mut stream: TcpStream, authority: &str, path: &str) -> Result<u16, String> {
    let sentence = |error: std::io::Error| error.to_string();
    stream.set_read_timeout(Some(PATIENCE)).map_err(sentence)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(sentence)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n").map_err(sentence)?;
    let mut head = Vec::new();
    stream.take(16 << 10).read_to_end(&mut head).map_err(sentence)?;
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
            assert_eq!(own_url(listen), url);
        }
        assert!(status("https://localhost/").is_err());
    }
}
