use idflow_core::grant::GrantStage;
use idflow_core::user::UserState;
use serde_json::json;

use crate::endpoint::Facts;
use crate::endpoint::userinfo::{decide, refuse, respond, verify};
use crate::fixture::{FORM, USER, World, authorization};
use crate::http::Incoming;
use crate::refusal::Refusal;

#[test]
fn o_31_userinfo_gives_what_the_scopes_give() {
    let world = World::new();
    let rows = [
        ("openid", json!({ "sub": USER.to_string() })),
        (
            "openid email",
            json!({ "sub": USER.to_string(), "email": "ada@example.com", "email_verified": true }),
        ),
        (
            "openid profile",
            json!({
                "sub": USER.to_string(), "given_name": "Ada", "preferred_username": "ada",
                "updated_at": 1_700_000_000
            }),
        ),
    ];
    for (scope, expected) in rows {
        let (grant, tokens) = world.exchanged(&authorization().with("scope", scope));
        let claims = world.userinfo(tokens.access_token.expose_for("a test"), &grant).unwrap();
        assert_eq!(serde_json::Value::Object(claims), expected, "{scope}");
    }
}

#[test]
fn o_31_an_address_that_was_not_proven_is_said_to_be_unverified() {
    let mut world = World::new();
    world.user.verified.clear();
    let (grant, tokens) = world.exchanged(&authorization());
    let claims = world.userinfo(tokens.access_token.expose_for("a test"), &grant).unwrap();
    assert_eq!(claims["email_verified"], false);
    world.user.attributes.remove("email");
    let claims = world.userinfo(tokens.access_token.expose_for("a test"), &grant).unwrap();
    assert!(claims.get("email_verified").is_none());
}

#[test]
fn o_31_a_token_without_openid_is_not_enough() {
    let world = World::new();
    let (grant, tokens) = world.exchanged(&authorization().with("scope", "email"));
    let refused = world.userinfo(tokens.access_token.expose_for("a test"), &grant);
    assert_eq!(refused, Err(Refusal::InsufficientScope));
}

#[test]
fn o_31_a_token_ends_with_its_grant_client_user_and_time() {
    let mut world = World::new();
    let (grant, tokens) = world.exchanged(&authorization());
    let token = tokens.access_token.expose_for("a test");
    let header = format!("bearer {token}");
    let incoming = Incoming { authorization: &[&header], ..Incoming::default() };
    let verified = verify(&incoming, &world.around()).unwrap();
    let judge = |grant, client, user| decide(&verified, &Facts { client, grant, user, ..Facts::default() });
    let refused = Err(Refusal::InvalidToken);
    assert!(judge(Some(&grant), Some(&world.client), Some(&world.user)).is_ok());
    let facts = Facts {
        client: Some(&world.client),
        grant: Some(&grant),
        user: Some(&world.user),
        falls_short: true,
        ..Facts::default()
    };
    assert_eq!(decide(&verified, &facts), refused);
    let mut dead = grant.clone();
    dead.stage = GrantStage::Revoked;
    let mut foreign = grant.clone();
    foreign.id = idflow_core::id::GrantId::from_bytes([8; 16]);
    let mut of_another_client = grant.clone();
    of_another_client.request.client_id = "other".into();
    for grant in [None, Some(&dead), Some(&foreign), Some(&of_another_client)] {
        assert_eq!(judge(grant, Some(&world.client), Some(&world.user)), refused);
    }
    let mut locked = world.user.clone();
    locked.state = UserState::Locked;
    let mut another = world.user.clone();
    another.id = idflow_core::id::UserId::from_bytes([9; 16]);
    for user in [None, Some(&locked), Some(&another)] {
        assert_eq!(judge(Some(&grant), Some(&world.client), user), refused);
    }
    let mut off = world.client.clone();
    off.disabled = true;
    let mut renamed = world.client.clone();
    renamed.id = "other".into();
    for client in [None, Some(&off), Some(&renamed)] {
        assert_eq!(judge(Some(&grant), client, Some(&world.user)), refused);
    }
    world.now = world.now.plus(world.provider.lifetimes.access_token);
    assert_eq!(verify(&incoming, &world.around()), Err(Refusal::InvalidToken));
}

#[test]
fn o_31_the_token_travels_once_in_header_or_body_and_never_in_an_address() {
    let world = World::new();
    let outcome = |incoming: Incoming<'_>| verify(&incoming, &world.around()).unwrap_err();
    let body = b"access_token=x";
    let header: &[&str] = &["Bearer x"];
    let posted = Incoming { body, content_type: Some(FORM), ..Incoming::default() };
    let rows: [(Refusal, Incoming<'_>); 9] = [
        (Refusal::MissingToken, Incoming::default()),
        (Refusal::MissingToken, Incoming { authorization: &["Basic eDp5"], ..Incoming::default() }),
        (Refusal::InvalidToken, Incoming { authorization: &["Bearer"], ..Incoming::default() }),
        (Refusal::InvalidToken, Incoming { authorization: &["Bearer x"], ..Incoming::default() }),
        (Refusal::InvalidToken, Incoming { authorization: &["Bearer x", "Bearer x"], ..Incoming::default() }),
        (Refusal::TokenInAddress, Incoming { query: "access_token=x", ..Incoming::default() }),
        (Refusal::InvalidToken, posted),
        (Refusal::SeveralTokens, Incoming { authorization: header, ..posted }),
        (Refusal::RepeatedParameter, Incoming { query: "access_token=x", ..posted }),
    ];
    for (refusal, incoming) in rows {
        assert_eq!(outcome(incoming), refusal);
    }
}

#[test]
fn o_31_the_token_may_come_in_the_body_of_a_post() {
    let world = World::new();
    let (grant, tokens) = world.exchanged(&authorization());
    let body =
        crate::fixture::Form::new(&[("access_token", tokens.access_token.expose_for("a test"))]).text();
    let posted = Incoming { body: body.as_bytes(), content_type: Some(FORM), ..Incoming::default() };
    let token = verify(&posted, &world.around()).unwrap();
    let facts = Facts {
        client: Some(&world.client),
        grant: Some(&grant),
        user: Some(&world.user),
        ..Facts::default()
    };
    assert_eq!(decide(&token, &facts).unwrap()["sub"], USER.to_string());
}

#[test]
fn a_refused_request_is_challenged() {
    let challenge = |refusal| refuse(refusal).header("www-authenticate").unwrap().to_owned();
    assert_eq!(challenge(Refusal::MissingToken), "Bearer");
    assert!(challenge(Refusal::InvalidToken).starts_with(r#"Bearer error="invalid_token""#));
    assert!(challenge(Refusal::InsufficientScope).ends_with(r#"scope="openid""#));
    let statuses = [Refusal::MissingToken, Refusal::InvalidToken, Refusal::InsufficientScope]
        .map(|refusal| refuse(refusal).status);
    assert_eq!(statuses, [401, 401, 403]);
}

#[test]
fn o_34_userinfo_is_never_cached() {
    assert_eq!(respond(serde_json::Map::new()).header("cache-control"), Some("no-store"));
    assert_eq!(refuse(Refusal::InvalidToken).header("cache-control"), Some("no-store"));
}
