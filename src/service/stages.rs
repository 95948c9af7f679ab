//! The way from a request's bytes to its function in single steps, for measuring: [`Service::answer`](super::Service::answer) goes it
//! in one.

use super::build::build;
use super::caller::Caller;
use super::decode::{self, Source};
use super::library::{Halt, Library};
use super::plan::site;
use super::{Ask, Endpoint, Limits, Service};
use crate::engine::graph::Graph;
use crate::wire::problem::Failure;

/// A request's function as it is written.
#[derive(Debug)]
pub struct Written(Source);

/// Reads the function of a request that has one.
///
/// # Errors
/// As [`Service::answer`](super::Service::answer), before any name in the function is looked up.
pub fn read(service: &Service, endpoint: Endpoint, body: &[u8]) -> Result<Written, Failure> {
    let limits = &service.0.limits;
    let library = Library::new(service.0.shelf.clone(), Caller::ANYONE);
    let asked = Ask { endpoint, body, function: None, library: &library, crew: None };
    let envelope = decode::glance(asked).map_or_else(|| decode::envelope(asked, limits.json_nesting), Ok)?;
    decode::function(&envelope, body, limits, &library).map(Written).map_err(Halt::verdict)
}

impl Written {
    /// The function as a graph. An input whose shape is left open is a scalar.
    ///
    /// # Errors
    /// As [`Service::answer`](super::Service::answer), where the function is wrong.
    pub fn build(&self, limits: &Limits) -> Result<Graph, Failure> {
        build(&self.0.graph, site(&self.0), limits, false).map(|built| built.graph)
    }
}
