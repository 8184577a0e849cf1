//! What somebody does who has typed `make demo`: create an account in the demo application, then sign in with it.
//! `visit-demo SECONDS` waits as long for the demo to come up.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a panic is the failure report of this program, which runs on the real clock"
)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use idflow_test_support::browser::Browser;
use idflow_test_support::dev::{code_in, get};
use idflow_test_support::person::Person;
use idflow_test_support::wait;
use serde_json::Value;

/// The addresses that `make demo` prints.
const DEMO: &str = "http://127.0.0.1:8081";
const MAILS: &str = "http://127.0.0.1:8080/dev/mail.json";

fn main() {
    let limit = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let limit = Duration::from_secs(limit.expect("usage: visit-demo SECONDS"));
    wait::until(limit, "make demo serves", || Browser::default().open(DEMO).map(drop));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_millis();
    let address = format!("newcomer.{now}@example.com");
    println!("created an account   {}", visit(&address, 0, "Create an account"));
    println!("signed in with it    {}", visit(&address, 1, "Sign in"));
}

/// Goes from the demo application's link through a journey back to it, and returns its greeting. `seen` codes were read
/// before.
fn visit(address: &str, mut seen: usize, link: &str) -> String {
    let mut browser = Browser::stopping_at(&format!("{DEMO}/callback"));
    let start = browser.open(DEMO).expect("the demo").page();
    let arrival = browser.open(start.link(link).as_str()).expect("the first page");
    let code = || {
        seen += 1;
        mailed_code(address, seen)
    };
    let password = "correct horse battery 1".to_owned();
    let mut person = Person { address: address.to_owned(), password, code: Box::new(code) };
    let callback = person.walk(&mut browser, arrival).expect("the journey");
    let page = browser.get(&callback).expect("the demo");
    let text = page.text();
    assert!(page.status() == 200 && text.contains("Hello, "), "{text}");
    let greeting = text.split("<h1>").nth(1).and_then(|rest| rest.split('<').next());
    greeting.unwrap_or_default().to_owned()
}

/// The code of the mail number `number` to an address.
fn mailed_code(address: &str, number: usize) -> String {
    wait::until(Duration::from_secs(10), &format!("mail number {number} to {address}"), || {
        let mails = get(MAILS)?;
        let is_theirs = |mail: &&Value| mail["to"].as_str().is_some_and(|to| to.contains(address));
        let own: Vec<&Value> = mails.as_array().into_iter().flatten().filter(is_theirs).collect();
        let newest =
            own.first().filter(|_| own.len() >= number).and_then(|mail| code_in(mail["text"].as_str()?));
        newest.ok_or_else(|| format!("{} mails", own.len()))
    })
}
