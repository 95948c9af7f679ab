//! The HTTP edge: axum and hyper, and nothing that an answer's content depends on.
//!
//! Routes extract, make one service call and answer. What all requests share is in `layers`, what connections share in `server`;
//! `problem` is the one place where errors become answers. Never here: calculus, queues, caches.

mod body;
mod connection;
mod document;
mod examples;
mod explain;
mod layers;
mod negotiate;
mod problem;
mod refusal;
mod routes;
mod server;
mod settings;

pub use document::openapi;
pub use examples::{
    Example, registrations as example_registrations, requests as example_requests, requests_of_registered as example_requests_of_registered,
};
pub use layers::Edge;
pub use routes::{Readiness, operators, router};
pub use server::run;
pub use settings::Settings;
