//! The floor of the HTTP benchmark: a bare axum server that takes a body, looks at nothing, and answers a fixed one.
//!
//! `echo FILE` answers every `POST /gradient` with the bytes of FILE. Router, extractor and runtime are axum's and tokio's defaults.

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let file = std::env::args_os().nth(1).expect("usage: echo FILE");
    let answer = Bytes::from(std::fs::read(file)?);
    let echo = move |_body: Bytes| async move { ([(CONTENT_TYPE, "application/json")], answer) };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("echo listening on http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().route("/gradient", post(echo))).await
}
