//! The HTTP edge, the settings and the client, from outside.

mod client;
mod connections;
mod documents;
mod keys;
mod metrics;
mod operators;
mod process;
mod requests;
mod room;
mod settings;
mod traces;
mod transport;
