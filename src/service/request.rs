//! One request: as it comes, as it is looked at, and as it goes from thread to thread.

use std::sync::Arc;

use bytes::Bytes;

use super::Endpoint;
use super::errand::Context;
use super::library::Library;

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is asked.
    pub endpoint: Endpoint,
    /// Its JSON text.
    pub body: Bytes,
    /// What it comes with: how long it may take, and who asks.
    pub context: Context,
    /// The registered function that the path names; `None` where the body says of what it is asked.
    pub function: Option<String>,
}

/// What is asked, where no more than looking at it is needed.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) endpoint: Endpoint,
    pub(super) body: &'a [u8],
    pub(super) function: Option<&'a str>,
    pub(super) library: &'a Library,
}

/// What is asked, to be carried from thread to thread.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) endpoint: Endpoint,
    pub(super) body: Bytes,
    pub(super) function: Option<String>,
    pub(super) library: Arc<Library>,
}

impl Held {
    /// To be looked at.
    pub(super) fn view(&self) -> Ask<'_> {
        Ask { endpoint: self.endpoint, body: &self.body, function: self.function.as_deref(), library: &self.library }
    }
}
