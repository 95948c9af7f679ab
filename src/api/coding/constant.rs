//! Answers that never change: in memory once as they are, and once in each coding that was ever asked for.
//!
//! So nobody, with a key or without, has one packed twice, and what they take is a few megabytes however many are being read.

use std::sync::Arc;

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use tokio::sync::OnceCell;

use super::{Coding, pack};
use crate::service::{Context, Service};

/// An answer that never changes. Clones share it.
#[derive(Clone)]
pub(in crate::api) struct Constant(Arc<Kept>);

struct Kept {
    media: HeaderValue,
    whole: Bytes,
    /// In each coding, where that is shorter.
    packed: [OnceCell<Option<Bytes>>; Coding::ALL.len()],
}

impl Constant {
    /// That text.
    pub(in crate::api) fn new(media: HeaderValue, whole: Bytes) -> Constant {
        Constant(Arc::new(Kept { media, whole, packed: Default::default() }))
    }

    /// The text in that coding. Where the workers have no time now, or it would be no shorter, there is none; several who ask at once wait
    /// for one of them.
    pub(super) async fn packed(&self, coding: Coding, service: &Service, context: &Context) -> Option<Bytes> {
        let Kept { whole, packed, .. } = &*self.0;
        let made = packed[coding as usize]
            .get_or_try_init(|| async { pack(whole, coding, service, context).await.map(|all| all.map(Bytes::from)) });
        made.await.ok().cloned().flatten()
    }
}

impl IntoResponse for Constant {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.0.whole.clone().into());
        response.headers_mut().insert(CONTENT_TYPE, self.0.media.clone());
        response.extensions_mut().insert(self);
        response
    }
}
