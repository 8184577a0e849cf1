use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use idflow_core::digest::Digest;
use idflow_core::grant::{Grant, GrantStage};
use idflow_core::id::{GrantId, UserId};
use idflow_core::secret::SecretText;
use idflow_core::time::Span;
use idflow_core::user::UserState;

use crate::client::{ClientAuthentication, Credentials, GrantType, PkcePolicy, Presented};
use crate::endpoint::token::{Verdict, refuse, respond};
use crate::fixture::{
    CODE_SECRET, Derived, Form, GRANT, NOW, VERIFIER, World, authorization, code_form, refresh_form,
    without_code_challenge,
};
use crate::handle::{RefreshSecrets as _, RefreshToken, digest};
use crate::refusal::Refusal;
use crate::tokens::{Tokens, verify_access_token};

fn exchange(decision: Verdict) -> (Grant, Tokens) {
    match decision {
        Verdict::Exchange { grant, tokens } => (grant, tokens),
        other => panic!("not exchanged: {other:?}"),
    }
}

fn revoked(decision: Verdict) -> (Grant, Refusal) {
    match decision {
        Verdict::Revoke { grant, refusal } => {
            assert_eq!(grant.stage, GrantStage::Revoked);
            (grant, refusal)
        }
        other => panic!("not revoked: {other:?}"),
    }
}

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

fn basic(name: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{secret}")))
}

#[test]
fn o_25_only_a_registered_method_with_a_current_or_previous_secret_authenticates() {
    use ClientAuthentication::{None as Public, Secret, SecretBasic, SecretPost};
    const NEW: &str = "new secret: +%";
    // A header carries the secret form-encoded (RFC 6749 section 2.3.1).
    let header = basic("app", "new+secret%3A+%2B%25");
    // Half of all libraries send it as it is.
    let (raw, wrong) = (basic("app", NEW), basic("app", "new secret: %2B%25"));
    // A header without a secret is what libraries that always send one make of a public client.
    let nothing = basic("app", "");
    let rows: [(ClientAuthentication, Option<&str>, Option<&str>, bool); 22] = [
        (Public, None, None, true),
        (Public, Some(&nothing), None, true),
        (Secret, Some(&header), None, true),
        (Secret, Some(&raw), None, true),
        (Secret, None, Some(NEW), true),
        (Secret, Some(&nothing), None, false),
        (Secret, None, None, false),
        (Secret, Some(&header), Some(NEW), false),
        (SecretBasic, Some(&raw), None, true),
        (SecretBasic, Some(&wrong), None, true),
        (Public, None, Some(NEW), false),
        (Public, Some(&header), None, false),
        (SecretPost, None, Some(NEW), true),
        (SecretPost, None, Some("old"), true),
        (SecretPost, None, Some("older"), false),
        (SecretPost, None, Some("ol"), false),
        (SecretPost, None, None, false),
        (SecretPost, Some(&header), None, false),
        (SecretBasic, Some(&header), None, true),
        (SecretBasic, None, Some(NEW), false),
        (SecretBasic, None, None, false),
        (SecretBasic, Some(&header), Some(NEW), false),
    ];
    for (method, header, posted, accepted) in rows {
        let world = World::confidential(method);
        let form = posted.map_or(code_form(), |secret| code_form().with("client_secret", secret));
        let headers: Vec<&str> = header.into_iter().collect();
        let decision = world.token_with(&form, &headers, Some(&world.issued(&authorization())));
        let exchanged = matches!(decision, Verdict::Exchange { .. });
        assert_eq!(exchanged, accepted, "{method:?} header {} body {posted:?}", header.is_some());
    }
}

#[test]
fn o_25_a_confidential_client_without_a_usable_secret_never_authenticates() {
    let mut world = World::confidential(ClientAuthentication::SecretPost);
    world.client.secrets.clear();
    let form = code_form().with("client_secret", "old");
    assert_eq!(world.token(&form, None), Verdict::Refuse(Refusal::WrongSecret));
}

#[test]
fn o_25_two_methods_or_a_broken_header_are_refused() {
    let world = World::confidential(ClientAuthentication::SecretBasic);
    let good = basic("app", "old");
    let form = code_form().without("client_id");
    let outcome = |form: &Form, headers: &[&str]| world.token_with(form, headers, None);
    assert_eq!(outcome(&form, &[&good]), Verdict::Refuse(Refusal::InvalidCode));
    let both = form.clone().with("client_secret", "old");
    let other = form.clone().with("client_id", "other");
    assert_eq!(outcome(&both, &[&good]), Verdict::Refuse(Refusal::SeveralAuthentications));
    assert_eq!(outcome(&other, &[&good]), Verdict::Refuse(Refusal::SeveralAuthentications));
    assert_eq!(outcome(&form, &[&good, &good]), Verdict::Refuse(Refusal::SeveralAuthentications));
    let assertion = form.clone().with("client_assertion", "x.y.z");
    assert_eq!(outcome(&assertion, &[&good]), Verdict::Refuse(Refusal::UnsupportedAssertion));
    for broken in ["", "Basic", "Basic !", "Bearer x", "Basic YXBw", &basic("", "old"), "Basic /w=="] {
        assert_eq!(outcome(&form, &[broken]), Verdict::Refuse(Refusal::MalformedAuthorization), "{broken}");
    }
    assert_eq!(outcome(&form, &[]), Verdict::Refuse(Refusal::MissingCredentials));
}

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
    let earlier = Derived.of(grant.id, 2).pop().unwrap();
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
fn o_34_token_answers_are_never_cached() {
    let (_, tokens) = World::new().exchanged(&authorization());
    let given = respond(&tokens);
    assert_eq!(given.status, 200);
    for response in [given, refuse(Refusal::InvalidCode), refuse(Refusal::WrongSecret)] {
        assert_eq!(response.header("cache-control"), Some("no-store"));
        assert_eq!(response.header("pragma"), Some("no-cache"));
    }
}

#[test]
fn a_failed_authentication_is_a_401_with_a_challenge_and_the_rest_a_400_without() {
    let failed = refuse(Refusal::WrongSecret);
    assert_eq!(failed.status, 401);
    assert!(failed.header("www-authenticate").is_some_and(|value| value.starts_with("Basic ")));
    let invalid = refuse(Refusal::InvalidCode);
    assert_eq!((invalid.status, invalid.header("www-authenticate")), (400, None));
    let body: serde_json::Value = serde_json::from_str(&invalid.body).unwrap();
    assert_eq!(body["error"], "invalid_grant");
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

#[test]
fn o_25_a_client_never_authenticates_under_another_name() {
    for method in [ClientAuthentication::None, ClientAuthentication::SecretPost] {
        let client = World::confidential(method).client;
        let credentials = |client_id: &str| Credentials {
            client_id: client_id.into(),
            presented: if client.is_public() {
                Presented::Nothing
            } else {
                Presented::Post(SecretText::new("old"))
            },
        };
        assert_eq!(client.authenticate(&credentials("app")), Ok(()));
        assert_eq!(client.authenticate(&credentials("other")), Err(Refusal::UnregisteredClient));
    }
}

#[test]
fn o_25_a_secret_in_a_header_counts_as_sent_and_as_decoded_and_never_otherwise() {
    let secrets =
        ["with+plus", "100%", "%2B", "a%zz", "a&b=c", "p%C3%A4ss", "päss", "%FF", "colon:ed", "a b"];
    for registered in secrets {
        let mut world = World::confidential(ClientAuthentication::Secret);
        world.client.secrets = vec![Digest::of(registered)];
        let authenticates = |secret: &str| {
            let decision = world.token_with(&code_form().with("code", "x"), &[&basic("app", secret)], None);
            match decision {
                Verdict::Refuse(Refusal::InvalidCode) => true,
                Verdict::Refuse(Refusal::WrongSecret) => false,
                other => panic!("{other:?}"),
            }
        };
        let encoded: String = url::form_urlencoded::byte_serialize(registered.as_bytes()).collect();
        let percents = encoded.replace('+', "%20");
        assert!(authenticates(registered), "{registered} as it is");
        assert!(authenticates(&encoded), "{registered} as {encoded}");
        assert!(authenticates(&percents), "{registered} as {percents}");
        let twice: String = url::form_urlencoded::byte_serialize(encoded.as_bytes()).collect();
        assert!(!authenticates(&twice) || twice == encoded, "{registered} as {twice}");
        for wrong in [format!("{registered}x"), format!("x{registered}"), registered.to_uppercase() + "0"] {
            assert!(!authenticates(&wrong), "{registered} as {wrong}");
        }
    }
}

#[test]
fn every_failed_authentication_is_answered_alike() {
    let reasons = Refusal::ALL.iter().filter(|refusal| refusal.is_of_authentication());
    let answers: Vec<_> =
        reasons.filter(|one| **one != Refusal::MalformedAuthorization).map(|one| refuse(*one)).collect();
    assert_eq!(answers.len(), 8);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
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
    assert_eq!(members, ["access_token", "expires_in", "token_type"], "no scope was granted");
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
