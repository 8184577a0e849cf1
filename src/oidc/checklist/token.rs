//! The token endpoint itself, and clients that act for nobody.

use idflow_core::grant::{Grant, GrantStage};

use crate::client::{ClientAuthentication, GrantType};
use crate::endpoint::token::{Verdict, refuse, respond};
use crate::fixture::{Form, NOW, World, authorization, code_form};
use crate::refusal::Refusal;
use crate::tokens::{Tokens, verify_access_token};

pub(super) fn exchange(decision: Verdict) -> (Grant, Tokens) {
    match decision {
        Verdict::Exchange { grant, tokens } => (grant, tokens),
        other => panic!("not exchanged: {other:?}"),
    }
}

pub(super) fn revoked(decision: Verdict) -> (Grant, Refusal) {
    match decision {
        Verdict::Revoke { grant, refusal } => {
            assert_eq!(grant.stage, GrantStage::Revoked);
            (grant, refusal)
        }
        other => panic!("not revoked: {other:?}"),
    }
}

#[test]
fn o_11_other_grant_types_are_refused() {
    let world = World::new();
    let types = [
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "Authorization_Code",
        "authorization_code ",
    ];
    for kind in types {
        let form = code_form().with("grant_type", kind).with("username", "ada").with("password", "x");
        assert_eq!(world.token(&form, None), Verdict::Refuse(Refusal::UnsupportedGrantType), "{kind}");
    }
}

#[test]
fn o_3_every_doubled_parameter_of_the_body_is_refused() {
    let world = World::new();
    let grant = world.issued(&authorization());
    for (name, value) in code_form().0 {
        let mut form = code_form();
        form.0.push((name, value));
        assert_eq!(world.token(&form, Some(&grant)), Verdict::Refuse(Refusal::RepeatedParameter));
    }
}

#[test]
fn o_34_token_answers_are_never_cached() {
    let (_, tokens) = World::new().exchanged(&authorization());
    let given = respond(&tokens);
    assert_eq!(given.status, 200);
    for response in [given, refuse(Refusal::InvalidCode), refuse(Refusal::WrongSecret)] {
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(response.header("pragma"), Some("no-cache"));
    }
}

fn own_form() -> Form {
    Form::new(&[
        ("client_id", "app"),
        ("grant_type", "client_credentials"),
        ("scope", "openid email offline_access x"),
    ])
}

#[test]
fn o_42_a_client_that_acts_for_nobody_gets_a_token_that_opens_nothing_of_anybody() {
    let mut world = World::confidential(ClientAuthentication::Secret);
    world.client.grants = vec![GrantType::ClientCredentials];
    let tokens = match world.token(&own_form().with("client_secret", "old"), None) {
        Verdict::Own(tokens) => tokens,
        other => panic!("{other:?}"),
    };
    assert_eq!((&tokens.id_token, &tokens.refresh_token, tokens.expires_in), (&None, &None, 600));
    let answer: serde_json::Value = serde_json::from_str(&respond(&tokens).body).unwrap();
    let mut members: Vec<&String> = answer.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["access_token", "expires_in", "scope", "token_type"]);
    assert_eq!(answer["scope"], "", "none was granted");
    let token = tokens.access_token.expose_for("a test");
    let claims = verify_access_token(&world.provider, world.keys, token, NOW).unwrap();
    assert_eq!((claims.sub.as_str(), claims.client_id.as_str()), ("app", "app"));
    assert_eq!((claims.aud, claims.scope, claims.sid), (world.provider.issuer.clone(), String::new(), None));
    let (grant, _) = World::new().exchanged(&authorization());
    assert_eq!(world.userinfo(token, &grant), Err(Refusal::InvalidToken));
}

#[test]
fn only_a_client_with_a_secret_and_the_grant_acts_for_itself() {
    let allowed = || {
        let mut world = World::confidential(ClientAuthentication::Secret);
        world.client.grants = vec![GrantType::ClientCredentials];
        world
    };
    let secret = own_form().with("client_secret", "old");
    let mut public = allowed();
    public.client.authentication = ClientAuthentication::None;
    let mut without = allowed();
    without.client.grants = vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
    let mut off = allowed();
    off.client.disabled = true;
    let rows = [
        (&public, own_form(), Refusal::GrantNotAllowed),
        (&without, secret.clone(), Refusal::GrantNotAllowed),
        (&off, secret.clone(), Refusal::DisabledClient),
        (&allowed(), own_form(), Refusal::MissingSecret),
        (&allowed(), secret.with("client_secret", "older"), Refusal::WrongSecret),
    ];
    for (world, form, refusal) in rows {
        assert_eq!(world.token(&form, None), Verdict::Refuse(refusal));
    }
}
