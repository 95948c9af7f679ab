//! Registered functions: the store in each of its homes, and the registry over HTTP.

mod http;
mod references;
mod store;
