use idflow_core::evidence::Evidence;
use idflow_core::id::{SessionId, UserId};
use idflow_core::secret::SecretText;
use idflow_core::session::Session;
use idflow_core::time::{Span, Timestamp};
use idflow_core::user::UserState;

use crate::acr::{MULTI_FACTOR, SINGLE_FACTOR};
use crate::client::{ClientAuthentication, GrantType, PkcePolicy};
use crate::endpoint::Decision;
use crate::endpoint::authorize::{Answer, code_answer, issue, refuse};
use crate::fixture::{
    CODE_SECRET, Form, GRANT, ISSUER, NOW, REDIRECT, USER, World, authorization, factor, is_code_stage,
    without_code_challenge,
};
use crate::handle;
use crate::http::Returned;
use crate::refusal::Refusal;

fn query(url: &str) -> Vec<(String, String)> {
    let (_, query) = url.split_once('?').unwrap();
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

pub(super) fn value(url: &str, name: &str) -> Option<String> {
    query(url).into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

pub(super) fn refused(decision: Result<Decision<'_>, Refusal>) -> Refusal {
    match decision {
        Ok(Decision::RedirectError { refusal, .. }) => refusal,
        other => panic!("not refused by redirect: {other:?}"),
    }
}

/// Every near miss of the registered address that one slip can make, and the classics.
fn near_misses(registered: &str) -> Vec<String> {
    let mut misses = Vec::new();
    for (at, letter) in registered.char_indices() {
        let (before, after) = (&registered[..at], &registered[at + 1..]);
        let flipped =
            if letter.is_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
        misses.push(format!("{before}{flipped}{after}"));
        misses.push(format!("{before}{after}"));
        misses.push(format!("{before}%{:02x}{after}", letter as u32));
        for more in ["/", ".", "@", "%00", "\t", "\u{e9}", "\\", "x"] {
            misses.push(format!("{before}{more}{letter}{after}"));
        }
    }
    let suffixes = [
        "/",
        "?",
        "#",
        "?a=b",
        "#a",
        "/..",
        "/../callback",
        "/.",
        "%2f",
        "%2e%2e",
        ";a",
        "%20",
        " ",
        "\n",
        "\r\n",
        "\0",
        "\u{200b}",
        "/%2e%2e/callback",
        ":443",
        "&redirect_uri=https://evil.example",
        ",",
        "%0d%0aX:y",
    ];
    misses.extend(suffixes.map(|suffix| format!("{registered}{suffix}")));
    let others = [
        "http://app.example.com/callback",
        "https://app.example.com:443/callback",
        "https://app.example.com:8443/callback",
        "https://app.example.com./callback",
        "https://app.example.com@evil.example/callback",
        "https://app.example.com%40evil.example/callback",
        "https://user@app.example.com/callback",
        "https://user:app.example.com@evil.example/callback",
        "https://evil.example/https://app.example.com/callback",
        "https://evil.example?https://app.example.com/callback",
        "https://evil.example#https://app.example.com/callback",
        "https://evil.example\\@app.example.com/callback",
        "https:\\\\app.example.com\\callback",
        "https:/app.example.com/callback",
        "https:app.example.com/callback",
        "//app.example.com/callback",
        "/callback",
        "callback",
        " https://app.example.com/callback",
        "https://app.example.com/callback/../callback",
        "https://app.example.com//callback",
        "https://app.example.com/./callback",
        "https://app.example.com/%63allback",
        "https://app.example.com/callback%3f",
        "https://sub.app.example.com/callback",
        "https://example.com/callback",
        "https://app-example.com/callback",
        "https://app.example.com.evil.example/callback",
        "https://аpp.example.com/callback",
        "https://app。example.com/callback",
        "https://app.example.com/callback\u{202e}",
        "javascript:https://app.example.com/callback",
        "data:text/html,https://app.example.com/callback",
        "null",
        "*",
        "https://*.example.com/callback",
        "http://127.0.0.1:8080/native",
        "http://127.0.0.1.evil.example/native",
        "http://[::1]/native",
        "http://localhost/native",
    ];
    misses.extend(others.map(str::to_owned));
    misses.retain(|miss| miss != registered);
    misses.sort();
    misses.dedup();
    misses
}

#[test]
fn o_1_o_2_near_misses_of_a_redirect_uri_get_an_error_page_and_never_a_redirect() {
    let world = World::confidential(ClientAuthentication::SecretPost);
    let misses = near_misses(REDIRECT);
    assert!(misses.len() > 350, "{}", misses.len());
    for miss in misses {
        let decision = world.authorize(&authorization().with("redirect_uri", &miss));
        assert_eq!(decision, Ok(Decision::Refuse(Refusal::UnregisteredRedirectUri)), "{miss:?}");
    }
    assert!(matches!(world.authorize(&authorization()), Ok(Decision::IssueCode { .. })));
}

#[test]
fn o_1_a_second_redirect_uri_gets_an_error_page_in_either_order() {
    for (first, second) in [(REDIRECT, "https://evil.example/"), ("https://evil.example/", REDIRECT)] {
        let mut form = authorization().with("redirect_uri", first);
        form.0.push(("redirect_uri".into(), second.into()));
        assert_eq!(World::new().authorize(&form), Ok(Decision::Refuse(Refusal::RepeatedParameter)));
    }
}

#[test]
fn o_1_only_the_port_of_a_public_clients_loopback_address_is_free() {
    let world = World::new();
    let outcome = |uri: &str| world.client.accepts_redirect(uri);
    for uri in ["http://127.0.0.1/native", "http://127.0.0.1:1/native", "http://127.0.0.1:65535/native"] {
        assert!(outcome(uri), "{uri}");
    }
    let misses = [
        "http://127.0.0.1:/native",
        "http://127.0.0.1:0/native",
        "http://127.0.0.1:65536/native",
        "http://127.0.0.1:080/native",
        "http://127.0.0.1:+80/native",
        "http://127.0.0.1:80/other",
        "http://127.0.0.1:80/x/native",
        "http://127.0.0.1:80@evil.example/native",
        "http://127.0.0.2:80/native",
        "http://127.0.0.1:80",
        "https://127.0.0.1:80/native",
        "http://localhost:80/native",
        "http://[::1]:80/native",
        "http://127.0.0.1:8_0/native",
        "http://127.0.0.1:80/native#",
        "http://127.0.0.1:80/native?",
        "http://127.0.0.1:80:80/native",
        "http://127.0.0.1.80/native",
        "http://127.1:80/native",
    ];
    for uri in misses {
        assert!(!outcome(uri), "{uri}");
    }
    let confidential = World::confidential(ClientAuthentication::SecretBasic);
    assert!(!confidential.client.accepts_redirect("http://127.0.0.1:80/native"));
}

#[test]
fn o_2_a_client_that_is_unknown_or_switched_off_gets_an_error_page() {
    let mut world = World::new();
    let unknown = authorization().with("client_id", "other");
    assert_eq!(world.authorize(&unknown), Ok(Decision::Refuse(Refusal::UnknownClient)));
    world.client.disabled = true;
    assert_eq!(world.authorize(&authorization()), Ok(Decision::Refuse(Refusal::UnknownClient)));
}

/// Whose request and whose address it is must be certain before anybody is sent anywhere; a state that is not certain
/// is not returned; what nobody knows nobody minds.
fn doubled(world: &World, form: &Form, name: &str) {
    let decision = world.authorize(form);
    match name {
        "client_id" | "redirect_uri" => {
            assert_eq!(decision, Ok(Decision::Refuse(Refusal::RepeatedParameter)), "{name}");
        }
        "unknown" => assert!(matches!(decision, Ok(Decision::StartJourney(_))), "{name}: {decision:?}"),
        _ => {
            let Ok(Decision::RedirectError { to, refusal }) = decision else {
                panic!("{name}: {decision:?}")
            };
            assert_eq!(refusal, Refusal::RepeatedParameter, "{name}");
            let state = value(&to.url, "state");
            assert_eq!(state.as_deref(), (name != "state").then_some("a state & more"), "{name}");
        }
    }
}

#[test]
fn o_3_every_doubled_parameter_is_refused_equal_or_not_before_or_after() {
    let all = authorization().with("prompt", "login").with("max_age", "5").with("unknown", "x");
    for (name, value) in all.0.clone() {
        for more in [value.as_str(), "other", ""] {
            let mut after = all.clone();
            after.0.push((name.clone(), more.to_owned()));
            let mut before = all.clone();
            before.0.insert(0, (name.clone(), more.to_owned()));
            for form in [after, before] {
                doubled(&World::new(), &form, &name);
            }
        }
    }
    assert_eq!(Refusal::RepeatedParameter.code(), "invalid_request");
}

#[test]
fn o_4_only_a_well_formed_s256_challenge_is_taken() {
    let world = World::new();
    let long = "A".repeat(44);
    let rows = [
        (without_code_challenge(), Refusal::MissingChallenge),
        (authorization().without("code_challenge"), Refusal::MissingChallenge),
        (authorization().without("code_challenge_method"), Refusal::UnsupportedChallengeMethod),
        (authorization().with("code_challenge_method", "plain"), Refusal::UnsupportedChallengeMethod),
        (authorization().with("code_challenge_method", "s256"), Refusal::UnsupportedChallengeMethod),
        (authorization().with("code_challenge_method", "S512"), Refusal::UnsupportedChallengeMethod),
        (authorization().with("code_challenge", &long[..42]), Refusal::MalformedChallenge),
        (authorization().with("code_challenge", &long), Refusal::MalformedChallenge),
        (authorization().with("code_challenge", &format!("{}=", &long[..42])), Refusal::MalformedChallenge),
        (authorization().with("code_challenge", &format!("{}+", &long[..42])), Refusal::MalformedChallenge),
    ];
    for (form, refusal) in rows {
        assert_eq!(refused(world.authorize(&form)), refusal, "{}", form.text());
    }
}

#[test]
fn o_4_only_a_confidential_client_with_that_policy_and_a_nonce_goes_without_pkce() {
    let form = without_code_challenge();
    let mut world = World::confidential(ClientAuthentication::SecretBasic);
    assert_eq!(refused(world.authorize(&form)), Refusal::MissingChallenge);
    world.client.pkce = PkcePolicy::OptionalWithNonce;
    assert!(matches!(world.authorize(&form), Ok(Decision::IssueCode { .. })));
    assert_eq!(refused(world.authorize(&form.clone().without("nonce"))), Refusal::MissingNonce);
    assert_eq!(refused(world.authorize(&form.clone().with("scope", "email"))), Refusal::MissingNonce);
    world.client.authentication = ClientAuthentication::None;
    assert_eq!(refused(world.authorize(&form)), Refusal::MissingChallenge);
}

#[test]
fn o_9_every_redirect_names_the_issuer_and_repeats_the_state() {
    let world = World::new();
    let request = world.accepted(&authorization());
    let Ok(Decision::RedirectError { to: invalid, .. }) =
        world.authorize(&authorization().with("response_type", "token"))
    else {
        panic!("not redirected");
    };
    let urls = [
        code_answer(&world.provider, &request, GRANT, &SecretText::new(CODE_SECRET)),
        refuse(&world.provider, &request, Refusal::AccessDenied),
        invalid,
    ];
    for Returned { url, fields } in urls {
        assert!(url.starts_with(&format!("{REDIRECT}?")) && fields.is_empty(), "{url}");
        assert_eq!(value(&url, "iss").as_deref(), Some(ISSUER));
        assert_eq!(value(&url, "state").as_deref(), Some("a state & more"));
    }
}

#[test]
fn an_answer_keeps_the_query_of_the_registered_address() {
    let mut world = World::new();
    for (uri, wanted) in [
        ("https://a.example/cb?x=1", "https://a.example/cb?x=1&error=access_denied"),
        ("https://a.example/cb?x=1&", "https://a.example/cb?x=1&error=access_denied"),
        ("https://a.example/cb?", "https://a.example/cb?error=access_denied"),
        ("com.example.app:/done", "com.example.app:/done?error=access_denied"),
    ] {
        world.client.redirect_uris = vec![uri.to_owned()];
        let request = world.accepted(&authorization().with("redirect_uri", uri));
        let url = refuse(&world.provider, &request, Refusal::AccessDenied).url;
        assert!(url.starts_with(wanted), "{url}");
    }
}

#[test]
fn a_request_without_state_gets_an_answer_without_state() {
    let world = World::new();
    let request = world.accepted(&authorization().without("state"));
    assert_eq!(value(&refuse(&world.provider, &request, Refusal::AccessDenied).url, "state"), None);
}

#[test]
fn o_11_o_12_only_the_code_flow_with_an_answer_in_query_or_post_is_served() {
    let world = World::new();
    let types =
        ["token", "id_token", "code token", "code id_token", "id_token token", "none", "CODE", "code code"];
    for kind in types {
        let decision = world.authorize(&authorization().with("response_type", kind));
        assert_eq!(refused(decision), Refusal::UnsupportedResponseType, "{kind}");
    }
    for mode in ["fragment", "query.jwt", "web_message", "FORM_POST", "query form_post"] {
        let decision = world.authorize(&authorization().with("response_mode", mode));
        assert_eq!(refused(decision), Refusal::UnsupportedResponseMode, "{mode}");
    }
    assert!(matches!(
        world.authorize(&authorization().with("response_mode", "query")),
        Ok(Decision::IssueCode { .. })
    ));
    let mut world = World::new();
    world.client.grants = vec![GrantType::RefreshToken];
    assert_eq!(refused(world.authorize(&authorization())), Refusal::GrantNotAllowed);
}

#[test]
fn o_26_prompt_none_never_shows_a_page() {
    let mut world = World::new();
    let form = authorization().with("prompt", "none");
    assert!(matches!(world.authorize(&form), Ok(Decision::IssueCode { .. })));
    assert_eq!(refused(world.authorize_with(&form, None)), Refusal::LoginRequired);
    let stale = [form.clone().with("max_age", "59"), form.clone().with("max_age", "0")];
    for form in stale {
        assert_eq!(refused(world.authorize(&form)), Refusal::LoginRequired);
    }
    for words in ["none login", "login none", "none consent"] {
        let decision = world.authorize(&authorization().with("prompt", words));
        assert_eq!(refused(decision), Refusal::ContradictoryPrompt, "{words}");
    }
    world.now = world.session.expires;
    assert_eq!(refused(world.authorize(&form)), Refusal::LoginRequired);
}

/// Each way in which a session can fall short.
fn lesser_sessions() -> Vec<(&'static str, Session)> {
    let base = World::new().session;
    let changed = |name, change: fn(&mut Session)| {
        let mut session = base.clone();
        change(&mut session);
        (name, session)
    };
    vec![
        changed("ended", |session| session.expires = NOW),
        changed("idle", |session| session.idle = Span::seconds(60)),
        changed("of somebody else", |session| session.user = Some(UserId::from_bytes([9; 16]))),
        changed("of a guest", |session| session.user = None),
    ]
}

#[test]
fn single_sign_on_needs_a_living_session_of_this_active_user() {
    let mut world = World::new();
    for (name, session) in lesser_sessions() {
        let decision = world.authorize_with(&authorization(), Some((&session, &world.user)));
        assert!(matches!(decision, Ok(Decision::StartJourney(_))), "{name}: {decision:?}");
    }
    world.user.state = UserState::Locked;
    assert!(matches!(world.authorize(&authorization()), Ok(Decision::StartJourney(_))));
}

#[test]
fn o_27_demands_for_a_new_sign_in_start_a_journey() {
    let world = World::new();
    let rows = [
        ("prompt", "login", true),
        ("prompt", "select_account", true),
        ("prompt", "consent", true),
        ("prompt", "login consent", true),
        ("max_age", "0", true),
        ("max_age", "59", false),
    ];
    for (name, value, fresh) in rows {
        let decision = world.authorize(&authorization().with(name, value));
        let Ok(Decision::StartJourney(request)) = decision else { panic!("{name}={value}: {decision:?}") };
        assert_eq!(request.fresh, fresh, "{name}={value}");
    }
    let recent = world.authorize(&authorization().with("max_age", "60"));
    assert!(matches!(recent, Ok(Decision::IssueCode { .. })));
}

#[test]
fn o_27_a_session_below_the_wanted_class_starts_a_journey() {
    let mut world = World::new();
    let wants = |class: &str| authorization().with("acr_values", class);
    assert!(matches!(world.authorize(&wants(MULTI_FACTOR)), Ok(Decision::IssueCode { .. })));
    world.session.evidence.pop();
    assert!(matches!(world.authorize(&wants(MULTI_FACTOR)), Ok(Decision::StartJourney(_))));
    assert!(matches!(world.authorize(&wants(SINGLE_FACTOR)), Ok(Decision::IssueCode { .. })));
    let either = format!("{MULTI_FACTOR} {SINGLE_FACTOR}");
    assert!(matches!(world.authorize(&wants(&either)), Ok(Decision::IssueCode { .. })));
    assert!(matches!(world.authorize(&wants("urn:other")), Ok(Decision::IssueCode { .. })));
    world.session.evidence = vec![factor("pwd", None), factor("otp", Some(UserId::from_bytes([9; 16])))];
    assert!(matches!(world.authorize(&wants(SINGLE_FACTOR)), Ok(Decision::StartJourney(_))));
}

/// What a journey may end with whose session is this, and whose person showed a factor in it, or did not.
pub(super) fn issue_after(
    world: &World,
    form: &Form,
    (session, is_fresh): (&Session, bool),
    now: Timestamp,
) -> Result<Vec<Evidence>, Refusal> {
    let request = world.accepted(form);
    let secret = SecretText::new(CODE_SECRET);
    let user = &world.user;
    let answer =
        Answer { request: &request, session, user, flow: "sign-in", is_fresh, grant: GRANT, secret: &secret };
    issue(&world.provider, &answer, now).map(|issued| issued.grant.evidence)
}

#[test]
fn o_27_a_journey_that_reused_an_old_session_gets_no_code_where_a_new_sign_in_was_demanded() {
    let world = World::new();
    let later = NOW.plus(Span::minutes(5));
    // That the clock was set back in mid-journey makes no difference.
    let renewed = [NOW.plus(Span::minutes(1)), NOW.plus(Span::hours(-48))]
        .map(|authenticated| Session { authenticated, ..world.session.clone() });
    for (name, value) in [("prompt", "login"), ("max_age", "0"), ("max_age", "90")] {
        let form = authorization().with(name, value);
        let reused = issue_after(&world, &form, (&world.session, false), later);
        assert_eq!(reused, Err(Refusal::LoginRequired), "{name}");
        for renewed in &renewed {
            assert!(issue_after(&world, &form, (renewed, true), later).is_ok(), "{name}");
        }
    }
    for (name, session) in lesser_sessions() {
        assert_eq!(
            issue_after(&world, &authorization(), (&session, true), NOW),
            Err(Refusal::LoginRequired),
            "{name}"
        );
    }
}

#[test]
fn o_28_hints_authenticate_nobody_and_narrow_only() {
    let world = World::new();
    let (_, tokens) = world.exchanged(&authorization());
    let hint = tokens.id_token.unwrap();
    let hint = hint.expose_for("a test");
    let with = |hint: &str| authorization().with("id_token_hint", hint);
    assert!(matches!(world.authorize(&with(hint)), Ok(Decision::IssueCode { .. })));
    assert!(matches!(world.authorize_with(&with(hint), None), Ok(Decision::StartJourney(_))));
    let mut forged = hint.to_owned();
    forged.truncate(forged.len() - 4);
    for bad in [forged.as_str(), "x", tokens.access_token.expose_for("a test")] {
        assert!(matches!(world.authorize(&with(bad)), Ok(Decision::StartJourney(_))), "{bad}");
        let silent = with(bad).with("prompt", "none");
        assert_eq!(refused(world.authorize(&silent)), Refusal::LoginRequired);
    }
    let mut other = World::new();
    other.user.id = UserId::from_bytes([9; 16]);
    other.session.user = Some(other.user.id);
    assert!(matches!(other.authorize(&with(hint)), Ok(Decision::StartJourney(_))));
    let named = world.authorize_with(&authorization().with("login_hint", "ada@example.com"), None);
    assert!(matches!(named, Ok(Decision::StartJourney(request)) if request.login_hint.is_some()));
}

#[test]
fn o_30_request_objects_are_refused_and_never_fetched() {
    let rows = [
        ("request", "eyJhbGciOiJub25lIn0.e30.", Refusal::RequestObject),
        ("request_uri", "https://canary.example/", Refusal::RequestUri),
        ("registration", "{}", Refusal::Registration),
    ];
    for (name, value, refusal) in rows {
        assert_eq!(refused(World::new().authorize(&authorization().with(name, value))), refusal);
    }
}

#[test]
fn o_42_scopes_beyond_the_registration_are_dropped() {
    let mut world = World::new();
    let scopes = |world: &World, asked: &str| world.accepted(&authorization().with("scope", asked)).scopes;
    assert_eq!(scopes(&world, "admin email openid other:read email"), ["email", "openid"]);
    let nothing = world.authorize(&authorization().with("scope", "admin"));
    assert_eq!(refused(nothing), Refusal::NoScope);
    assert_eq!(refused(world.authorize(&authorization().without("scope"))), Refusal::NoScope);
    world.client.grants = vec![GrantType::AuthorizationCode];
    assert_eq!(scopes(&world, "openid offline_access"), ["openid"]);
}

#[test]
fn what_a_journey_needs_survives_validation() {
    let form = authorization()
        .with("ui_locales", "de en-GB de")
        .with("login_hint", "ada")
        .with("acr_values", "a b")
        .with("max_age", "300");
    let request = World::new().accepted(&form);
    assert_eq!(request.ui_locales, ["de", "en-GB"]);
    assert_eq!(request.acr_values, ["a", "b"]);
    assert_eq!(request.max_age, Some(300));
    assert_eq!(request.nonce.as_deref(), Some("a nonce"));
}

#[test]
fn malformed_prompt_and_max_age_are_refused() {
    let world = World::new();
    assert_eq!(refused(world.authorize(&authorization().with("prompt", "Login"))), Refusal::UnknownPrompt);
    for age in ["-1", "+1", "1.5", "x", " 1", "1e3"] {
        let decision = world.authorize(&authorization().with("max_age", age));
        assert_eq!(refused(decision), Refusal::MalformedMaxAge, "{age}");
    }
}

#[test]
fn o_8_a_grant_stores_no_secret_from_the_wire() {
    let grant = World::new().issued(&authorization());
    let stored = serde_json::to_string(&grant).unwrap();
    assert!(is_code_stage(&grant) && !stored.contains(CODE_SECRET));
    assert!(stored.contains(&handle::digest(&SecretText::new(CODE_SECRET)).to_string()));
}

#[test]
fn o_7_a_code_lives_at_most_a_minute_whatever_is_set() {
    let mut world = World::new();
    world.provider.lifetimes.code = Span::hours(1);
    let grant = world.issued(&authorization());
    let idflow_core::grant::GrantStage::Code { expires, .. } = grant.stage else { panic!("no code") };
    assert_eq!(expires, NOW.plus(Span::seconds(60)));
    assert_eq!((grant.user, grant.session), (USER, SessionId::from_bytes([2; 16])));
}

#[test]
fn o_1_an_address_that_cannot_carry_an_answer_is_refused_even_where_it_is_registered() {
    let mut world = World::new();
    for uri in
        ["https://a.example/cb#x", "https://a.example/cb\\x", "https://a.example/c b", "https://ä.example/"]
    {
        world.client.redirect_uris = vec![uri.to_owned()];
        let decision = world.authorize(&authorization().with("redirect_uri", uri));
        assert_eq!(decision, Ok(Decision::Refuse(Refusal::UnregisteredRedirectUri)), "{uri}");
    }
}

#[test]
fn o_27_a_sign_in_of_this_very_moment_does_not_answer_a_demand_for_a_new_one() {
    let mut world = World::new();
    world.session.authenticated = NOW;
    let decision = world.authorize(&authorization().with("prompt", "login"));
    assert!(matches!(decision, Ok(Decision::StartJourney(_))));
}

#[test]
fn o_28_a_hint_of_another_issuer_is_no_hint() {
    let mut world = World::new();
    let (_, tokens) = world.exchanged(&authorization());
    let form = authorization().with("id_token_hint", tokens.id_token.unwrap().expose_for("a test"));
    world.provider.issuer = "https://other.example.com".into();
    assert!(matches!(world.authorize(&form), Ok(Decision::StartJourney(_))));
}
