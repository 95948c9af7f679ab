//! `GET /openapi.json` and its page `GET /docs`, which loads nothing from anywhere else. None of it ever changes.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, VARY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;

use super::{AcceptsJson, Shared};
use crate::api::coding::Constant;
use crate::api::negotiate::HTML;

/// Links are relative, so that the page works behind a path of any name.
const HTML_PAGE: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>nablad: HTTP API</title>
<link rel="icon" type="image/png" href="docs/favicon-32x32.png" sizes="32x32">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<noscript>This page needs JavaScript; the document it shows is at <a href="openapi.json">openapi.json</a>.</noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"#;

/// What the script that starts the page is called.
const START_NAME: &str = "start.js";

/// The validator is another server's, and stays out.
const START: &str = r##"window.onload = () => {
  window.ui = SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#docs",
    deepLinking: true,
    tryItOutEnabled: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
  });
};
"##;

/// Only what this server itself says.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// The files of Swagger UI that the page loads.
const ASSETS: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

/// The page, and by their names the files that it loads.
pub(super) struct Page {
    page: Constant,
    files: Vec<(&'static str, Constant)>,
}

impl Page {
    /// All of it, read from this binary.
    pub(super) fn new() -> Page {
        const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
        let config = Arc::new(utoipa_swagger_ui::Config::from("openapi.json"));
        let file = |name: &'static str| {
            let found = utoipa_swagger_ui::serve(name, config.clone()).ok()??;
            let bytes = match found.bytes {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => bytes.into(),
            };
            Some((name, Constant::new(HeaderValue::from_str(&found.content_type).unwrap_or(SCRIPT), bytes)))
        };
        let start = (START_NAME, Constant::new(SCRIPT, Bytes::from_static(START.as_bytes())));
        Page {
            page: Constant::new(HTML, Bytes::from_static(HTML_PAGE.as_bytes())),
            files: ASSETS.into_iter().filter_map(file).chain([start]).collect(),
        }
    }
}

/// The OpenAPI 3.1 document
#[utoipa::path(get, path = "/openapi.json", tag = "server", operation_id = "openapi",
    responses((status = 200, description = "This document.", body = serde_json::Value)))]
pub(super) async fn openapi_json(State(shared): State<Shared>, _: AcceptsJson) -> Constant {
    shared.document.clone()
}

/// This document as a page
#[utoipa::path(get, path = "/docs", tag = "server", operation_id = "docs",
    responses((status = 200, description = "A page for a browser.", body = String, content_type = "text/html")))]
pub(super) async fn docs(State(shared): State<Shared>) -> Response {
    let mut response = shared.page.page.clone().into_response();
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
    response
}

/// The paths of what the page loads.
pub(super) const UNDECLARED: [&str; 2] = ["/docs/", "/docs/{file}"];

/// What the page loads: parts of it, not of the contract.
pub(super) fn undeclared() -> Router<Shared> {
    let [start, file] = UNDECLARED;
    Router::new().route(start, get(async || Redirect::permanent("../docs"))).route(file, get(asset))
}

async fn asset(State(shared): State<Shared>, Path(name): Path<String>) -> Response {
    let Some((name, file)) = shared.page.files.iter().find(|(known, _)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = file.clone().into_response();
    if *name != START_NAME {
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
        response.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    response
}
