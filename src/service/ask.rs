//! What is asked of the service: by whom, of which function, and with what.

use std::sync::Arc;

use bytes::Bytes;

use super::endpoint::Endpoint;
use super::errand::Context;
use super::library::Library;
use crate::engine::exec::crew::Crew;

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is asked.
    pub endpoint: Endpoint,
    /// Its JSON text.
    pub body: Bytes,
    /// The registered function that the path names; `None` where the body says of what it is asked.
    pub function: Option<String>,
    /// What it comes with.
    pub context: Context,
}

/// What is asked, where no more than looking at it is needed.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) endpoint: Endpoint,
    pub(super) body: &'a [u8],
    pub(super) function: Option<&'a str>,
    pub(super) library: &'a Library,
    /// Who works along where it is long, if anyone.
    pub(super) crew: Option<&'a dyn Crew>,
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
    pub(super) fn view(&self) -> Ask<'_> {
        Ask { endpoint: self.endpoint, body: &self.body, function: self.function.as_deref(), library: &self.library, crew: None }
    }
}
