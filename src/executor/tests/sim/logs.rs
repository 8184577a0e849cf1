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
use crate::visitor::{Browser, exchange, userinfo};
use crate::world::{PASSWORD, World};

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
fn record() {
    static INSTALLED: Once = Once::new();
    LINES.set(Some(Vec::new()));
    INSTALLED.call_once(|| {
        let wanted = dynamic_filter_fn(|_, _| LINES.with_borrow(Option::is_some));
        let lines =
            tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| Lines).with_filter(wanted);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines)).unwrap();
    });
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
    let log = String::from_utf8(LINES.take().expect("a log")).unwrap();
    assert!(log.contains("route=\"/journeys/{id}\"") && log.contains("route=\"/oauth2/token\""), "{log}");
    let mut secrets = vec![CANARY.to_owned(), PASSWORD.to_owned(), arrival.code(), ADA.to_owned()];
    secrets.extend(person.browser.cookies.values().cloned());
    secrets.extend(world.mails.code_for(ADA));
    secrets.extend(
        ["access_token", "refresh_token", "id_token"].map(|name| tokens[name].as_str().unwrap().to_owned()),
    );
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(&secret));
        assert!(line.is_none(), "{secret} in: {}", line.unwrap());
    }
}

async fn send_faulty(world: &World, person: &Person) {
    for _ in 0..10 {
        person.browser.clone().get(world, "/").await;
        person.browser.clone().get(world, &crate::visitor::authorize_path("")).await;
    }
}
