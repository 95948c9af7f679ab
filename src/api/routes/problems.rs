//! `GET /problems/{slug}`: the page that a problem's `type` points to.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use super::{Json, content, json_bytes};
use crate::api::explain::{Explanation, example, explain};
use crate::api::negotiate::{HTML, accepts_json, prefers_html};
use crate::api::problem::Rejection;
use crate::wire::problem::Slug;

/// What a problem means
///
/// Its status, what it means and what to do about it: a page for a browser, JSON for whoever asks for that.
#[utoipa::path(get, path = "/problems/{slug}", tag = "server", operation_id = "problem",
    params(("slug" = String, Path, description = "The last segment of a problem's `type`.", example = "shape-mismatch")),
    responses((status = 200, description = "The explanation.", content((Explanation = "application/json"), (String = "text/html")))))]
pub(super) async fn problem(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Rejection> {
    let Some(slug) = Slug::from_name(&name) else {
        let known: Vec<&str> = Slug::ALL.into_iter().map(Slug::name).collect();
        return Err(Rejection::new(Slug::NotFound, format!("there is no problem called {name:?}; there are {}", known.join(", "))));
    };
    if prefers_html(&headers) {
        return Ok(content(HTML, page(slug)));
    }
    accepts_json(&headers)?;
    Ok(Json(json_bytes(&explain(slug))).into_response())
}

fn page(slug: Slug) -> String {
    let Explanation { name, status, title, meaning, remedy } = explain(slug);
    let example = serde_json::to_string_pretty(&example(slug)).unwrap_or_default();
    let example = example.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{name}: nablad</title>\n\
         <style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}}pre{{background:#f4f4f4;padding:1rem;overflow:auto}}</style>\n\
         </head>\n<body>\n<h1>{title}</h1>\n<p><code>{name}</code>, status {status}</p>\n\
         <h2>What it means</h2>\n<p>{meaning}</p>\n<h2>What to do</h2>\n<p>{remedy}</p>\n<h2>Example</h2>\n<pre>{example}</pre>\n</body>\n</html>\n"
    )
}
