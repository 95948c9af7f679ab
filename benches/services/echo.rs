//! The floor of the service benchmark: a bare axum server that knows the answer before it is asked.
//!
//! `echo FILE` has the answer in FILE, that of a gradient at one point or at points as columns. `POST /gradient` looks at nothing and
//! answers these bytes; `POST /typed` reads the request into numbers and writes the answer from numbers, by serde. Nothing is computed.
//! Router, extractor and runtime are axum's and tokio's defaults, but that bodies may be large.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// A number for each input, or a column of them.
#[derive(Deserialize, Serialize)]
struct Inputs<N> {
    #[serde(rename = "S")]
    price: N,
    #[serde(rename = "K")]
    strike: N,
    r: N,
    sigma: N,
    #[serde(rename = "T")]
    years: N,
}

#[derive(Deserialize)]
struct Request<N> {
    formula: String,
    #[serde(alias = "points")]
    at: Inputs<N>,
}

#[derive(Deserialize, Serialize)]
struct Value<N> {
    f: N,
}

#[derive(Deserialize, Serialize)]
struct Answer<N> {
    value: Value<N>,
    gradient: Inputs<N>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args_os().nth(1).ok_or("usage: echo FILE")?;
    let answer = Bytes::from(std::fs::read(file)?);
    let router = match serde_json::from_slice::<Answer<f64>>(&answer) {
        Ok(one) => typed(one),
        Err(_) => typed(serde_json::from_slice::<Answer<Vec<f64>>>(&answer)?),
    };
    let echo = move |_body: Bytes| async move { ([(CONTENT_TYPE, "application/json")], answer) };
    let router = router.route("/gradient", post(echo)).layer(DefaultBodyLimit::disable());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("echo listening on http://{}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

fn typed<N: DeserializeOwned + Serialize + Send + Sync + 'static>(answer: Answer<N>) -> Router {
    let answer = Arc::new(answer);
    Router::new().route("/typed", post(move |body: Bytes| async move { written::<N>(&body, &answer) }))
}

fn written<N: DeserializeOwned + Serialize>(body: &[u8], answer: &Answer<N>) -> Response {
    match serde_json::from_slice::<Request<N>>(body).and_then(|request| {
        std::hint::black_box((request.formula, request.at));
        serde_json::to_vec(answer)
    }) {
        Ok(bytes) => ([(CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}
