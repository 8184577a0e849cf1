//! The metadata document (OpenID Connect Discovery 3, RFC 8414): what is served here and nothing else. Each endpoint
//! says its part.

use idflow_core::counter::Rate;
use serde_json::{Value, json};

use crate::acr::CLASSES;
use crate::claims;
use crate::endpoint::{Cors, Decision, ENDPOINTS, Endpoint, Errors, Facts, Request, Surroundings, Wanted};
use crate::http::{Cache, Response};
use crate::keys::SigningFailed;
use crate::provider::Provider;
use crate::scope::SCOPES;

/// The row of the table.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "discovery",
    paths: &["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"],
    methods: &["GET"],
    errors: Errors::Json(Response::refusal),
    cors: Cors::RegisteredOrigins,
    calls: Rate { burst: 300, per_second: 100 },
    metadata: |_| {
        json!({
            "scopes_supported": SCOPES,
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "acr_values_supported": CLASSES,
            "claim_types_supported": ["normal"],
            "claims_supported": claims::supported(),
        })
    },
    read: |_, _| Ok(Box::new(Document)),
};

struct Document;

impl Request for Document {
    fn wanted(&self) -> Wanted<'_> {
        Wanted::default()
    }

    fn decide<'a>(&self, around: &Surroundings<'a>, _: &Facts<'a>) -> Result<Decision<'a>, SigningFailed> {
        Ok(Decision::Answer(Response::json(200, Cache::FiveMinutes, &metadata(around.provider))))
    }
}

/// The document of one tenant's provider.
pub fn metadata(provider: &Provider) -> Value {
    let mut document = serde_json::Map::from_iter([("issuer".to_owned(), provider.issuer.as_str().into())]);
    for endpoint in ENDPOINTS {
        if let Value::Object(part) = (endpoint.metadata)(&endpoint.address(provider)) {
            document.extend(part);
        }
    }
    if !provider.locales.is_empty() {
        document.insert("ui_locales_supported".to_owned(), provider.locales.clone().into());
    }
    document.into()
}
