//! A code for tokens: once, and only by whom it was issued for.

use idflow_core::grant::{Grant, GrantStage};
use idflow_core::id::{GrantId, UserId};
use idflow_core::secret::SecretText;
use idflow_core::time::Span;
use idflow_core::user::UserState;

use super::token::{exchange, revoked};
use crate::client::{ClientAuthentication, PkcePolicy};
use crate::endpoint::token::Verdict;
use crate::fixture::{
    CODE_SECRET, Form, GRANT, NOW, VERIFIER, World, authorization, code_form, refresh_form,
    without_code_challenge,
};
use crate::handle::RefreshToken;
use crate::refusal::Refusal;

#[test]
fn a_code_gives_access_id_and_refresh_token() {
    let (grant, tokens) = World::new().exchanged(&authorization());
    assert!(tokens.id_token.is_some() && tokens.refresh_token.is_some());
    assert_eq!(tokens.expires_in, 600);
    assert!(matches!(grant.stage, GrantStage::Refresh { generation: 1, secret: Some(_), .. }));
}

#[test]
fn tokens_follow_the_granted_scopes() {
    let world = World::new();
    let (grant, tokens) = world.exchanged(&authorization().with("scope", "openid"));
    assert!(tokens.id_token.is_some() && tokens.refresh_token.is_none());
    assert!(matches!(grant.stage, GrantStage::Refresh { secret: None, .. }));
    let (_, tokens) = world.exchanged(&authorization().with("scope", "email"));
    assert!(tokens.id_token.is_none());
}

#[test]
fn o_7_a_clock_that_was_set_back_lengthens_no_code() {
    let mut world = World::new();
    let grant = world.issued(&authorization());
    for (seconds, works) in [(-11, false), (-10, true), (59, true), (60, false)] {
        world.now = NOW.plus(Span::seconds(seconds));
        let verdict = world.token(&code_form(), Some(&grant));
        assert_eq!(matches!(verdict, Verdict::Exchange { .. }), works, "{seconds} s: {verdict:?}");
    }
}

#[test]
fn o_6_a_code_works_once_and_its_second_use_revokes_everything() {
    let mut world = World::new();
    let (grant, tokens) = world.exchanged(&authorization());
    let access = tokens.access_token.expose_for("a test").to_owned();
    assert!(world.userinfo(&access, &grant).is_ok());
    for seconds in [0, 1, 30, 3600] {
        world.now = NOW.plus(Span::seconds(seconds));
        let (dead, refusal) = revoked(world.token(&code_form(), Some(&grant)));
        assert_eq!(refusal, Refusal::ReusedCode);
        assert_eq!(
            world.token(&refresh_form(&tokens), Some(&dead)),
            Verdict::Refuse(Refusal::InvalidRefreshToken)
        );
        assert_eq!(world.token(&code_form(), Some(&dead)), Verdict::Refuse(Refusal::InvalidCode));
        assert_eq!(world.userinfo(&access, &dead), Err(Refusal::InvalidToken));
    }
}

#[test]
fn o_6_of_equal_requests_decided_on_one_stored_version_each_would_write_so_one_wins() {
    let world = World::new();
    let stored = world.issued(&authorization());
    let mut version = stored.clone();
    let mut successes = 0;
    for _ in 0..50 {
        // Each decided on the old version; the conditional write lets only the first through.
        let (written, _) = exchange(world.token(&code_form(), Some(&stored)));
        if version == stored {
            version = written;
            successes += 1;
        } else if let Verdict::Revoke { grant, .. } = world.token(&code_form(), Some(&version)) {
            version = grant;
        }
    }
    assert_eq!((successes, version.stage), (1, GrantStage::Revoked));
}

#[test]
fn o_6_knowing_a_grants_id_revokes_nothing() {
    let world = World::new();
    let (grant, tokens) = world.exchanged(&authorization());
    let forged = code_form().with("code", &format!("{GRANT}.{}", "x".repeat(43)));
    assert_eq!(world.token(&forged, Some(&grant)), Verdict::Refuse(Refusal::InvalidCode));
    let mut refresh: RefreshToken = tokens.refresh_token.unwrap().expose_for("a test").parse().unwrap();
    refresh.code = SecretText::new("x".repeat(43));
    refresh.generation = 0;
    let form = Form::new(&[
        ("client_id", "app"),
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.text().expose_for("a test")),
    ]);
    assert_eq!(world.token(&form, Some(&grant)), Verdict::Refuse(Refusal::InvalidRefreshToken));
}

/// Each wrong binding of an exchange: what is bent, and its refusal when alone.
type Bend = (&'static str, Refusal, fn(&mut World, &mut Form, &mut Grant));

const BENDS: &[Bend] = &[
    ("another client", Refusal::InvalidCode, |_, _, grant| grant.request.client_id = "other".into()),
    ("unknown client", Refusal::UnregisteredClient, |_, form, _| {
        *form = form.clone().with("client_id", "x");
    }),
    ("client off", Refusal::DisabledClient, |world, _, _| world.client.disabled = true),
    ("grant not allowed", Refusal::GrantNotAllowed, |world, _, _| world.client.grants.clear()),
    ("another redirect", Refusal::WrongRedirectUri, |_, form, _| {
        *form = form.clone().with("redirect_uri", "http://127.0.0.1/native");
    }),
    ("no redirect", Refusal::MissingRedirectUri, |_, form, _| *form = form.clone().without("redirect_uri")),
    ("another verifier", Refusal::WrongVerifier, |_, form, _| {
        *form = form.clone().with("code_verifier", &"v".repeat(43));
    }),
    ("no verifier", Refusal::MissingVerifier, |_, form, _| *form = form.clone().without("code_verifier")),
    ("another secret", Refusal::InvalidCode, |_, form, _| {
        *form = form.clone().with("code", &format!("{GRANT}.{}", "x".repeat(43)));
    }),
    ("another grant", Refusal::InvalidCode, |_, _, grant| grant.id = GrantId::from_bytes([8; 16])),
    ("too late", Refusal::InvalidCode, |world, _, _| world.now = NOW.plus(Span::seconds(60))),
    ("revoked", Refusal::InvalidCode, |_, _, grant| grant.stage = GrantStage::Revoked),
    ("user locked", Refusal::InactiveUser, |world, _, _| world.user.state = UserState::Locked),
    ("another user", Refusal::InactiveUser, |world, _, _| world.user.id = UserId::from_bytes([9; 16])),
    ("a stricter policy", Refusal::TooLittleShown, |world, _, _| world.falls_short = true),
];

fn bent(bends: &[&Bend]) -> Verdict {
    let mut world = World::new();
    let (mut form, mut grant) = (code_form(), world.issued(&authorization()));
    for (_, _, bend) in bends {
        bend(&mut world, &mut form, &mut grant);
    }
    world.token(&form, Some(&grant))
}

#[test]
fn o_7_one_wrong_binding_is_enough() {
    assert!(matches!(bent(&[]), Verdict::Exchange { .. }));
    for bend in BENDS {
        assert_eq!(bent(&[bend]), Verdict::Refuse(bend.1), "{}", bend.0);
    }
}

#[test]
fn o_7_two_wrong_bindings_do_not_make_a_right_one() {
    for first in BENDS {
        for second in BENDS {
            let decision = bent(&[first, second]);
            assert!(matches!(decision, Verdict::Refuse(_)), "{} and {}: {decision:?}", first.0, second.0);
        }
    }
}

#[test]
fn o_7_a_code_of_another_tenant_is_unknown() {
    assert_eq!(World::new().token(&code_form(), None), Verdict::Refuse(Refusal::InvalidCode));
}

#[test]
fn o_8_a_truncated_or_extended_code_is_refused() {
    let world = World::new();
    let grant = world.issued(&authorization());
    let code = format!("{GRANT}.{CODE_SECRET}");
    for length in 1..code.len() {
        let form = code_form().with("code", &code[..length]);
        assert_eq!(world.token(&form, Some(&grant)), Verdict::Refuse(Refusal::InvalidCode), "{length}");
    }
    for more in ["a", ".", "=", " ", "\0", ".a", "%00"] {
        for wrong in [format!("{code}{more}"), format!("{more}{code}")] {
            let form = code_form().with("code", &wrong);
            assert_eq!(world.token(&form, Some(&grant)), Verdict::Refuse(Refusal::InvalidCode), "{wrong:?}");
        }
    }
}

#[test]
fn o_4_malformed_verifiers_are_refused_at_the_token_endpoint() {
    let world = World::new();
    let grant = world.issued(&authorization());
    let bad = format!("{}!", &VERIFIER[..42]);
    for verifier in
        [&"v".repeat(42), &"v".repeat(129), &bad, &format!("{VERIFIER}é"), &format!("{VERIFIER} ")]
    {
        let form = code_form().with("code_verifier", verifier);
        assert_eq!(
            world.token(&form, Some(&grant)),
            Verdict::Refuse(Refusal::MalformedVerifier),
            "{verifier}"
        );
    }
}

#[test]
fn o_5_a_stripped_challenge_and_a_stripped_verifier_are_both_refused() {
    let mut world = World::confidential(ClientAuthentication::SecretPost);
    world.client.pkce = PkcePolicy::OptionalWithNonce;
    let form = code_form().with("client_secret", "old");
    let stripped = world.issued(&without_code_challenge());
    assert_eq!(world.token(&form, Some(&stripped)), Verdict::Refuse(Refusal::UnexpectedVerifier));
    let without = form.clone().without("code_verifier");
    assert!(matches!(world.token(&without, Some(&stripped)), Verdict::Exchange { .. }));
    let challenged = world.issued(&authorization());
    assert_eq!(world.token(&without, Some(&challenged)), Verdict::Refuse(Refusal::MissingVerifier));
}
