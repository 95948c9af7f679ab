//! Bytes as a request about a function.

use nablad::service::Endpoint;
use nablad::wire::problem::Slug;

use super::json::{fields, object};
use super::served::{answer, endpoint};

/// The first byte is the endpoint, what follows the body. It is answered, or refused by a proper problem; what comes back as a function can
/// be sent again, and is the same function then.
pub fn graph(data: &[u8]) {
    let Some((&first, body)) = data.split_first() else { return };
    let endpoint = endpoint(first);
    let Ok(text) = answer(endpoint, body) else { return };
    if matches!(endpoint, Endpoint::Graph | Endpoint::Derivative) {
        let function = fields(&text)["graph"].get();
        match answer(Endpoint::Graph, object([("graph", function)]).as_bytes()) {
            Ok(again) => assert_eq!(fields(&again)["graph"].get(), function, "a function sent back is another one"),
            // a derivative may be larger than what is allowed to be sent
            Err(slug) => assert!(endpoint == Endpoint::Derivative && slug == Slug::LimitExceeded, "{slug:?}: {function}"),
        }
    }
}
