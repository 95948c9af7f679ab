//! What a request says of itself in its headers: media types, codings, the deadline, its id.
//!
//! Plain functions of headers; they decide what is acceptable, never what to do about it.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::coding;
use super::settings::seconds;
use crate::service::limits::Limits;
use crate::telemetry::traces::Place;
use crate::wire::problem::{Failure, Slug};

/// The header that names a request.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The header by which a caller sets a deadline.
pub(crate) const REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("request-timeout");
/// The header that places a request in a distributed trace.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The media type of answers.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The media type of pages.
pub(crate) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The longest request id that is kept.
const LONGEST_ID: usize = 128;

/// The request's id: the caller's where it is well-formed, else a new one.
pub(crate) fn request_id(headers: &HeaderMap) -> HeaderValue {
    let well_formed = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        !bytes.is_empty() && bytes.len() <= LONGEST_ID && bytes.iter().all(|&b| b.is_ascii_alphanumeric() || b"-_.:~+/=@".contains(&b))
    };
    let mut ids = headers.get_all(REQUEST_ID).iter();
    match (ids.next().filter(well_formed), ids.next()) {
        (Some(id), None) => id.clone(),
        _ => new_id(),
    }
}

/// An id that no other request has: a random number of this process and a count.
pub(crate) fn new_id() -> HeaderValue {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
    static COUNT: AtomicU64 = AtomicU64::new(0);
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0_u8; 32];
    for (half, number) in [*PROCESS, COUNT.fetch_add(1, Ordering::Relaxed)].into_iter().enumerate() {
        for digit in 0..16 {
            text[16 * half + digit] = DIGITS[(number >> (60 - 4 * digit)) as usize & 15];
        }
    }
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("unknown"))
}

/// The `traceparent` of the answer to a request that has one: its trace, and a span of our own. What is malformed is replaced by a
/// trace of our own.
pub(crate) fn traceparent(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut given = headers.get_all(TRACEPARENT).iter();
    let first = given.next()?;
    let known = if given.next().is_none() { trace(first.as_bytes()) } else { None };
    let (own, count) = (new_id(), new_id());
    let (trace, flags) = known.unwrap_or((own.as_bytes(), b"00"));
    // A span is never 0: it is a count with its top bit set.
    let text = [b"00-", trace, b"-8", &count.as_bytes()[17..], b"-", flags].concat();
    HeaderValue::from_bytes(&text).ok()
}

/// A request's place in a trace: what its `traceparent` and the answer's say, or a trace of its own.
pub(crate) fn place_in_trace(headers: &HeaderMap, answer: Option<&HeaderValue>) -> Place {
    let own = || {
        let (trace, span) = (new_id(), new_id());
        let mut place = Place { trace: [b'0'; 32], span: [b'8'; 16], parent: None, sampled: None };
        place.trace.copy_from_slice(trace.as_bytes());
        place.span[1..].copy_from_slice(&span.as_bytes()[17..]);
        place
    };
    let Some((trace, span)) = answer.and_then(|value| Some((value.as_bytes().get(3..35)?, value.as_bytes().get(36..52)?))) else {
        return own();
    };
    let mut place = own();
    place.trace.copy_from_slice(trace);
    place.span.copy_from_slice(span);
    // Where the caller's was malformed the trace is ours, and so is the decision.
    let given = headers.get(TRACEPARENT).map(HeaderValue::as_bytes).filter(|given| given.get(3..35) == Some(trace));
    if let Some(given) = given {
        place.parent = given.get(36..52).and_then(|parent| parent.try_into().ok());
        place.sampled = given.get(54).map(|digit| char::from(*digit).to_digit(16).is_some_and(|flags| flags & 1 == 1));
    }
    place
}

/// The trace and the flags of a well-formed `traceparent` (W3C Trace Context, level 1; of later versions what level 1 knows).
fn trace(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let hex = |part: &[u8]| part.iter().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte));
    let zero = |part: &[u8]| part.iter().all(|&byte| byte == b'0');
    let (version, trace, span, flags) = (text.get(..2)?, text.get(3..35)?, text.get(36..52)?, text.get(53..55)?);
    let dashes = [2, 35, 52].iter().all(|&at| text[at] == b'-');
    let ends = text.len() == 55 || (version != b"00" && text[55] == b'-');
    let good = dashes && ends && version != b"ff" && [version, trace, span, flags].into_iter().all(hex) && !zero(trace) && !zero(span);
    good.then_some((trace, flags))
}

/// Whether the body is JSON that is read here: no media type, `application/json` or one that ends in `+json`; a content coding that is read here.
///
/// # Errors
/// `unsupported-media-type`.
pub(crate) fn reads_json(headers: &HeaderMap) -> Result<(), Failure> {
    let refuse = |detail: String| Err(Failure::new(Slug::UnsupportedMediaType, detail));
    coding::sent(headers)?;
    let Some(value) = headers.get(CONTENT_TYPE).filter(|&value| *value != JSON) else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    if !(media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))) {
        return refuse(format!("the media type {media:?} is not read here; send it with the header content-type: application/json"));
    }
    for parameter in parts {
        if let Some((name, charset)) = parameter.split_once('=')
            && name.trim().eq_ignore_ascii_case("charset")
            && !["utf-8", "utf8", "us-ascii"].contains(&charset.trim().trim_matches('"').to_ascii_lowercase().as_str())
        {
            return refuse(format!("the charset {charset:?} is not read here; send UTF-8"));
        }
    }
    Ok(())
}

/// How well a media type is accepted: the weight of the most specific range that holds it.
fn weight(headers: &HeaderMap, media: &str) -> f64 {
    let kind = media.split('/').next().unwrap_or_default();
    let (mut best, mut specificity) = (0.0, 0);
    let mut said = false;
    for value in headers.get_all(ACCEPT) {
        for range in String::from_utf8_lossy(value.as_bytes()).split(',') {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            if name.is_empty() {
                continue;
            }
            said = true;
            let rank = match name.as_str() {
                "*/*" => 1,
                name if name.strip_suffix("/*") == Some(kind) => 2,
                name if name == media => 3,
                _ => continue,
            };
            let q = parts.find_map(|parameter| {
                let (name, q) = parameter.split_once('=')?;
                if name.trim().eq_ignore_ascii_case("q") { q.trim().parse().ok() } else { None }
            });
            if rank > specificity {
                (best, specificity) = (q.unwrap_or(1.0), rank);
            }
        }
    }
    if said { best } else { 1.0 }
}

/// Whether JSON may be answered.
///
/// # Errors
/// `not-acceptable`.
pub(crate) fn accepts_json(headers: &HeaderMap) -> Result<(), Failure> {
    match headers.get(ACCEPT).map(HeaderValue::as_bytes) {
        None | Some(b"*/*" | b"application/json") => Ok(()),
        Some(_) if weight(headers, "application/json") > 0.0 => Ok(()),
        Some(other) => {
            let other = String::from_utf8_lossy(other);
            Err(Failure::new(Slug::NotAcceptable, format!("answers are application/json, which Accept {other:?} excludes")))
        }
    }
}

/// Whether a page is wanted rather than JSON.
pub(crate) fn prefers_html(headers: &HeaderMap) -> bool {
    let html = weight(headers, "text/html");
    html > 0.0 && html >= weight(headers, "application/json")
}

/// The time a request may compute: what its `Request-Timeout` says, at most the server's most; else the server's default.
///
/// # Errors
/// `bad-request` where the header is no positive number of seconds.
pub(crate) fn deadline(headers: &HeaderMap, limits: &Limits) -> Result<Duration, Failure> {
    let Some(value) = headers.get(REQUEST_TIMEOUT) else {
        return Ok(seconds(limits.deadline_seconds));
    };
    let asked = value.to_str().ok().and_then(|text| text.trim().parse::<f64>().ok()).filter(|&asked| asked > 0.0 && asked.is_finite());
    match asked {
        Some(asked) => Ok(seconds(asked.min(limits.deadline_most_seconds))),
        None => {
            let text = String::from_utf8_lossy(value.as_bytes());
            Err(Failure::new(Slug::BadRequest, format!("Request-Timeout must be a positive number of seconds, not {text:?}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::CONTENT_ENCODING;

    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn media_types() {
        for (value, read) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json;charset=\"utf-8\"", true),
            ("application/vnd.api+json", true),
            ("application/json; charset=utf-16", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("", false),
        ] {
            assert_eq!(reads_json(&headers(CONTENT_TYPE, value)).is_ok(), read, "{value}");
        }
        for (value, read) in [("identity", true), ("gzip", true), ("compress", false)] {
            assert_eq!(reads_json(&headers(CONTENT_ENCODING, value)).is_ok(), read, "{value}");
        }
    }

    #[test]
    fn accept() {
        for (value, json) in [
            ("*/*", true),
            ("application/*", true),
            ("text/html, application/json;q=0.1", true),
            ("text/html,application/xhtml+xml,*/*;q=0.8", true),
            ("", true),
            ("text/html", false),
            ("application/json;q=0, */*", false),
        ] {
            assert_eq!(accepts_json(&headers(ACCEPT, value)).is_ok(), json, "{value}");
        }
        assert!(prefers_html(&headers(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8")));
        assert!(!prefers_html(&headers(ACCEPT, "application/json")));
        assert!(!prefers_html(&headers(ACCEPT, "text/csv")));
    }

    #[test]
    fn deadlines() {
        let limits = Limits::default();
        for (value, seconds) in
            [("2.5", Some(2.5)), ("1e9", Some(60.0)), ("30", Some(30.0)), ("0", None), ("-1", None), ("NaN", None), ("soon", None)]
        {
            let deadline = deadline(&headers(REQUEST_TIMEOUT, value), &limits).ok();
            assert_eq!(deadline.map(|deadline| deadline.as_secs_f64()), seconds, "{value}");
        }
    }

    #[test]
    fn ids() {
        assert_eq!(request_id(&headers(REQUEST_ID, "abc-123")), "abc-123");
        for malformed in ["", "a b", "a\"b", &"x".repeat(129)] {
            assert_eq!(request_id(&headers(REQUEST_ID, malformed)).len(), 32, "{malformed}");
        }
        assert_ne!(new_id(), new_id());
    }

    #[test]
    fn traces() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        for (sent, kept) in [
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", true),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", false),
            ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false),
            ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", false),
            ("garbage", false),
            ("", false),
        ] {
            let answer = traceparent(&headers(TRACEPARENT, sent)).unwrap();
            let text = answer.to_str().unwrap();
            assert!(trace(text.as_bytes()).is_some(), "{text}");
            assert_eq!(&text[3..35] == TRACE, kept, "{sent}");
            assert_ne!(&text[36..52], "00f067aa0ba902b7", "the span is ours");
            assert_eq!(&text[53..], if kept { "01" } else { "00" }, "{sent}");
        }
        assert_eq!(traceparent(&HeaderMap::new()), None);
    }
}
