//! The edge's settings, the section `[http]`: where to listen, what a connection and a request may cost before they are work.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cors::Cors;

/// The settings of the HTTP edge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address and port to listen on; port 0 takes a free one.
    pub listen: String,
    /// Connections open at once; more are closed.
    pub connections: usize,
    /// Seconds until a new connection must have sent its first request's head.
    pub first_request_seconds: f64,
    /// Seconds from the first byte of a request's head to its last.
    pub header_seconds: f64,
    /// Seconds that a connection may lie idle between requests.
    pub idle_seconds: f64,
    /// Seconds for a whole request body.
    pub body_seconds: f64,
    /// Seconds between two pieces of a request body.
    pub body_gap_seconds: f64,
    /// Seconds that a reader may take no piece of a long answer.
    pub answer_gap_seconds: f64,
    /// Seconds for all of an answer to be read.
    pub answer_seconds: f64,
    /// Seconds that requests in flight have to finish at shutdown.
    pub drain_seconds: f64,
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// Bytes of a request's headers.
    pub header_bytes: usize,
    /// Number of a request's headers.
    pub header_count: usize,
    /// Bytes of a request's URI.
    pub uri_bytes: usize,
    /// Answers of fewer bytes are never compressed.
    pub compress_bytes: usize,
    /// Origins whose pages may ask: none, `*`, or some with commas between them.
    pub cors_origins: String,
    /// A PEM file with the certificate and its chain; empty for no TLS.
    pub tls_certificate: String,
    /// A PEM file with the certificate's key.
    pub tls_key: String,
    /// Seconds between two looks at whether the files of keys and certificates have changed.
    pub reload_seconds: f64,
}

impl Settings {
    /// Whether that names origins whose pages may ask, as `cors_origins` does.
    pub fn are_origins(text: &str) -> bool {
        Cors::of(text).is_some()
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            listen: "127.0.0.1:8080".to_owned(),
            connections: 10_000,
            first_request_seconds: 10.0,
            header_seconds: 5.0,
            idle_seconds: 75.0,
            body_seconds: 60.0,
            body_gap_seconds: 10.0,
            answer_gap_seconds: 30.0,
            answer_seconds: 600.0,
            drain_seconds: 20.0,
            body_bytes: 64 << 20,
            header_bytes: 64 << 10,
            header_count: 100,
            uri_bytes: 16 << 10,
            compress_bytes: 1024,
            cors_origins: String::new(),
            tls_certificate: String::new(),
            tls_key: String::new(),
            reload_seconds: 10.0,
        }
    }
}

/// A duration of so many seconds; what no duration can be is the longest.
pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(u64::from(u32::MAX)))
}
