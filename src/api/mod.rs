//! The HTTP edge: axum and hyper, and nothing that an answer's content depends on.
//!
//! Routes extract, make one service call and answer. What all requests share is in `layers`, what connections share in `server`;
//! `problem` is the one place where errors become answers. Never here: calculus, queues, caches.

mod answering;
mod body;
mod coding;
mod connection;
mod cors;
mod document;
mod examples;
mod explain;
pub mod keys;
mod layers;
mod map;
mod negotiate;
mod problem;
mod refusal;
mod reload;
mod routes;
mod server;
mod settings;
mod setup;
mod tls;

pub use document::openapi;
pub use examples::{
    Example, registrations as example_registrations, requests as example_requests, requests_of_registered as example_requests_of_registered,
};
pub use routes::operators;
pub use server::run;
pub use settings::Settings;
pub use setup::Setup;
