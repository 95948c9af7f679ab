//! Content codings, both ways: gzip, zstd and br.
//!
//! A body is expanded as far as bodies may be long and no further, so that a small one cannot fill the memory; an answer is compressed
//! where its caller accepts it, it is worth it, and there is time and room for it: packing is work as any, and an answer goes as it is
//! where that would be turned away. Short ones are worked on where they arrive, longer ones by a worker; what comes in pieces is compressed
//! while it goes. A request that names no coding
//! costs the look for a header.

mod codec;
mod constant;
mod flow;

use axum::body::{Body, HttpBody};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;

use super::body::too_large;
use super::settings::Settings;
use crate::service::{Context, Service};
use crate::wire::problem::{Failure, Slug};

pub(super) use constant::Constant;
use flow::Flow;

/// What is read and written, best first where a caller does not mind.
pub(super) const CODINGS: HeaderValue = HeaderValue::from_static("zstd, gzip, br");

/// Up to this size, expanded, a body is worked on where it arrives, and an answer where it was made.
const SMALL: usize = 64 << 10;
/// Up to this size a body may be one of those: what takes in many bytes and gives out none takes time as well.
const SMALL_PACKED: usize = 16 << 10;
/// Flops that expanding or compressing a byte is taken to cost.
const FLOPS: f64 = 10.0;

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Zstd,
    Gzip,
    Brotli,
}

impl Coding {
    const ALL: [Coding; 3] = [Coding::Zstd, Coding::Gzip, Coding::Brotli];

    const fn name(self) -> &'static str {
        match self {
            Coding::Zstd => "zstd",
            Coding::Gzip => "gzip",
            Coding::Brotli => "br",
        }
    }

    fn from_name(name: &str) -> Option<Coding> {
        let name = if name.eq_ignore_ascii_case("x-gzip") { "gzip" } else { name };
        Coding::ALL.into_iter().find(|coding| coding.name().eq_ignore_ascii_case(name))
    }
}

/// The coding of a request's body.
///
/// # Errors
/// `unsupported-media-type` for one that is not read here, and for several on top of each other.
pub(super) fn sent(headers: &HeaderMap) -> Result<Option<Coding>, Failure> {
    let mut found = None;
    for value in headers.get_all(CONTENT_ENCODING) {
        for name in String::from_utf8_lossy(value.as_bytes()).split(',').map(str::trim) {
            if name.is_empty() || name.eq_ignore_ascii_case("identity") {
                continue;
            }
            let refuse = |detail: String| Err(Failure::new(Slug::UnsupportedMediaType, detail));
            match Coding::from_name(name) {
                None => return refuse(format!("the content coding {name:?} is not read here; gzip, zstd and br are")),
                Some(_) if found.is_some() => return refuse("a body with more than one content coding is not read here".to_owned()),
                coding => found = coding,
            }
        }
    }
    Ok(found)
}

/// The coding that an answer may have, where the caller accepts one.
pub(super) fn accepted(headers: &HeaderMap) -> Option<Coding> {
    if !headers.contains_key(ACCEPT_ENCODING) {
        return None;
    }
    let mut weights = [None; Coding::ALL.len()];
    let mut rest = 0.0;
    for value in headers.get_all(ACCEPT_ENCODING) {
        for part in String::from_utf8_lossy(value.as_bytes()).split(',') {
            let mut words = part.split(';').map(str::trim);
            let name = words.next().unwrap_or_default();
            let q = words.find_map(|word| word.strip_prefix("q=").or_else(|| word.strip_prefix("Q=")));
            let q: f64 = q.map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
            match Coding::from_name(name) {
                Some(coding) => weights[coding as usize] = Some(q),
                None if name == "*" => rest = q,
                None => {}
            }
        }
    }
    let weigh = |coding: Coding| weights[coding as usize].unwrap_or(rest);
    let best = Coding::ALL.into_iter().rev().max_by(|&a, &b| weigh(a).total_cmp(&weigh(b)))?;
    (weigh(best) > 0.0).then_some(best)
}

/// The body without its coding, unpacked within the time that its request has.
///
/// # Errors
/// `body-too-large` beyond the limit of bodies, `bad-request` where it is not what it says, `deadline-exceeded` where it takes too long, and
/// where there is no room.
pub(super) async fn expanded(
    body: Bytes,
    coding: Coding,
    settings: &Settings,
    service: &Service,
    context: &Context,
) -> Result<Bytes, Failure> {
    let most = settings.body_bytes;
    let held = service.memory().portion(&context.caller);
    if body.len() <= SMALL_PACKED {
        if let Ok(whole) = codec::expand(coding, &body, SMALL.min(most), &held, &|| false) {
            return Ok(held.with_all_of(whole));
        }
        // Longer or broken; a worker finds out which.
        held.shrink(0);
    }
    let flops = body.len() as f64 * FLOPS;
    let work = move |stop: &dyn Fn() -> bool| codec::expand(coding, &body, most, &held, stop).map(|whole| held.with_all_of(whole));
    match service.handwork(context, flops, work).await? {
        Ok(whole) => Ok(whole),
        Err(codec::Fault::TooLarge(asked)) => Err(too_large(asked, settings)),
        Err(codec::Fault::Refused(failure)) => Err(failure),
        Err(codec::Fault::Stopped) => Err(Failure::new(Slug::BadRequest, "the request was given up")),
        Err(codec::Fault::Broken(detail)) => Err(Failure::new(Slug::BadRequest, format!("the body is not {}: {detail}", coding.name()))),
    }
}

/// The answer in that coding, where it is of a kind and of a size for which that is worth it, and where there is time and room for that now.
pub(super) async fn compressed(mut response: Response, coding: Coding, least: usize, service: &Service, context: &Context) -> Response {
    let exact = response.body().size_hint().exact();
    let size = usize::try_from(exact.unwrap_or_else(|| response.body().size_hint().lower())).unwrap_or(usize::MAX);
    let constant = response.extensions_mut().remove::<Constant>();
    let headers = response.headers();
    // A tag names the bytes of one coding.
    let as_it_is = headers.contains_key(CONTENT_ENCODING) || headers.contains_key(ETAG) || !is_text(headers);
    if size == 0 || size < least || as_it_is {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let (body, smaller) = match constant {
        Some(constant) => (body, constant.packed(coding, service, context).await.map(Body::from)),
        None if exact.is_none() => match Flow::new(body, coding, service, context) {
            Ok(flow) => (Body::empty(), Some(Body::new(flow))),
            Err(body) => (body, None),
        },
        None => {
            let Ok(collected) = body.collect().await else {
                // A body whose size is known is there.
                return Response::from_parts(parts, Body::empty());
            };
            let whole = collected.to_bytes();
            let smaller = packed(&whole, coding, service, context).await.map(Body::from);
            (Body::from(whole), smaller)
        }
    };
    let Some(smaller) = smaller else {
        return Response::from_parts(parts, body);
    };
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    if !parts.headers.contains_key(VARY) {
        parts.headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    Response::from_parts(parts, smaller)
}

/// The bytes in a coding, counted from before they are there until they have been sent; none where there is neither time nor room.
async fn packed(whole: &Bytes, coding: Coding, service: &Service, context: &Context) -> Option<Bytes> {
    let held = service.memory().portion(&context.caller);
    held.grow(whole.len() as u64).ok()?;
    if whole.len() <= SMALL {
        return codec::compress(coding, whole, &|| false).map(|smaller| held.with_all_of(smaller));
    }
    let bytes = whole.clone();
    let work = move |stop: &dyn Fn() -> bool| codec::compress(coding, &bytes, stop).map(|smaller| held.with_all_of(smaller));
    service.handwork(context, whole.len() as f64 * FLOPS, work).await.ok()?
}

/// The bytes in a coding, uncounted: of what is kept for good.
async fn pack(whole: &Bytes, coding: Coding, service: &Service, context: &Context) -> Result<Option<Vec<u8>>, Failure> {
    let bytes = whole.clone();
    let work = move |stop: &dyn Fn() -> bool| (codec::compress(coding, &bytes, stop), stop());
    match service.handwork(context, whole.len() as f64 * FLOPS, work).await? {
        (None, true) => Err(Failure::new(Slug::DeadlineExceeded, "the work was stopped")),
        (smaller, _) => Ok(smaller),
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    ["text/", "application/json", "application/problem+json"].iter().any(|kind| media.starts_with(kind.as_bytes()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn what_is_accepted() {
        for (value, coding) in [
            ("gzip, deflate, br, zstd", Some(Coding::Zstd)),
            ("gzip, deflate, br", Some(Coding::Gzip)),
            ("br", Some(Coding::Brotli)),
            ("gzip;q=0.5, br;q=0.8", Some(Coding::Brotli)),
            ("*", Some(Coding::Zstd)),
            ("*;q=0.1, zstd;q=0", Some(Coding::Gzip)),
            ("X-GZIP", Some(Coding::Gzip)),
            ("gzip;q=0", None),
            ("identity", None),
            ("gzip;q=x", None),
            ("", None),
        ] {
            assert_eq!(accepted(&headers(ACCEPT_ENCODING, value)), coding, "{value}");
        }
        assert_eq!(accepted(&HeaderMap::new()), None);
    }

    #[test]
    fn what_is_sent() {
        for (value, coding) in [
            ("gzip", Some(Some(Coding::Gzip))),
            ("Identity", Some(None)),
            ("identity, br", Some(Some(Coding::Brotli))),
            ("gzip, gzip", None),
            ("deflate", None),
        ] {
            assert_eq!(sent(&headers(CONTENT_ENCODING, value)).ok(), coding, "{value}");
        }
    }
}
