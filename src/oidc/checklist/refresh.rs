//! A refresh token for its successor: once, but for a grace, and with a look at the world.

use idflow_core::digest::Digest;
use idflow_core::grant::{Grant, GrantStage};
use idflow_core::id::UserId;
use idflow_core::secret::SecretText;
use idflow_core::time::Span;
use idflow_core::user::UserState;

use super::token::{exchange, revoked};
use crate::client::{ClientAuthentication, GrantType};
use crate::endpoint::token::Verdict;
use crate::fixture::{Derived, NOW, World, authorization, refresh_form};
use crate::handle::{RefreshToken, Secrets as _, digest};
use crate::refusal::Refusal;
use crate::tokens::{Tokens, verify_access_token};

#[test]
fn o_19_refresh_tokens_rotate_and_any_older_one_ends_the_family() {
    let mut world = World::new();
    world.client.refresh_grace = Span(0);
    let (mut grant, mut tokens) = world.exchanged(&authorization());
    let mut generations = vec![tokens.clone()];
    for expected in 2..=5 {
        (grant, tokens) = exchange(world.token(&refresh_form(&tokens), Some(&grant)));
        assert!(matches!(grant.stage, GrantStage::Refresh { generation, .. } if generation == expected));
        generations.push(tokens.clone());
    }
    let newest = generations.pop().unwrap();
    for old in &generations {
        let (dead, refusal) = revoked(world.token(&refresh_form(old), Some(&grant)));
        assert_eq!(refusal, Refusal::ReusedRefreshToken);
        let after = world.token(&refresh_form(&newest), Some(&dead));
        assert_eq!(after, Verdict::Refuse(Refusal::InvalidRefreshToken));
    }
    assert!(matches!(world.token(&refresh_form(&newest), Some(&grant)), Verdict::Exchange { .. }));
}

/// A family whose second refresh token was just issued: grant, first tokens, second tokens.
fn refreshed(world: &World) -> (Grant, Tokens, Tokens) {
    let (grant, first) = world.exchanged(&authorization());
    let (grant, second) = exchange(world.token(&refresh_form(&first), Some(&grant)));
    (grant, first, second)
}

#[test]
fn o_19_the_immediate_predecessor_gets_the_same_successor_again_for_ten_seconds_and_twenty_times() {
    let mut world = World::new();
    let (mut grant, first, second) = refreshed(&world);
    let mut ids = Vec::from([second.access_token.clone()]);
    world.now = NOW.plus(Span(9_999));
    for _ in 0..20 {
        let (repeated, tokens) = exchange(world.token(&refresh_form(&first), Some(&grant)));
        assert_eq!(tokens.refresh_token, second.refresh_token);
        assert!(!ids.contains(&tokens.access_token));
        ids.push(tokens.access_token);
        grant = repeated;
    }
    let jti = |token: &SecretText| {
        verify_access_token(&world.provider, world.keys, token.expose_for("a test"), world.now).unwrap().jti
    };
    assert_eq!(ids.iter().map(jti).collect::<std::collections::BTreeSet<_>>().len(), 21);
    assert_eq!(revoked(world.token(&refresh_form(&first), Some(&grant))).1, Refusal::ReusedRefreshToken);
    assert!(matches!(world.token(&refresh_form(&second), Some(&grant)), Verdict::Exchange { .. }));
}

#[test]
fn o_19_a_predecessor_ends_the_family_after_its_grace_or_once_its_successor_was_used() {
    let mut world = World::new();
    let (grant, first, second) = refreshed(&world);
    let (used, third) = exchange(world.token(&refresh_form(&second), Some(&grant)));
    assert_eq!(revoked(world.token(&refresh_form(&first), Some(&used))).1, Refusal::ReusedRefreshToken);
    assert_eq!(
        exchange(world.token(&refresh_form(&second), Some(&used))).1.refresh_token,
        third.refresh_token
    );
    world.now = NOW.plus(Span::seconds(10));
    assert_eq!(revoked(world.token(&refresh_form(&first), Some(&grant))).1, Refusal::ReusedRefreshToken);
}

#[test]
fn o_19_a_clock_that_was_set_back_lengthens_no_grace_and_switches_none_on() {
    let mut world = World::new();
    let (grant, first, _) = refreshed(&world);
    world.now = NOW.plus(Span::seconds(-10));
    exchange(world.token(&refresh_form(&first), Some(&grant)));
    world.now = NOW.plus(Span(-10_001));
    assert_eq!(revoked(world.token(&refresh_form(&first), Some(&grant))).1, Refusal::ReusedRefreshToken);
    world.client.refresh_grace = Span(0);
    world.now = NOW.plus(Span::seconds(-1));
    assert_eq!(revoked(world.token(&refresh_form(&first), Some(&grant))).1, Refusal::ReusedRefreshToken);
}

#[test]
fn o_19_the_grace_is_the_clients_and_can_be_switched_off() {
    let mut world = World::new();
    let (grant, first, _) = refreshed(&world);
    world.client.refresh_grace = Span(0);
    assert_eq!(revoked(world.token(&refresh_form(&first), Some(&grant))).1, Refusal::ReusedRefreshToken);
    world.client.refresh_grace = Span::seconds(10);
    world.client.id = "other".to_owned();
    let stolen = refresh_form(&first).with("client_id", "other");
    assert_eq!(world.token(&stolen, Some(&grant)), Verdict::Refuse(Refusal::InvalidRefreshToken));
}

#[test]
fn o_19_a_successor_is_given_again_after_the_keys_have_rotated() {
    let world = World::new();
    let (mut grant, first, second) = refreshed(&world);
    let earlier = Derived.refresh(grant.id, 2).pop().unwrap();
    if let GrantStage::Refresh { secret, .. } = &mut grant.stage {
        *secret = Some(digest(&earlier));
    }
    let (_, tokens) = exchange(world.token(&refresh_form(&first), Some(&grant)));
    let token: RefreshToken = tokens.refresh_token.unwrap().expose_for("a test").parse().unwrap();
    assert_eq!(token.secret, earlier);
    assert_ne!(Some(token.text()), second.refresh_token);
    if let GrantStage::Refresh { secret, .. } = &mut grant.stage {
        *secret = Some(Digest::of("of a key that is gone"));
    }
    let refused = Verdict::Refuse(Refusal::InvalidRefreshToken);
    assert_eq!(world.token(&refresh_form(&first), Some(&grant)), refused);
}

#[test]
fn o_19_a_family_has_an_absolute_end() {
    let mut world = World::new();
    let (grant, tokens) = world.exchanged(&authorization());
    world.now = NOW.plus(Span::hours(30 * 24)).plus(Span(-1000));
    let (next, last) = exchange(world.token(&refresh_form(&tokens), Some(&grant)));
    assert_eq!((next.expires, last.expires_in), (grant.expires, 1));
    world.now = grant.expires;
    let refused = Verdict::Refuse(Refusal::InvalidRefreshToken);
    assert_eq!(world.token(&refresh_form(&tokens), Some(&grant)), refused);
}

#[test]
fn o_20_refresh_looks_at_the_world_again() {
    type Row = (&'static str, Refusal, fn(&mut World));
    let rows: [Row; 8] = [
        ("client off", Refusal::DisabledClient, |world| world.client.disabled = true),
        ("no refresh grant", Refusal::GrantNotAllowed, |world| {
            world.client.grants = vec![GrantType::AuthorizationCode];
        }),
        ("offline access withdrawn", Refusal::WithdrawnScope, |world| {
            world.client.scopes.retain(|scope| scope != "offline_access");
        }),
        ("user locked", Refusal::InactiveUser, |world| world.user.state = UserState::Locked),
        ("user recreated", Refusal::InactiveUser, |world| world.user.id = UserId::from_bytes([9; 16])),
        ("a stricter policy", Refusal::TooLittleShown, |world| world.falls_short = true),
        ("method changed", Refusal::MissingSecret, |world| {
            world.client.authentication = ClientAuthentication::SecretPost;
        }),
        ("another client", Refusal::UnregisteredClient, |world| world.client.id = "other".into()),
    ];
    for (name, refusal, change) in rows {
        let mut world = World::new();
        let (grant, tokens) = world.exchanged(&authorization());
        change(&mut world);
        let decision = world.token(&refresh_form(&tokens), Some(&grant));
        assert_eq!(decision, Verdict::Refuse(refusal), "{name}");
    }
}

#[test]
fn o_20_a_scope_withdrawn_from_the_client_leaves_the_next_token() {
    let mut world = World::new();
    let (grant, tokens) = world.exchanged(&authorization());
    world.client.scopes.retain(|scope| scope != "email");
    let (_, tokens) = exchange(world.token(&refresh_form(&tokens), Some(&grant)));
    assert_eq!(tokens.scopes, ["openid", "profile", "offline_access"]);
}

#[test]
fn a_refresh_may_narrow_and_never_widen_its_scopes() {
    let world = World::new();
    let (grant, tokens) = world.exchanged(&authorization().with("scope", "openid email offline_access"));
    let narrow = refresh_form(&tokens).with("scope", "openid");
    let (grant, narrowed) = exchange(world.token(&narrow, Some(&grant)));
    assert_eq!(narrowed.scopes, ["openid"]);
    let wide = refresh_form(&narrowed).with("scope", "openid profile");
    assert_eq!(world.token(&wide, Some(&grant)), Verdict::Refuse(Refusal::WidenedScope));
    let (_, full) = exchange(world.token(&refresh_form(&narrowed), Some(&grant)));
    assert_eq!(full.scopes, ["openid", "email", "offline_access"]);
}

#[test]
fn o_8_a_refreshed_grant_stores_no_secret_from_the_wire() {
    let (grant, tokens) = World::new().exchanged(&authorization());
    let stored = serde_json::to_string(&grant).unwrap();
    let token: RefreshToken = tokens.refresh_token.unwrap().expose_for("a test").parse().unwrap();
    for secret in [token.secret.expose_for("a test"), token.code.expose_for("a test")] {
        assert!(!stored.contains(secret));
    }
}

#[test]
fn o_19_the_right_generation_with_a_wrong_secret_ends_the_family_too() {
    let world = World::new();
    let (grant, tokens) = world.exchanged(&authorization());
    let mut token: RefreshToken =
        tokens.refresh_token.as_ref().unwrap().expose_for("a test").parse().unwrap();
    token.secret = SecretText::new("x".repeat(43));
    let form = refresh_form(&tokens).with("refresh_token", token.text().expose_for("a test"));
    assert_eq!(revoked(world.token(&form, Some(&grant))).1, Refusal::ReusedRefreshToken);
}
