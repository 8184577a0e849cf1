//! L-1: nothing that a visitor or an application sends or is given in confidence reaches the log.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

use axum::body::Body;
use http::Method;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::no_double_effect::to_the_code;
use crate::person::{Calm, Person};
use crate::visitor::{Browser, authorize_path, exchange, redeem, userinfo};
use crate::world::{PASSWORD, TENANT, World, snapshot};

const ADA: &str = "ada@example.com";
const CANARY: &str = "canary7391";

thread_local! {
    /// The log of the test that runs on this thread, if it wants to see one.
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.get_or_insert_default().extend(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes down everything that is logged on this thread from now on. The subscriber is the process's, because tests on
/// other threads decide otherwise which events exist.
pub(crate) fn record() {
    static INSTALLED: Once = Once::new();
    LINES.set(Some(Vec::new()));
    INSTALLED.call_once(|| {
        let wanted = dynamic_filter_fn(|_, _| LINES.with_borrow(Option::is_some));
        let lines =
            tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| Lines).with_filter(wanted);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines)).unwrap();
    });
}

/// What was written down, which ends it.
pub(crate) fn taken() -> String {
    String::from_utf8(LINES.take().expect("a log")).unwrap()
}

/// Canaries in every place a request has.
async fn send_canaries(world: &World) {
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(world, &format!("&login_hint={CANARY}&unknown={CANARY}")).await;
    let page = person.browser.get(world, &format!("{path}?{CANARY}={CANARY}")).await;
    let form = page.form().unwrap().fill("username", CANARY).fill("password", CANARY);
    person.browser.post(world, &path, &format!("{}&{CANARY}={CANARY}", form.encoded())).await;
    person.browser.post(world, &path, &format!("token={CANARY}&{CANARY}")).await;
    let mut browser = Browser { agent: CANARY.to_owned(), ..Browser::new() };
    browser.cookies.insert(format!("idflow-{CANARY}"), CANARY.to_owned());
    browser.cookies.insert("idflow-session".to_owned(), format!("AAAAAAAAAAAAAAAAAAAAAA.{CANARY}"));
    for path in [
        "/",
        "/flows/",
        "/journeys/",
        "/oauth2/authorize?client_id=",
        "/oauth2/authorize?client_id=app&redirect_uri=",
    ] {
        browser.get(world, &format!("{path}{CANARY}")).await;
    }
    for body in [
        "code=",
        "grant_type=authorization_code&client_id=app&code=",
        "client_secret=",
        "grant_type=client_credentials&client_id=app&client_secret=",
        "grant_type=refresh_token&client_id=app&refresh_token=",
    ] {
        browser.post(world, "/oauth2/token", &format!("{body}{CANARY}")).await;
    }
    for scheme in ["Bearer", "Basic", CANARY] {
        let request = browser
            .request(Method::GET, "/oauth2/userinfo")
            .header("authorization", format!("{scheme} {CANARY}"));
        world.send(request.body(Body::empty()).unwrap()).await;
    }
    let method = Method::from_bytes(CANARY.as_bytes()).unwrap();
    world.send(browser.request(method, "/").body(Body::empty()).unwrap()).await;
}

#[tokio::test]
async fn l_1_the_log_has_a_line_for_every_request_and_no_secret_in_it() {
    record();
    let mut world = World::new(1).await;
    world.user(ADA).await;
    send_canaries(&world).await;
    let mut person = Person::new(ADA);
    to_the_code(&world, &mut person).await;
    let arrival = person.walk(&mut world, "", &mut Calm).await;
    let tokens = exchange(&world, &arrival.code()).await.json();
    userinfo(&world, &tokens).await;
    exchange(&world, &arrival.code()).await;
    world.storage.fail_often(1, 500);
    send_faulty(&world, &person).await;
    let log = taken();
    assert!(log.contains("route=\"/journeys/{id}\"") && log.contains("route=\"/oauth2/token\""), "{log}");
    let mut secrets = vec![CANARY.to_owned(), PASSWORD.to_owned(), arrival.code(), ADA.to_owned()];
    secrets.extend(person.browser.cookies.values().cloned());
    secrets.extend(world.mails.code_for(ADA));
    secrets.extend(
        ["access_token", "refresh_token", "id_token"].map(|name| tokens[name].as_str().unwrap().to_owned()),
    );
    let events = world.events.all.lock().unwrap().clone();
    let audit: String = events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect();
    world.storage.heal();
    // What executors report becomes the status of Flows, clients and Directories.
    let report = format!("{:?}\n{}", world.report(), world.second("/revisions").await.body);
    let metrics = world.second("/metrics").await.body;
    let stored: String = world
        .stored_events()
        .await
        .iter()
        .map(|event| serde_json::to_string(event).unwrap() + "\n")
        .collect();
    assert!(audit.lines().count() > 3 && stored.lines().count() > 3, "{audit}{stored}");
    assert!(report.contains("revisions") && report.contains("\"refusals\":{\"app\""), "{report}");
    assert!(
        metrics.contains("idflow_clients_refused_total{") && metrics.contains("idflow_grant_events_total{")
    );
    let sinks = [
        ("log", &log),
        ("audit", &audit),
        ("stored audit", &stored),
        ("report", &report),
        ("metrics", &metrics),
    ];
    for (form, secret) in secrets.iter().flat_map(|secret| disguised(secret)) {
        for (sink, text) in sinks {
            let line = text.lines().find(|line| line.contains(&secret));
            assert!(line.is_none(), "{form} {secret} in the {sink}: {}", line.unwrap());
        }
    }
}

const FAILING: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: OIDCClient
metadata: { name: failing }
spec:
  redirectURIs: [https://app.example.com/callback]
  authentication: None
  claims: [{ name: late, value: session.nothing }]
";

#[tokio::test]
async fn a_claim_that_fails_is_told_once_for_each_registration_and_to_nobody_who_is_no_client() {
    record();
    let manifests = format!("{TENANT}{FAILING}");
    let mut world = World::serving(1, snapshot(&manifests)).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    person.walk(&mut world, "", &mut Calm).await;
    let path = authorize_path("").replace("client_id=app", "client_id=failing");
    let told = async |world: &World, person: &mut Person| {
        LINES.set(Some(Vec::new()));
        let code = person.browser.get(world, &path).await.code().expect("a code");
        assert_eq!(redeem(world, "app", &code).await.status, http::StatusCode::BAD_REQUEST);
        let stolen = format!(
            "grant_type=authorization_code&client_id=failing&code={code}&code_verifier={}&redirect_uri={}",
            "x".repeat(43),
            "https%3A%2F%2Fapp.example.com%2Fcallback"
        );
        let refused = Browser::new().post(world, "/oauth2/token", &stolen).await;
        assert!(refused.body.contains("invalid_grant"), "{}", refused.body);
        let lines = || String::from_utf8(LINES.with_borrow(|lines| lines.clone().unwrap())).unwrap();
        let count = |log: &str| log.lines().filter(|line| line.contains("is not told of a claim")).count();
        assert_eq!(count(&lines()), 0, "nothing is computed for who is not the client");
        let tokens = redeem(world, "failing", &code).await.json();
        userinfo(world, &tokens).await;
        count(&lines())
    };
    assert_eq!(told(&world, &mut person).await, 1);
    assert_eq!(told(&world, &mut person).await, 0);
    world.install(snapshot(&manifests));
    assert_eq!(told(&world, &mut person).await, 0, "nothing about it has changed");
    world.install(snapshot(&manifests.replace("session.nothing", "session.other")));
    assert_eq!(told(&world, &mut person).await, 1, "it is another registration");
    LINES.take();
}

/// A secret as it may be written down: as it is, backwards, and in the usual encodings.
fn disguised(secret: &str) -> Vec<(&'static str, String)> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let escaped = secret.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    vec![
        ("plain", secret.to_owned()),
        ("backwards", secret.chars().rev().collect()),
        ("base64", STANDARD_NO_PAD.encode(secret)),
        ("base64url", URL_SAFE_NO_PAD.encode(secret)),
        ("hex", hex.to_uppercase()),
        ("hex", hex),
        ("url-encoded", escaped.collect()),
    ]
}

/// What would make a log say what nobody did: line breaks, terminal sequences, marks that turn a line around.
const INJECTIONS: [&str; 6] = [
    "\r\n2026-01-01T00:00:00Z  INFO forged7391",
    "\n{\"level\":\"INFO\",\"forged7391\":1}",
    "\u{1b}[2Jforged7391",
    "\u{202e}1937degrof",
    "\u{0}forged7391",
    "\u{9b}31mforged7391",
];

#[tokio::test]
async fn l_3_nothing_that_is_sent_writes_a_line_of_its_own() {
    record();
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    for text in INJECTIONS {
        let encoded = text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        let raw: String = text.chars().filter(|c| !matches!(c, '\r' | '\n' | '\0')).collect();
        let path = person.browser.authorize(&world, "").await;
        let hinted = format!("&login_hint={encoded}&state={encoded}");
        Browser::new().get(&world, &authorize_path(&hinted)).await;
        let mut browser = Browser { agent: raw.replace('\u{1b}', ""), ..Browser::new() };
        browser.post(&world, &path, &format!("username={encoded}&password={encoded}&token={encoded}")).await;
        for address in [
            "/",
            "/flows/",
            "/journeys/",
            "/oauth2/authorize?client_id=",
            "/oauth2/authorize?client_id=app&redirect_uri=",
        ] {
            browser.get(&world, &format!("{address}{encoded}")).await;
        }
        for body in [
            "grant_type=",
            "grant_type=authorization_code&client_id=app&code=",
            "client_id=",
            "grant_type=refresh_token&client_id=app&refresh_token=",
        ] {
            browser.post(&world, "/oauth2/token", &format!("{body}{encoded}")).await;
        }
    }
    person.walk(&mut world, "", &mut Calm).await;
    let log = taken();
    let events = world.events.all.lock().unwrap();
    let audit: String = events.iter().map(|event| serde_json::to_string(event).unwrap() + "\n").collect();
    assert!(log.lines().count() > 20 && audit.lines().count() > 3);
    let commands = |c: char| {
        c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    for line in log.lines().chain(audit.lines()) {
        assert!(!line.contains(commands), "{line:?}");
        assert!(
            !line.trim_start().starts_with("forged7391") && !line.starts_with("2026-01-01T00:00:00Z"),
            "{line:?}"
        );
        assert!(!line.starts_with("{\"level\""), "{line:?}");
    }
}

async fn send_faulty(world: &World, person: &Person) {
    for _ in 0..10 {
        person.browser.clone().get(world, "/").await;
        person.browser.clone().get(world, &authorize_path("")).await;
    }
}
