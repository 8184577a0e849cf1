//! Signing out, by applications and by people: the session ends with everything that came from it, nobody is signed
//! out by a link, and the next click signs nobody in silently (checklist O-37).

use std::fmt::Write as _;

use http::header::{LOCATION, ORIGIN, REFRESH, SET_COOKIE};
use http::{Method, StatusCode};
use idflow_api::flow::FlowType;
use idflow_core::time::Span;
use serde_json::Value;

use crate::faults::Fault;
use crate::person::{Calm, Person};
use crate::visitor::{Answer, Browser, authorize_path, exchange, refresh, userinfo};
use crate::world::{ISSUER, TENANT, World, snapshot};

pub(crate) const ADA: &str = "ada@example.com";
pub(crate) const GOODBYE: &str = "https://app.example.com/goodbye";
pub(crate) const ASKS: &str = "Do you want to sign out?";
pub(crate) const SIGNED_OUT: &str = "You are signed out";

/// What a tenant adds that signs people out by a flow of its own.
const FLOWS: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: sign-out }
spec:
  type: Logout
  default: true
  start: signOut
  texts: { bye: { en: Come back soon } }
  steps:
    - { id: signOut, endSessions: {}, outcomes: { next: done } }
    - { id: done, complete: { title: bye } }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: everywhere }
spec:
  type: Logout
  start: signOut
  steps:
    - { id: signOut, endSessions: { whose: Person }, outcomes: { next: done } }
    - { id: done, complete: {} }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: somebody }
spec:
  type: Custom
  start: name
  steps:
    - id: name
      form: { fields: [{ name: email, type: Email }] }
      outcomes: { next: find }
    - { id: find, findUser: { by: form.email }, outcomes: { next: signOut, notFound: done } }
    - { id: signOut, endSessions: { whose: Person }, outcomes: { next: done } }
    - { id: done, complete: {} }
";

/// Whoever shows their password ends all their sessions.
const ALL_MINE: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: all-mine }
spec:
  type: Custom
  start: password
  steps:
    - { id: password, password: { identify: true }, outcomes: { next: signOut } }
    - { id: signOut, endSessions: { whose: Person }, outcomes: { next: done } }
    - { id: done, complete: {} }
";

/// A browser where Ada is signed in, and what the application got.
pub(crate) struct SignedIn {
    pub(crate) browser: Browser,
    pub(crate) tokens: Value,
}

impl SignedIn {
    pub(crate) async fn at(world: &mut World) -> Self {
        let mut person = Person::new(ADA);
        let code = person.walk(world, "", &mut Calm).await.code();
        Self { browser: person.browser, tokens: exchange(world, &code).await.json() }
    }

    pub(crate) fn hint(&self) -> &str {
        self.tokens["id_token"].as_str().expect("an ID token")
    }

    /// Whether a click in the application signs in without a question.
    pub(crate) async fn has_session(&self, world: &World) -> bool {
        let answer = self.browser.clone().get(world, &authorize_path("")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        answer.location().is_some_and(|to| to.starts_with("https://app.example.com/callback?"))
    }

    pub(crate) async fn has_tokens(&self, world: &World) -> bool {
        let reads = userinfo(world, &self.tokens).await.status == StatusCode::OK;
        assert_eq!(refresh(world, &self.tokens).await.status == StatusCode::OK, reads);
        reads
    }
}

async fn world() -> (World, SignedIn) {
    serving(TENANT).await
}

pub(crate) async fn serving(manifests: &str) -> (World, SignedIn) {
    let mut world = World::serving(1, snapshot(manifests)).await;
    world.user(ADA).await;
    let signed_in = SignedIn::at(&mut world).await;
    (world, signed_in)
}

pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub(crate) fn logout(pairs: &[(&str, &str)]) -> String {
    format!("/oauth2/logout?{}", query(pairs))
}

/// Presses the button of the page that asks.
pub(crate) async fn says_yes(world: &World, browser: &mut Browser, page: &Answer) -> Answer {
    let form = page.form().unwrap_or_else(|| panic!("nothing to press: {page:?}"));
    let action = form.action.clone();
    browser.post(world, &action, &form.encoded()).await
}

/// Signs out at our own page.
async fn leaves(world: &World, browser: &mut Browser) {
    let asks = browser.get(world, "/oauth2/logout").await;
    let answer = says_yes(world, browser, &asks).await;
    assert!(followed(world, browser, answer).await.body.contains(SIGNED_OUT));
}

/// Where the browser ends up, by redirects and by pages that go on.
pub(crate) async fn followed(world: &World, browser: &mut Browser, mut answer: Answer) -> Answer {
    while let Some(path) = answer.location().filter(|to| to.starts_with('/')).map(str::to_owned) {
        answer = browser.get(world, &path).await;
    }
    answer
}

pub(crate) fn target(answer: &Answer) -> Option<String> {
    let refresh = answer.headers.get(REFRESH).map(|value| value.to_str().unwrap());
    let target = refresh.map(|refresh| refresh.split_once("url=").unwrap().1);
    target.or_else(|| answer.location()).map(str::to_owned)
}

/// What an application's request leads to.
#[derive(Debug, PartialEq, Eq)]
enum Leads {
    /// The session is over and the browser at this address.
    To(String),
    /// The session is over and the page says so.
    Out,
    /// The page asks, and after a yes the session is over.
    Asks,
}

async fn leads(path: &str) -> Leads {
    let (world, mut ada) = world().await;
    let path = path.replace("HINT", ada.hint());
    let answer = ada.browser.get(&world, &path).await;
    if answer.body.contains(ASKS) {
        assert!(ada.has_session(&world).await && ada.has_tokens(&world).await, "{path}");
        assert!(!answer.body.contains("id_token_hint"));
        let after = says_yes(&world, &mut ada.browser, &answer).await;
        assert!(after.body.contains(SIGNED_OUT) && target(&after).is_none(), "{path}: {after:?}");
        assert!(!ada.has_session(&world).await && !ada.has_tokens(&world).await, "{path}");
        return Leads::Asks;
    }
    assert!(!ada.has_session(&world).await && !ada.has_tokens(&world).await, "{path}");
    let cookie = answer.headers[SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("idflow-session=; ") && cookie.contains("Max-Age=0"), "{cookie}");
    target(&answer).map_or_else(
        || {
            assert!(answer.body.contains(SIGNED_OUT), "{answer:?}");
            Leads::Out
        },
        Leads::To,
    )
}

/// A module's name, the parameters of its request, and what that leads to.
type Row<'r> = (&'r str, &'r [(&'r str, &'r str)], Leads);

/// The modules of the official plan `oidcc-rp-initiated-logout-certification-test-plan`, by their names. The first one,
/// discovery, is the test below this.
#[tokio::test]
async fn o_37_the_official_cases_of_rp_initiated_logout() {
    let (hint, uri, state) = ("id_token_hint", "post_logout_redirect_uri", "state");
    let added = format!("{GOODBYE}?foo=bar");
    let modified = "HINT".to_owned() + "x";
    let rows: [Row<'_>; 10] = [
        (
            "rp-initiated-logout",
            &[(hint, "HINT"), (uri, GOODBYE), (state, "a b")],
            Leads::To(format!("{GOODBYE}?state=a+b")),
        ),
        (
            "bad-post-logout-redirect-uri",
            &[(hint, "HINT"), (uri, "https://evil.example/"), (state, "s")],
            Leads::Asks,
        ),
        (
            "query-added-to-post-logout-redirect-uri",
            &[(hint, "HINT"), (uri, &added), (state, "s")],
            Leads::Asks,
        ),
        // The suite takes an error or a question: a page that says what is wrong would help nobody.
        ("modified-id-token-hint", &[(hint, &modified), (uri, GOODBYE), (state, "s")], Leads::Asks),
        ("no-post-logout-redirect-uri", &[(hint, "HINT"), (state, "s")], Leads::Out),
        ("no-params", &[], Leads::Asks),
        ("only-state", &[(state, "s")], Leads::Asks),
        ("bad-id-token-hint", &[(hint, "garbage"), (uri, GOODBYE), (state, "s")], Leads::Asks),
        ("no-id-token-hint", &[(uri, GOODBYE), (state, "s")], Leads::Asks),
        ("no-state", &[(hint, "HINT"), (uri, GOODBYE)], Leads::To(GOODBYE.to_owned())),
    ];
    let mut wrong = String::new();
    for (module, pairs, wanted) in rows {
        let found = leads(&logout(pairs)).await;
        if found != wanted {
            writeln!(wrong, "{module}: {found:?} instead of {wanted:?}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test]
async fn o_37_the_metadata_names_where_to_sign_out_revoke_and_ask() {
    let world = World::new(1).await;
    let metadata = Browser::new().get(&world, "/.well-known/openid-configuration").await.json();
    for (name, path) in [
        ("end_session_endpoint", "/oauth2/logout"),
        ("revocation_endpoint", "/oauth2/revoke"),
        ("introspection_endpoint", "/oauth2/introspect"),
    ] {
        assert_eq!(metadata[name], format!("{ISSUER}{path}"));
    }
}

#[tokio::test]
async fn o_37_who_asks_must_be_whose_token_is_shown_and_registered() {
    let rows = [
        (vec![("client_id", "app"), ("id_token_hint", "HINT")], Leads::Out),
        (vec![("client_id", "other"), ("id_token_hint", "HINT")], Leads::Asks),
        (vec![("client_id", "unknown")], Leads::Asks),
        (
            vec![("client_id", "app"), ("post_logout_redirect_uri", "https://app.example.com/goodbye/")],
            Leads::Asks,
        ),
        (vec![("client_id", "app"), ("client_id", "app")], Leads::Asks),
    ];
    for (pairs, wanted) in rows {
        assert_eq!(leads(&logout(&pairs)).await, wanted, "{pairs:?}");
    }
}

#[tokio::test]
async fn o_37_a_hint_that_cannot_be_verified_is_none() {
    let (mut world, mut ada) = world().await;
    // Its key was rotated out long ago.
    let hint = ada.hint().to_owned();
    world.change_signing_keys().await;
    for (client, leads) in [(None, None), (Some("app"), Some(format!("{GOODBYE}?state=s")))] {
        let mut pairs =
            vec![("id_token_hint", &*hint), ("post_logout_redirect_uri", GOODBYE), ("state", "s")];
        pairs.extend(client.map(|client| ("client_id", client)));
        let page = ada.browser.get(&world, &logout(&pairs)).await;
        assert!(page.body.contains(ASKS) && ada.has_session(&world).await, "{client:?}: {page:?}");
        let after = says_yes(&world, &mut ada.browser, &page).await;
        assert_eq!((after.status, target(&after)), (StatusCode::OK, leads), "{client:?}");
        assert!(!ada.has_session(&world).await, "{client:?}");
        ada = SignedIn::at(&mut world).await;
    }
    let evil = [
        ("id_token_hint", &*hint),
        ("client_id", "app"),
        ("post_logout_redirect_uri", "https://evil.example/"),
    ];
    let asks = ada.browser.get(&world, &logout(&evil)).await;
    assert!(asks.body.contains(ASKS) && !asks.body.contains("evil.example"), "{asks:?}");
    let posted = Browser::new().post(&world, "/oauth2/logout", &query(&[("id_token_hint", "garbage")])).await;
    let page = followed(&world, &mut ada.browser, posted).await;
    assert!(page.body.contains(ASKS) && ada.has_session(&world).await, "{page:?}");
    // A sign-in that names the person by such a hint goes on as well, and by itself signs in nobody.
    let begun = ada.browser.get(&world, &authorize_path(&format!("&id_token_hint={hint}"))).await;
    assert!(begun.location().is_some_and(|to| to.starts_with("/journeys/")), "{begun:?}");
}

#[tokio::test]
async fn o_37_after_a_yes_the_browser_goes_where_the_application_says() {
    let (world, mut ada) = world().await;
    let path = logout(&[("client_id", "app"), ("post_logout_redirect_uri", GOODBYE), ("state", "s")]);
    let page = ada.browser.get(&world, &path).await;
    assert!(page.body.contains(ASKS), "{page:?}");
    let after = says_yes(&world, &mut ada.browser, &page).await;
    // A redirect would be stopped by the form-action of the page before.
    assert_eq!((after.status, target(&after)), (StatusCode::OK, Some(format!("{GOODBYE}?state=s"))));
    assert!(!ada.has_session(&world).await);
}

#[tokio::test]
async fn o_37_an_expired_hint_is_one_and_a_session_that_is_over_needs_none() {
    let (world, mut ada) = world().await;
    world.pass(Span::hours(3));
    let path = logout(&[("id_token_hint", ada.hint()), ("post_logout_redirect_uri", GOODBYE)]);
    for _ in 0..2 {
        let answer = ada.browser.get(&world, &path).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, Some(GOODBYE)));
    }
    assert!(!ada.has_session(&world).await);
}

/// How somebody whose session has run out signs out.
#[derive(Debug, Clone, Copy)]
enum Late {
    ByHint,
    ByPostedHint,
    ByAsking,
    AfterAnotherSignIn,
}

#[tokio::test]
async fn o_37_what_a_session_gave_ends_also_when_the_session_has_run_out() {
    use Late::{AfterAnotherSignIn, ByAsking, ByHint, ByPostedHint};
    let idle = [ByHint, ByPostedHint, ByAsking, AfterAnotherSignIn].map(|how| (Span::hours(5), how));
    let over = [ByHint, ByPostedHint].map(|how| (Span::hours(9), how));
    for (passed, how) in idle.into_iter().chain(over) {
        let (mut world, mut ada) = world().await;
        world.pass(passed);
        let tokens = refresh(&world, &ada.tokens).await.json();
        let first = SignedIn { browser: ada.browser.clone(), tokens };
        assert!(
            !ada.has_session(&world).await && userinfo(&world, &first.tokens).await.status == StatusCode::OK
        );
        let hinted = [("id_token_hint", ada.hint())];
        match how {
            ByHint => assert!(ada.browser.get(&world, &logout(&hinted)).await.body.contains(SIGNED_OUT)),
            ByPostedHint => {
                let posted = Browser::new().post(&world, "/oauth2/logout", &query(&hinted)).await;
                let page = followed(&world, &mut ada.browser, posted).await;
                assert!(page.body.contains(SIGNED_OUT) || page.body.contains(ASKS), "{page:?}");
            }
            ByAsking => leaves(&world, &mut ada.browser).await,
            AfterAnotherSignIn => {
                let mut person = Person::at(ada.browser.clone(), ADA);
                person.walk(&mut world, "", &mut Calm).await.code();
                leaves(&world, &mut person.browser).await;
            }
        }
        assert!(!first.has_tokens(&world).await, "{how:?} after {passed:?}");
    }
}

#[tokio::test]
async fn o_37_a_hint_ends_nothing_of_a_session_that_lives_in_another_browser() {
    let (world, ada) = world().await;
    let hinted = [("id_token_hint", ada.hint())];
    let mut other = Browser::new();
    assert!(other.get(&world, &logout(&hinted)).await.body.contains(SIGNED_OUT));
    other.post(&world, "/oauth2/logout", &query(&hinted)).await;
    assert!(ada.has_session(&world).await && ada.has_tokens(&world).await);
}

#[tokio::test]
async fn o_37_whoever_ends_their_own_sessions_at_somebody_elses_browser_ends_theirs_too_and_both_are_recorded()
 {
    let mut world = World::serving(1, snapshot(&format!("{TENANT}{ALL_MINE}"))).await;
    let (ada, bob) = (world.user(ADA).await, world.user("bob@example.com").await);
    let elsewhere = SignedIn::at(&mut world).await;
    let mut person = Person::new("bob@example.com");
    person.walk(&mut world, "", &mut Calm).await.code();
    person = Person::at(person.browser, ADA);
    let start = person.browser.get(&world, "/flows/all-mine").await;
    person.answers(&world, start.location().unwrap(), 1).await;
    assert!(!elsewhere.has_tokens(&world).await);
    let events = world.events.all.lock().unwrap();
    let ended: Vec<_> = events.iter().filter(|event| event.name == "session.ended").collect();
    let told =
        |user| ended.iter().find(|event| event.user == Some(user)).and_then(|event| event.outcome.clone());
    assert_eq!(
        (ended.len(), told(bob).as_deref(), told(ada).as_deref()),
        (2, Some("browser"), Some("everywhere"))
    );
}

#[tokio::test]
async fn o_37_a_hint_of_another_session_only_asks() {
    let (mut world, mut ada) = world().await;
    let elsewhere = SignedIn::at(&mut world).await;
    let answer = ada.browser.get(&world, &logout(&[("id_token_hint", elsewhere.hint())])).await;
    assert!(answer.body.contains(ASKS), "{answer:?}");
    assert!(ada.has_session(&world).await && elsewhere.has_session(&world).await);
    says_yes(&world, &mut ada.browser, &answer).await;
    assert!(
        !ada.has_session(&world).await
            && elsewhere.has_session(&world).await
            && elsewhere.has_tokens(&world).await
    );
}

#[tokio::test]
async fn o_37_an_applications_post_is_made_again_as_a_get_without_its_token() {
    let (world, mut ada) = world().await;
    let body = query(&[("id_token_hint", ada.hint()), ("post_logout_redirect_uri", GOODBYE), ("state", "s")]);
    // As a browser sends a post of another site: without our cookie.
    let posted = Browser::new().post(&world, "/oauth2/logout", &body).await;
    let again = posted.location().unwrap().to_owned();
    assert_eq!(posted.status, StatusCode::SEE_OTHER);
    assert!(!again.contains(ada.hint()) && !again.contains("id_token_hint"), "{again}");
    let answer = Browser::new().get(&world, &again).await;
    assert_eq!(answer.headers[LOCATION], format!("{GOODBYE}?state=s"), "whoever is not signed in");
    assert!(ada.has_session(&world).await);
    let answer = ada.browser.get(&world, &again).await;
    assert_eq!(answer.headers[LOCATION], format!("{GOODBYE}?state=s"));
    assert!(!ada.has_session(&world).await && !ada.has_tokens(&world).await);
}

#[tokio::test]
async fn o_37_a_yes_counts_only_from_our_page_for_this_session_and_this_request() {
    let (mut world, mut ada) = world().await;
    let mut elsewhere = SignedIn::at(&mut world).await;
    let page = elsewhere.browser.get(&world, "/oauth2/logout").await;
    let form = page.form().unwrap();
    let foreign = ada.browser.post(&world, "/oauth2/logout", &form.encoded()).await;
    assert!(foreign.body.contains(ASKS), "another session's: {foreign:?}");
    let page = ada.browser.get(&world, "/oauth2/logout").await;
    let body = page.form().unwrap().encoded();
    let path = logout(&[("client_id", "app"), ("post_logout_redirect_uri", GOODBYE)]);
    let other = ada.browser.post(&world, &path, &body).await;
    assert!(other.body.contains(ASKS), "another request's: {other:?}");
    let mut request = ada.browser.post_request("/oauth2/logout", &body);
    request.headers_mut().insert(ORIGIN, "https://evil.example".parse().unwrap());
    let answer = world.send(request).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "another origin's");
    assert!(ada.has_session(&world).await && elsewhere.has_session(&world).await);
}

#[tokio::test]
async fn o_37_nothing_half_ends_when_the_store_does_not_answer() {
    let (world, mut ada) = world().await;
    let path = logout(&[("id_token_hint", ada.hint())]);
    for at in 0..8 {
        world.storage.fail_at(at, Fault::Before);
        let answer = ada.browser.get(&world, &path).await;
        if answer.status == StatusCode::OK {
            assert!(at >= 2, "read and write");
            world.storage.fail_at(u64::MAX, Fault::Before);
            assert!(!ada.has_session(&world).await && !ada.has_tokens(&world).await);
            return;
        }
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(!answer.headers.contains_key(SET_COOKIE), "the browser keeps what has not ended");
        assert!(
            ada.has_session(&world).await && userinfo(&world, &ada.tokens).await.status == StatusCode::OK
        );
    }
    panic!("never signed out");
}

#[tokio::test]
async fn o_37_a_code_that_nobody_exchanged_yet_is_worth_nothing_after_signing_out() {
    let (world, mut ada) = world().await;
    let answer = ada.browser.get(&world, &authorize_path("")).await;
    let code = answer.code().unwrap();
    ada.browser.get(&world, &logout(&[("id_token_hint", ada.hint())])).await;
    assert_eq!(exchange(&world, &code).await.json()["error"], "invalid_grant");
    let names: Vec<String> =
        world.events.all.lock().unwrap().iter().map(|event| event.name.clone()).collect();
    assert!(names.iter().any(|name| name == "session.ended"), "{names:?}");
}

#[tokio::test]
async fn o_37_a_logout_flow_ends_the_session_at_once_where_the_application_shows_a_hint() {
    let (world, mut ada) = serving(&format!("{TENANT}{FLOWS}")).await;
    let path =
        logout(&[("id_token_hint", ada.hint()), ("post_logout_redirect_uri", GOODBYE), ("state", "s")]);
    let answer = ada.browser.get(&world, &path).await;
    let cookies = answer.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap());
    assert!(cookies.into_iter().any(|cookie| cookie.starts_with("idflow-session=;")), "{answer:?}");
    let last = followed(&world, &mut ada.browser, answer).await;
    assert_eq!(target(&last), Some(format!("{GOODBYE}?state=s")));
    assert!(!ada.has_session(&world).await && !ada.has_tokens(&world).await);
}

#[tokio::test]
async fn o_37_a_logout_flow_asks_whoever_only_followed_a_link() {
    for path in ["/oauth2/logout", "/flows/sign-out"] {
        let (world, mut ada) = serving(&format!("{TENANT}{FLOWS}")).await;
        let answer = ada.browser.get(&world, path).await;
        let at = answer.location().unwrap().to_owned();
        let page = followed(&world, &mut ada.browser, answer).await;
        assert!(page.body.contains(ASKS), "{path}: {page:?}");
        assert!(ada.has_session(&world).await && ada.has_tokens(&world).await, "{path}");
        let after = ada.browser.post(&world, &at, &page.form().unwrap().encoded()).await;
        let last = followed(&world, &mut ada.browser, after).await;
        assert!(last.body.contains("Come back soon"), "{path}: {last:?}");
        assert!(!ada.has_session(&world).await && !ada.has_tokens(&world).await, "{path}");
    }
}

#[tokio::test]
async fn o_37_an_application_may_name_its_logout_flow_and_one_that_is_not_served_keeps_nobody() {
    let named = |flow: &str| {
        format!("{TENANT}{FLOWS}").replacen(
            "  allowedOrigins: [https://app.example.com]",
            &format!("  flows: {{ logout: {flow} }}\n  allowedOrigins: [https://app.example.com]"),
            1,
        )
    };
    let (mut world, mut ada) = serving(&named("everywhere")).await;
    let elsewhere = SignedIn::at(&mut world).await;
    let answer = ada.browser.get(&world, &logout(&[("id_token_hint", ada.hint())])).await;
    followed(&world, &mut ada.browser, answer).await;
    assert!(!ada.has_session(&world).await && !elsewhere.has_session(&world).await);
    assert!(!elsewhere.has_tokens(&world).await);

    let mut next = world.snapshot.clone();
    next.flows.retain(|flow| flow.type_ != FlowType::Logout);
    world.install(next);
    let mut ada = SignedIn::at(&mut world).await;
    let answer = ada.browser.get(&world, &logout(&[("id_token_hint", ada.hint())])).await;
    assert!(answer.body.contains(SIGNED_OUT), "{answer:?}");
    assert!(!ada.has_session(&world).await);
}

#[tokio::test]
async fn whoever_merely_types_a_name_signs_nobody_out() {
    let (world, ada) = serving(&format!("{TENANT}{FLOWS}")).await;
    let mut stranger = Person::new(ADA);
    let start = stranger.browser.get(&world, "/flows/somebody").await;
    let path = start.location().expect("a journey");
    let body = stranger.filling(&world, path).await;
    assert_eq!(stranger.browser.post(&world, path, &body).await.status, StatusCode::SEE_OTHER);
    assert!(ada.has_session(&world).await && ada.has_tokens(&world).await);
}

#[tokio::test]
async fn the_front_door_lets_people_sign_out() {
    let (world, mut ada) = world().await;
    let home = ada.browser.get(&world, "/").await;
    assert!(home.body.contains("href=\"/oauth2/logout\"") && home.body.contains("Sign out"), "{home:?}");
    let page = ada.browser.get(&world, "/oauth2/logout").await;
    let after = says_yes(&world, &mut ada.browser, &page).await;
    assert!(after.body.contains(SIGNED_OUT) && after.body.contains("/flows/sign-in"), "{after:?}");
    assert!(ada.browser.get(&world, "/").await.body.contains("You are not signed in"));
}

fn given_back(token: &str) -> String {
    query(&[("client_id", "app"), ("token", token)])
}

#[tokio::test]
async fn o_33_either_token_takes_the_whole_sign_in_along_and_an_unknown_one_is_200() {
    for name in ["refresh_token", "access_token"] {
        let (world, ada) = world().await;
        let token = ada.tokens[name].as_str().unwrap();
        let forged = format!("{}x", &token[..token.len() - 1]);
        let answer = Browser::new().post(&world, "/oauth2/revoke", &given_back(&forged)).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}");
        if name == "access_token" {
            assert_eq!(userinfo(&world, &ada.tokens).await.status, StatusCode::OK);
        }
        for _ in 0..2 {
            let answer = Browser::new().post(&world, "/oauth2/revoke", &given_back(token)).await;
            assert_eq!(
                (answer.status, answer.headers["cache-control"].to_str().unwrap()),
                (StatusCode::OK, "no-store")
            );
        }
        assert!(!ada.has_tokens(&world).await, "{name}");
        assert!(ada.has_session(&world).await, "the person stays signed in");
    }
}

#[tokio::test]
async fn o_33_a_store_fault_during_revocation_is_503() {
    let (world, ada) = world().await;
    let body = given_back(ada.tokens["refresh_token"].as_str().unwrap());
    for at in 0..8 {
        world.storage.fail_at(at, Fault::Before);
        let answer = Browser::new().post(&world, "/oauth2/revoke", &body).await;
        if answer.status == StatusCode::OK {
            assert!(at >= 2, "read and write were tried");
            world.storage.fail_at(u64::MAX, Fault::Before);
            assert!(!ada.has_tokens(&world).await);
            return;
        }
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers.contains_key("retry-after"));
        assert_eq!(userinfo(&world, &ada.tokens).await.status, StatusCode::OK, "still alive, and said so");
    }
    panic!("never revoked");
}

#[tokio::test]
async fn j_11_head_ends_nothing() {
    let (world, ada) = world().await;
    let path = logout(&[("id_token_hint", ada.hint())]);
    let request = ada.browser.request(Method::HEAD, &path).body(axum::body::Body::empty()).unwrap();
    assert_eq!(world.send(request).await.status, StatusCode::OK);
    assert!(ada.has_session(&world).await);
}

#[tokio::test]
async fn the_page_of_a_sign_in_says_whether_it_still_holds() {
    let world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, "").await;
    person.answers(&world, &path, 3).await;
    let code = person.browser.get(&world, &path).await.code().unwrap();
    assert_eq!(exchange(&world, &code).await.status, StatusCode::OK);
    let again = person.browser.get(&world, &path).await;
    assert!(again.body.contains("You are signed in"), "{}", again.body);
    leaves(&world, &mut person.browser).await;
    let again = person.browser.get(&world, &path).await;
    assert!(again.body.contains(SIGNED_OUT), "{}", again.body);
}
