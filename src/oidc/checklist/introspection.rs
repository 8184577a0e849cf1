use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use idflow_core::grant::{Grant, GrantStage};
use idflow_core::time::Span;
use idflow_core::user::UserState;
use serde_json::{Value, json};

use crate::client::ClientAuthentication;
use crate::endpoint::{Decision, Facts, Request as _, introspection, revocation, token};
use crate::fixture::{FORM, Form, NOW, USER, World, authorization, code_form, refresh_form};
use crate::http::Incoming;
use crate::refusal::Refusal;
use crate::tokens::Tokens;

const INACTIVE: &str = r#"{"active":false}"#;

fn world() -> World {
    World::confidential(ClientAuthentication::SecretPost)
}

/// The tokens of a confidential client's sign-in, with the grant that stands behind them.
fn held(world: &World, scope: &str) -> (Grant, Tokens) {
    let issued = world.issued(&authorization().with("scope", scope));
    match world.token(&code_form().with("client_secret", "old"), Some(&issued)) {
        token::Verdict::Exchange { grant, tokens } => (grant, tokens),
        other => panic!("not exchanged: {other:?}"),
    }
}

fn access(tokens: &Tokens) -> String {
    tokens.access_token.expose_for("a test").to_owned()
}

fn refresh(tokens: &Tokens) -> String {
    tokens.refresh_token.as_ref().unwrap().expose_for("a test").to_owned()
}

/// Asks about a token as the world's client.
fn ask(world: &World, shown: &str, grant: Option<&Grant>) -> Result<String, Refusal> {
    let body =
        Form::new(&[("client_id", &world.client.id), ("client_secret", "old"), ("token", shown)]).text();
    let incoming = Incoming { content_type: Some(FORM), body: body.as_bytes(), ..Incoming::default() };
    let request = introspection::parse(&incoming, &world.around())?;
    let wanted = request.wanted().grant;
    let facts = Facts {
        client: Some(&world.client),
        grant: grant.filter(|grant| Some(grant.id) == wanted),
        user: Some(&world.user),
        falls_short: world.falls_short,
        ..Facts::default()
    };
    match request.decide(&world.around(), &facts).unwrap() {
        Decision::Answer(answer) => {
            assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
            Ok(answer.body)
        }
        Decision::Refuse(refusal) => Err(refusal),
        other => panic!("{other:?}"),
    }
}

fn told(world: &World, shown: &str, grant: &Grant) -> Value {
    serde_json::from_str(&ask(world, shown, Some(grant)).unwrap()).unwrap()
}

#[test]
fn o_32_a_client_is_told_what_its_own_tokens_are_worth() {
    let world = world();
    let (grant, tokens) = held(&world, "openid email offline_access");
    let told_of_access = told(&world, &access(&tokens), &grant);
    for (name, value) in [
        ("active", json!(true)),
        ("token_type", json!("Bearer")),
        ("sub", json!(USER.to_string())),
        ("client_id", json!("app")),
        ("scope", json!("openid email offline_access")),
        ("exp", json!(NOW.plus(Span::minutes(10)).seconds())),
    ] {
        assert_eq!(told_of_access[name], value, "{name}");
    }
    let told_of_refresh = told(&world, &refresh(&tokens), &grant);
    assert_eq!(
        (&told_of_refresh["active"], &told_of_refresh["sub"]),
        (&json!(true), &json!(USER.to_string()))
    );
    assert!(told_of_refresh.get("token_type").is_none());
}

#[test]
fn o_32_of_anything_else_everybody_is_told_the_same() {
    type Change = fn(&mut World, &mut Grant);
    let rows: [(&str, Change); 8] = [
        ("expired", |world, grant| world.now = grant.expires),
        ("revoked", |_, grant| grant.stage = GrantStage::Revoked),
        ("another client's", |world, _| world.client.id = "other".to_owned()),
        ("a locked user's", |world, _| world.user.state = UserState::Locked),
        ("below the policy", |world, _| world.falls_short = true),
        ("of another tenant", |world, _| world.provider.issuer = "https://other.example.com".to_owned()),
        ("of a grant that is gone", |_, grant| grant.id = idflow_core::id::GrantId::from_bytes([9; 16])),
        ("of a deleted user", |world, _| world.user.id = idflow_core::id::UserId::from_bytes([9; 16])),
    ];
    for (what, change) in rows {
        let mut world = world();
        let (mut grant, tokens) = held(&world, "openid offline_access");
        change(&mut world, &mut grant);
        let is_foreign_issuer = what == "of another tenant";
        assert_eq!(ask(&world, &access(&tokens), Some(&grant)).as_deref(), Ok(INACTIVE), "{what}");
        if !is_foreign_issuer {
            assert_eq!(ask(&world, &refresh(&tokens), Some(&grant)).as_deref(), Ok(INACTIVE), "{what}");
        }
    }
    let world = world();
    let (grant, tokens) = held(&world, "openid offline_access");
    let id_token = tokens.id_token.as_ref().unwrap().expose_for("a test");
    let truncated = refresh(&tokens);
    for garbage in ["x", id_token, &truncated[..truncated.len() - 1], "a.b.c"] {
        assert_eq!(ask(&world, garbage, Some(&grant)).as_deref(), Ok(INACTIVE), "{garbage}");
    }
}

#[test]
fn o_32_a_refresh_token_that_was_exchanged_is_worth_nothing_any_more() {
    let world = world();
    let (grant, tokens) = held(&world, "openid offline_access");
    let form = refresh_form(&tokens).with("client_secret", "old");
    let token::Verdict::Exchange { grant, .. } = world.token(&form, Some(&grant)) else { panic!("refused") };
    assert_eq!(ask(&world, &refresh(&tokens), Some(&grant)).as_deref(), Ok(INACTIVE));
}

#[test]
fn o_32_only_a_client_with_a_secret_may_ask() {
    let (grant, tokens) = World::new().exchanged(&authorization());
    let public = World::new();
    let body = Form::new(&[("client_id", "app"), ("token", &access(&tokens))]).text();
    let asked = |world: &World, headers: &[&str], body: &str| {
        let incoming = Incoming {
            authorization: headers,
            content_type: Some(FORM),
            body: body.as_bytes(),
            ..Incoming::default()
        };
        let request = introspection::parse(&incoming, &world.around())?;
        let facts = Facts {
            client: Some(&world.client),
            grant: Some(&grant),
            user: Some(&world.user),
            ..Facts::default()
        };
        introspection::decide(&request, &world.around(), &facts)
    };
    assert_eq!(asked(&public, &[], &body), Err(Refusal::PublicClient));
    let wrong = format!("Basic {}", STANDARD.encode("app:wrong"));
    let only_token = Form::new(&[("token", "x")]).text();
    let basic = World::confidential(ClientAuthentication::Secret);
    assert_eq!(asked(&basic, &[&wrong], &only_token), Err(Refusal::WrongSecret));
    assert_eq!(asked(&basic, &[], &only_token), Err(Refusal::MissingCredentials));
    let without_token = Form::new(&[("client_id", "app"), ("client_secret", "old")]).text();
    assert_eq!(asked(&basic, &[], &without_token), Err(Refusal::MissingTokenParameter));
}

fn give_back(world: &World, shown: &str, grant: &Grant) -> Result<Option<Grant>, Refusal> {
    let body =
        Form::new(&[("client_id", &world.client.id), ("client_secret", "old"), ("token", shown)]).text();
    let incoming = Incoming { content_type: Some(FORM), body: body.as_bytes(), ..Incoming::default() };
    let request = revocation::parse(&incoming, &world.around())?;
    let wanted = request.wanted().grant;
    let facts = Facts {
        client: Some(&world.client),
        grant: Some(grant).filter(|g| Some(g.id) == wanted),
        ..Facts::default()
    };
    revocation::decide(&request, &facts)
}

#[test]
fn o_33_a_client_revokes_its_own_and_is_told_of_anothers() {
    let mut world = world();
    let (grant, tokens) = held(&world, "openid offline_access");
    let forged = refresh(&tokens).replace(crate::fixture::CODE_SECRET, &"x".repeat(43));
    for (shown, is_revoked) in
        [(access(&tokens), true), (refresh(&tokens), true), (forged, false), ("x".to_owned(), false)]
    {
        let revoked = give_back(&world, &shown, &grant).unwrap();
        assert_eq!(revoked.map(|grant| grant.stage), is_revoked.then_some(GrantStage::Revoked));
    }
    world.client.id = "other".to_owned();
    for shown in [access(&tokens), refresh(&tokens)] {
        assert_eq!(give_back(&world, &shown, &grant), Err(Refusal::ForeignToken));
    }
}
