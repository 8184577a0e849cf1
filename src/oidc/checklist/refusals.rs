//! Each refusal is reached by a request that earns it, and none exists that no request can earn.

use std::collections::BTreeSet;

use idflow_core::grant::Grant;
use idflow_core::time::Span;
use idflow_core::user::UserState;

use crate::client::{ClientAuthentication, GrantType, PkcePolicy};
use crate::endpoint::Decision;
use crate::endpoint::token::Verdict;
use crate::endpoint::{Facts, authorize, end_session, introspection, revocation, token, userinfo};
use crate::fixture::{FORM, Form, World, authorization, code_form, refresh_form, without_code_challenge};
use crate::http::Incoming;
use crate::refusal::Refusal;

fn at_authorize(world: &World, form: &Form) -> Refusal {
    match world.authorize(form) {
        Err(refusal) | Ok(Decision::Refuse(refusal) | Decision::RedirectError { refusal, .. }) => refusal,
        Ok(other) => panic!("accepted: {other:?}"),
    }
}

fn at_token(world: &World, form: &Form, grant: &Grant) -> Refusal {
    match world.token(form, Some(grant)) {
        Verdict::Refuse(refusal) | Verdict::Revoke { refusal, .. } => refusal,
        Verdict::Exchange { .. } | Verdict::Own(_) => panic!("exchanged"),
    }
}

fn authorize_refusals() -> Vec<Refusal> {
    let world = World::new();
    let mut nonce = World::confidential(ClientAuthentication::SecretPost);
    nonce.client.pkce = PkcePolicy::OptionalWithNonce;
    let mut refresh_only = World::new();
    refresh_only.client.grants = vec![GrantType::RefreshToken];
    let mut twice = authorization();
    twice.0.push(("state".into(), "x".into()));
    let base = authorization;
    let mut reached: Vec<Refusal> = [
        twice,
        base().without("client_id"),
        base().with("client_id", "x"),
        base().without("redirect_uri"),
        base().with("redirect_uri", "https://evil.example/"),
        base().with("request", "x"),
        base().with("request_uri", "x"),
        base().with("registration", "x"),
        base().without("response_type"),
        base().with("response_type", "token"),
        base().with("response_mode", "fragment"),
        base().with("scope", "x"),
        without_code_challenge(),
        base().with("code_challenge_method", "plain"),
        base().with("code_challenge", "x"),
        base().with("prompt", "x"),
        base().with("prompt", "none login"),
        base().with("prompt", "none").with("max_age", "0"),
        base().with("max_age", "x"),
    ]
    .iter()
    .map(|form| at_authorize(&world, form))
    .collect();
    reached.push(at_authorize(&nonce, &without_code_challenge().without("nonce")));
    reached.push(at_authorize(&refresh_only, &authorization()));
    reached
}

fn token_refusals() -> Vec<Refusal> {
    let world = World::new();
    let issued = world.issued(&authorization());
    let (exchanged, tokens) = world.exchanged(&authorization());
    let refresh = || refresh_form(&tokens);
    let mut optional = World::confidential(ClientAuthentication::SecretPost);
    optional.client.pkce = PkcePolicy::OptionalWithNonce;
    let stripped = optional.issued(&without_code_challenge());
    let mut reached = vec![
        at_token(&optional, &code_form().with("client_secret", "old"), &stripped),
        at_token(&world, &code_form(), &exchanged),
        at_token(&world, &refresh().with("scope", "x"), &exchanged),
        at_token(&world, &refresh().with("refresh_token", "x"), &exchanged),
    ];
    let forms = [
        code_form().without("grant_type"),
        code_form().with("grant_type", "password"),
        code_form().with("client_id", "x"),
        code_form().without("code"),
        code_form().with("code", "x"),
        code_form().with("redirect_uri", "x"),
        code_form().without("code_verifier"),
        code_form().with("code_verifier", "x"),
        code_form().with("code_verifier", &"x".repeat(43)),
        refresh().without("refresh_token"),
    ];
    reached.extend(forms.iter().map(|form| at_token(&world, form, &issued)));
    let Verdict::Exchange { grant: second, .. } = world.token(&refresh(), Some(&exchanged)) else {
        panic!("not refreshed");
    };
    let mut strict = World::new();
    strict.client.refresh_grace = Span(0);
    reached.push(at_token(&strict, &refresh(), &second));
    let mut locked = World::new();
    locked.user.state = UserState::Locked;
    reached.push(at_token(&locked, &code_form(), &issued));
    let mut stricter = World::new();
    stricter.falls_short = true;
    reached.push(at_token(&stricter, &code_form(), &issued));
    let mut online = World::new();
    online.client.scopes = vec!["openid".into()];
    reached.push(at_token(&online, &refresh(), &exchanged));
    let mut person = World::confidential(ClientAuthentication::Secret);
    person.client.grants = vec![GrantType::ClientCredentials];
    person.client.id = idflow_core::id::UserId::from_bytes([1; 16]).to_string();
    let own = Form::new(&[
        ("grant_type", "client_credentials"),
        ("client_id", &person.client.id),
        ("client_secret", "old"),
    ]);
    reached.push(at_token(&person, &own, &issued));
    let mut off = World::new();
    off.client.disabled = true;
    reached.push(at_token(&off, &code_form(), &issued));
    let form = |name, value| code_form().with(name, value);
    reached.push(at_token(&world, &form("client_secret", "x"), &issued));
    reached.push(at_token(&world, &form("client_assertion", "x"), &issued));
    reached.push(at_token(&world, &code_form().without("client_id"), &issued));
    let basic = World::confidential(ClientAuthentication::SecretBasic);
    reached.push(at_token(&basic, &code_form(), &issued));
    reached.push(at_token(&basic, &form("client_secret", "old"), &issued));
    reached.push(at_token(&optional, &form("client_secret", "x"), &issued));
    for headers in [&["x"][..], &["x", "y"]] {
        match world.token_with(&code_form(), headers, None) {
            Verdict::Refuse(refusal) => reached.push(refusal),
            other => panic!("accepted: {other:?}"),
        }
    }
    reached
}

fn posted(body: &str) -> Incoming<'_> {
    Incoming { body: body.as_bytes(), content_type: Some(FORM), ..Incoming::default() }
}

/// Of revocation, introspection and signing out.
fn leaving_refusals() -> Vec<Refusal> {
    let world = World::confidential(ClientAuthentication::SecretPost);
    let form = |pairs: &[(&str, &str)]| {
        Form::new(&[&[("client_id", "app"), ("client_secret", "old")], pairs].concat()).text()
    };
    let revoke = |world: &World, token: &str, grant: Option<&Grant>| {
        let body = form(&[("token", token)]);
        let request = revocation::parse(&posted(&body), &world.around()).unwrap();
        let facts = Facts { client: Some(&world.client), grant, ..Facts::default() };
        revocation::decide(&request, &facts).unwrap_err()
    };
    let leave = |query: &str| {
        let request =
            end_session::parse(&Incoming { query, ..Incoming::default() }, &world.around()).unwrap();
        let facts = Facts { client: Some(&world.client), ..Facts::default() };
        end_session::decide(&request, &facts).refusal.unwrap()
    };
    let (grant, tokens) = World::new().exchanged(&authorization());
    let own = form(&[("grant_type", "client_credentials")]);
    let mut machine = World::confidential(ClientAuthentication::SecretPost);
    machine.client.grants = vec![GrantType::ClientCredentials];
    let own = token::parse(&posted(&own)).unwrap();
    let facts = Facts { client: Some(&machine.client), ..Facts::default() };
    let Verdict::Own(own) = token::decide(&own, &machine.around(), &facts).unwrap() else {
        panic!("refused")
    };
    let (access, hint) = (tokens.access_token.expose_for("a test"), tokens.id_token.unwrap());
    let mut foreign = grant.clone();
    foreign.request.client_id = "other".into();
    let refresh = tokens.refresh_token.unwrap();
    let public = World::new();
    let asks = form(&[("token", access)]).replace("&client_secret=old", "");
    let asks = introspection::parse(&posted(&asks), &public.around()).unwrap();
    let facts = Facts { client: Some(&public.client), ..Facts::default() };
    vec![
        revocation::parse(&posted(&form(&[])), &world.around()).unwrap_err(),
        revoke(&world, refresh.expose_for("a test"), Some(&foreign)),
        revoke(&machine, own.access_token.expose_for("a test"), None),
        introspection::decide(&asks, &public.around(), &facts).unwrap_err(),
        leave(&format!("client_id=other&id_token_hint={}", hint.expose_for("a test"))),
        leave("client_id=app&post_logout_redirect_uri=https://evil.example"),
    ]
}

fn other_refusals() -> Vec<Refusal> {
    let world = World::new();
    let (grant, tokens) = world.exchanged(&authorization().with("scope", "email"));
    let none = Incoming::default();
    let at_userinfo = |incoming| userinfo::verify(&incoming, &world.around()).unwrap_err();
    let denied = authorize::refuse(&world.provider, &grant.request, Refusal::AccessDenied);
    assert!(denied.url.contains("error=access_denied"));
    let out_of_service = authorize::refuse(&world.provider, &grant.request, Refusal::OutOfService);
    assert!(out_of_service.url.contains("error=temporarily_unavailable"));
    let mut hinted = grant.request.clone();
    hinted.hinted = Some(idflow_core::id::UserId::from_bytes([9; 16]));
    vec![
        Refusal::AccessDenied,
        Refusal::OutOfService,
        authorize::declines(&hinted, world.user.id).unwrap(),
        token::parse(&Incoming { body: b"code=%ff", content_type: Some(FORM), ..none }).unwrap_err(),
        at_userinfo(Incoming {
            authorization: &["Bearer x"],
            body: b"access_token=x",
            content_type: Some(FORM),
            ..none
        }),
        token::parse(&Incoming { body: b"{}", content_type: Some("application/json"), ..none }).unwrap_err(),
        token::parse(&Incoming { query: "code=x", content_type: Some(FORM), ..none }).unwrap_err(),
        at_userinfo(none),
        at_userinfo(Incoming { query: "access_token=x", ..none }),
        at_userinfo(Incoming { authorization: &["Bearer x"], ..none }),
        world.userinfo(tokens.access_token.expose_for("a test"), &grant).unwrap_err(),
    ]
}

#[test]
fn every_refusal_is_reached() {
    let reached: BTreeSet<Refusal> =
        [authorize_refusals(), token_refusals(), leaving_refusals(), other_refusals()]
            .concat()
            .into_iter()
            .collect();
    let missing: Vec<&Refusal> = Refusal::ALL.iter().filter(|refusal| !reached.contains(refusal)).collect();
    assert_eq!(missing, Vec::<&Refusal>::new());
}

#[test]
fn descriptions_use_the_characters_that_rfc_6749_allows() {
    for refusal in Refusal::ALL {
        let fits = |byte: u8| matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b'\\');
        assert!(refusal.description().bytes().all(fits), "{refusal:?}");
        // RFC 6749 section 4.1.2.1 has temporarily_unavailable because a redirect cannot carry a 503.
        let statuses: &[u16] =
            if refusal.code() == "temporarily_unavailable" { &[503] } else { &[400, 401, 403] };
        assert!(statuses.contains(&refusal.status()), "{refusal:?}");
    }
}
