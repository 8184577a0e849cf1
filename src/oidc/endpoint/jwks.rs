//! The key set (RFC 7517 section 5): the keys that sign, the next ones, and those whose tokens still live.

use idflow_core::counter::Rate;
use serde_json::{Value, json};

use crate::endpoint::{Cors, Decision, Endpoint, Errors, Facts, Request, Surroundings, Wanted};
use crate::http::{Cache, Response};
use crate::keys::{Key, Keys, SigningFailed};

/// The row of the table.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "jwks",
    paths: &["/oauth2/jwks"],
    methods: &["GET"],
    errors: Errors::Json(Response::refusal),
    cors: Cors::RegisteredOrigins,
    calls: Rate { burst: 300, per_second: 100 },
    metadata: |address| json!({ "jwks_uri": address }),
    read: |_, _| Ok(Box::new(KeySet)),
};

struct KeySet;

impl Request for KeySet {
    fn wanted(&self) -> Wanted<'_> {
        Wanted::default()
    }

    fn decide<'a>(&self, around: &Surroundings<'a>, _: &Facts<'a>) -> Result<Decision<'a>, SigningFailed> {
        Ok(Decision::Answer(Response::json(200, Cache::FiveMinutes, &key_set(around.keys))))
    }
}

/// The public halves of all published keys.
pub fn key_set(keys: &Keys) -> Value {
    let published: Vec<_> = keys.published().map(Key::jwk).collect();
    json!({ "keys": published })
}
