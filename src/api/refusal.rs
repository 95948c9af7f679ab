//! The answers that hyper gives by itself to what is no request (400, 414, 431), made problems like all others.
//!
//! hyper writes them straight to the connection, past every layer, with an empty body. A bare head on its way out is swapped here;
//! the edge's own errors always have a body, so that nothing of theirs is ever taken for one.

use crate::wire::problem::{Failure, Slug};

use super::negotiate::new_id;
use super::problem;

/// The complete answer to write instead of `written`, where that is hyper's bare refusal, and which problem it is.
pub(super) fn complete(written: &[u8]) -> Option<(Slug, Vec<u8>)> {
    let status = written.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    let (slug, detail) = match status {
        b"400" => (Slug::BadRequest, "what came is not an HTTP request"),
        b"414" => (Slug::UriTooLong, "the URI is longer than any that is read here"),
        b"431" => (Slug::HeadersTooLarge, "the headers are more or longer than are read here"),
        _ => return None,
    };
    let head = std::str::from_utf8(written).ok()?.strip_suffix("\r\n\r\n")?;
    let (line, headers) = head.split_once("\r\n")?;
    let is_length = |header: &&str| header.to_ascii_lowercase().starts_with("content-length:");
    if headers.lines().find(is_length)?.split_once(':')?.1.trim() != "0" {
        return None;
    }
    let id = new_id();
    let id = id.to_str().unwrap_or_default();
    let body = problem::body(Failure::new(slug, detail), id);
    let mut answer = format!("{line}\r\n");
    for header in headers.lines().filter(|header| !is_length(header)) {
        answer.push_str(header);
        answer.push_str("\r\n");
    }
    answer.push_str(&format!("content-type: application/problem+json\r\nx-request-id: {id}\r\ncontent-length: {}\r\n\r\n", body.len()));
    let mut answer = answer.into_bytes();
    answer.extend_from_slice(&body);
    Some((slug, answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_refusals_get_a_body() {
        let bare = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: now\r\n\r\n";
        let (slug, answer) = complete(bare).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert_eq!(slug, Slug::HeadersTooLarge);
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
        assert!(answer.contains("connection: close\r\n") && answer.contains("/problems/headers-too-large"), "{answer}");
        for other in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        ] {
            assert_eq!(complete(other.as_bytes()), None, "{other}");
        }
    }
}
