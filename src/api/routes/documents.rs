//! `GET /openapi.json` and its page `GET /docs`, which loads nothing from anywhere else.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, VARY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use super::{AcceptsJson, Json, Shared, content};
use crate::api::negotiate::HTML;

/// Links are relative, so that the page works behind a path of any name.
const PAGE: &str = r#"<!DOCTYPE html>
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

/// The OpenAPI 3.1 document
#[utoipa::path(get, path = "/openapi.json", tag = "server", operation_id = "openapi",
    responses((status = 200, description = "This document.", body = serde_json::Value)))]
pub(super) async fn openapi_json(State(shared): State<Shared>, _: AcceptsJson) -> Json {
    Json(shared.document.clone())
}

/// This document as a page
#[utoipa::path(get, path = "/docs", tag = "server", operation_id = "docs",
    responses((status = 200, description = "A page for a browser.", body = String, content_type = "text/html")))]
pub(super) async fn docs() -> Response {
    let mut response = content(HTML, PAGE);
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

async fn asset(Path(file): Path<String>) -> Response {
    const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
    if file == "start.js" {
        return content(SCRIPT, START);
    }
    if !ASSETS.contains(&file.as_str()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    match utoipa_swagger_ui::serve(&file, Arc::new(utoipa_swagger_ui::Config::from("openapi.json"))) {
        Ok(Some(found)) => {
            let media = HeaderValue::from_str(&found.content_type).unwrap_or(SCRIPT);
            let mut response = content(media, found.bytes.into_owned());
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
            response.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
            response
        }
        Ok(None) | Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
