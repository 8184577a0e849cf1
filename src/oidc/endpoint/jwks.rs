//! The key set (RFC 7517 section 5): the keys that sign, the next ones, and those whose tokens still live.

use serde_json::json;

use crate::http::{Cache, Response};
use crate::keys::Keys;

/// The public halves of all published keys.
pub fn respond(keys: &Keys) -> Response {
    let published: Vec<_> = keys.published().map(crate::keys::Key::jwk).collect();
    Response::json(200, Cache::FiveMinutes, &json!({ "keys": published }))
}
