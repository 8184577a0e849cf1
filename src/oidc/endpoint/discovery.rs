//! The metadata document (OpenID Connect Discovery 3, RFC 8414): what is served here and nothing else.

use serde_json::{Value, json};

use crate::acr::CLASSES;
use crate::claims;
use crate::endpoint::ENDPOINTS;
use crate::http::{Cache, Response};
use crate::provider::Provider;
use crate::scope::SCOPES;

/// The document of one tenant's provider.
pub fn metadata(provider: &Provider) -> Value {
    let at = |name: &str| {
        let endpoint = ENDPOINTS.iter().find(|endpoint| endpoint.name == name);
        endpoint.and_then(|endpoint| endpoint.paths.first()).map(|path| provider.address(path))
    };
    json!({
        "issuer": provider.issuer,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "userinfo_endpoint": at("userinfo"),
        "jwks_uri": at("jwks"),
        "scopes_supported": SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "select_account", "consent", "create"],
        "acr_values_supported": CLASSES,
        "claim_types_supported": ["normal"],
        "claims_supported": claims::supported(),
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    })
}

/// The document as an answer.
pub fn respond(provider: &Provider) -> Response {
    Response::json(200, Cache::FiveMinutes, &metadata(provider))
}
