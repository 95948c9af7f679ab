//! Registered functions: the store in each of its homes, and the registry over HTTP.

mod faults;
mod homes;
mod http;
mod references;
mod store;
