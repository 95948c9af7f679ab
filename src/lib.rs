//! nablad (∇d): differentiation as a service.
//!
//! Three rings: [`engine`] knows calculus, `service` knows work, `api` knows HTTP.
//! ARCHITECTURE.md walks one request through them.

pub mod engine;
pub mod notation;
pub mod wire;

#[cfg(feature = "server")]
pub mod api;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod process;
#[cfg(feature = "server")]
pub mod service;
#[cfg(feature = "server")]
pub mod store;
#[cfg(feature = "server")]
pub mod telemetry;
