use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::acr::CLASSES;
use crate::client::Algorithm;
use crate::endpoint::{Cors, Decision, ENDPOINTS, Endpoint, Errors, Facts, discovery, jwks, token, userinfo};
use crate::fixture::{ISSUER, World, authorization};
use crate::http::{Incoming, Response};

fn announced(world: &World, member: &str) -> Vec<String> {
    let metadata = discovery::metadata(&world.provider);
    let list = metadata[member].as_array().unwrap().iter();
    list.map(|value| value.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_list_of_endpoints_and_the_folder_agree() {
    let folder = Path::new("endpoint");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "mod")
        .collect();
    assert_eq!(files, ENDPOINTS.iter().map(|endpoint| endpoint.name.to_owned()).collect());
}

#[test]
fn o_10_metadata_names_the_endpoints_that_are_served_under_this_very_issuer() {
    let world = World::new();
    let metadata = discovery::metadata(&world.provider);
    assert_eq!(metadata["issuer"], ISSUER);
    let served: BTreeSet<String> =
        ENDPOINTS.iter().flat_map(|endpoint| endpoint.paths).map(|path| format!("{ISSUER}{path}")).collect();
    for member in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"] {
        assert!(served.contains(metadata[member].as_str().unwrap()), "{member}");
    }
    assert!(served.contains(&format!("{ISSUER}/.well-known/openid-configuration")));
    assert!(served.contains(&format!("{ISSUER}/.well-known/oauth-authorization-server")));
}

#[test]
fn o_10_every_announced_prompt_scope_and_class_is_taken() {
    let world = World::new();
    for prompt in announced(&world, "prompt_values_supported") {
        let decision = world.authorize(&authorization().with("prompt", &prompt)).unwrap();
        assert!(!matches!(decision, Decision::RedirectError { .. }), "{prompt}: {decision:?}");
    }
    let scopes = announced(&world, "scopes_supported");
    assert_eq!(world.accepted(&authorization().with("scope", &scopes.join(" "))).scopes, scopes);
    assert_eq!(announced(&world, "acr_values_supported"), CLASSES);
    for algorithm in announced(&world, "id_token_signing_alg_values_supported") {
        let known = [Algorithm::Es256, Algorithm::Rs256].map(Algorithm::name);
        assert!(known.contains(&algorithm.as_str()));
    }
}

#[test]
fn o_10_every_claim_of_an_id_token_is_announced() {
    let world = World::new();
    let (_, tokens) = world.exchanged(&authorization());
    let token = tokens.id_token.unwrap();
    let claims: Value =
        crate::jws::verify(world.keys, crate::jws::Type::IdToken, token.expose_for("a test")).unwrap();
    let supported = announced(&world, "claims_supported");
    for claim in claims.as_object().unwrap().keys() {
        assert!(supported.contains(claim), "{claim}");
    }
}

#[test]
fn o_41_no_attribute_can_take_a_reserved_claims_place() {
    let reserved = [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "nbf",
        "jti",
        "nonce",
        "auth_time",
        "acr",
        "amr",
        "azp",
        "at_hash",
        "c_hash",
        "sid",
        "cnf",
        "act",
        "scope",
        "client_id",
        "email_verified",
        "updated_at",
    ];
    for (_, claim, _) in crate::claims::TABLE {
        assert!(!reserved.contains(claim), "{claim}");
    }
}

fn answered(world: &World, endpoint: &Endpoint) -> Response {
    let request = (endpoint.read)(&Incoming::default(), &world.around()).unwrap();
    match request.decide(&world.around(), &Facts::default()) {
        Ok(Decision::Answer(response)) => response,
        other => panic!("{}: {other:?}", endpoint.name),
    }
}

#[test]
fn the_key_set_and_the_metadata_may_be_kept_for_five_minutes() {
    let world = World::new();
    for endpoint in [&discovery::ENDPOINT, &jwks::ENDPOINT] {
        let response = answered(&world, endpoint);
        assert_eq!(response.status, 200);
        assert_eq!(response.header("cache-control"), Some("public, max-age=300"));
        assert_eq!(response.header("content-type"), Some("application/json"));
    }
}

#[test]
fn o_35_a_redirect_is_a_303_that_leaks_no_referrer() {
    let response = Response::redirect("https://app.example.com/callback?code=x");
    assert_eq!(response.status, 303);
    assert_eq!(response.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(response.header("cache-control"), Some("no-store"));
}

#[test]
fn o_36_only_registered_origins_may_read_an_answer_and_never_one_for_a_person() {
    let allowed = |endpoint: &Endpoint, registered| {
        let headers = endpoint.cors(Some("https://app.example.com"), registered);
        assert!(headers.iter().all(|(name, _)| *name != "access-control-allow-credentials"));
        headers.into_iter().any(|(name, _)| name == "access-control-allow-origin")
    };
    for endpoint in ENDPOINTS {
        assert_eq!(allowed(endpoint, true), endpoint.cors == Cors::RegisteredOrigins, "{}", endpoint.name);
        assert!(!allowed(endpoint, false), "{}", endpoint.name);
        let varies = |origin| endpoint.cors(origin, false) == [("vary", "Origin".to_owned())];
        assert_eq!(varies(None), endpoint.cors == Cors::RegisteredOrigins, "{}", endpoint.name);
        let for_people = matches!(endpoint.errors, Errors::Page);
        assert!(!for_people || endpoint.cors == Cors::Never, "{}", endpoint.name);
    }
    let programs = [&discovery::ENDPOINT, &jwks::ENDPOINT, &token::ENDPOINT, &userinfo::ENDPOINT];
    assert!(programs.iter().all(|endpoint| endpoint.cors == Cors::RegisteredOrigins));
    assert!(token::ENDPOINT.preflight().contains(&("access-control-allow-methods", "POST".to_owned())));
}

#[test]
fn an_endpoint_governs_its_addresses_and_what_lies_below_them() {
    let governing = |path| Endpoint::governing(path).map(|endpoint| endpoint.name);
    assert_eq!(governing("/oauth2/token"), Some("token"));
    assert_eq!(governing("/oauth2/token/x"), Some("token"));
    assert_eq!(governing("/.well-known/oauth-authorization-server/acme"), Some("discovery"));
    for path in ["/oauth2/tokens", "/oauth2", "/", "/oauth2/TOKEN", "/flows/oauth2/token"] {
        assert_eq!(governing(path), None, "{path}");
    }
}
