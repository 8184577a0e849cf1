//! The tutorial of README.md as somebody with one browser follows it: through the demo application's own links.

use std::time::Duration;

use idflow_test_support::browser::{Arrival, Browser, Page};
use idflow_test_support::dev::Dev;
use idflow_test_support::person::Person;
use idflow_test_support::{repository, wait};
use url::Url;

const ADDRESS: &str = "ada@example.org";

struct Newcomer<'a> {
    dev: &'a Dev,
    browser: Browser,
    person: Person<'a>,
}

impl<'a> Newcomer<'a> {
    fn of(dev: &'a Dev) -> Self {
        let mut seen = 0;
        let code = move || {
            seen += 1;
            dev.code_for(ADDRESS, seen - 1)
        };
        let password = "correct horse battery 1".to_owned();
        let person = Person { address: ADDRESS.to_owned(), password, code: Box::new(code) };
        Self { dev, browser: Browser::stopping_at(&format!("{}/callback", dev.demo)), person }
    }

    fn start_page(&mut self) -> Page {
        self.browser.open(&self.dev.demo).expect("the demo").page()
    }

    /// What the issuer's own address says.
    fn at_the_issuer(&mut self) -> String {
        self.browser.open(&self.dev.origin).expect("the issuer").page().text()
    }

    fn click(&mut self, page: &Page, link: &str) -> Arrival {
        self.browser.open(page.link(link).as_str()).expect("an answer")
    }

    /// What the application shows once the browser is sent back to it.
    fn back(&mut self, callback: &Url) -> Page {
        let page = self.browser.get(callback).expect("the demo");
        assert!(
            page.status() == 200 && page.text().contains("<h1>Hello, Ada Lovelace</h1>"),
            "{}",
            page.text()
        );
        page
    }

    fn finish(&mut self, arrival: Arrival) -> Page {
        let callback = self.person.walk(&mut self.browser, arrival).expect("the journey");
        self.back(&callback)
    }
}

#[test]
fn one_browser_creates_an_account_signs_in_and_sees_an_edit_reach_the_next_sign_in_only() {
    let data = tempfile::tempdir().expect("a folder");
    let quickstart = repository::path("examples/quickstart");
    let dev = Dev::start(env!("CARGO_BIN_EXE_idflow"), &quickstart, data.path(), &[]);
    let mut ada = Newcomer::of(&dev);

    assert!(ada.at_the_issuer().contains("You are not signed in"));
    let start = ada.start_page();
    let sign_up = ada.click(&start, "Create an account");
    ada.finish(sign_up);
    assert!(ada.at_the_issuer().contains("You are signed in"));
    let start = ada.start_page();
    let callback = ada.click(&start, "Sign in").left();
    let hello = ada.back(&callback);

    let open = ada.click(&hello, "Sign in again").page();
    assert!(open.text().contains("current-password"), "the sign-in is shown although there is a session");
    let file = dev.folder.path().join("sign-in.yaml");
    let text = std::fs::read_to_string(&file).expect("the flow");
    assert_eq!(text.matches("next: code\n").count(), 1);
    std::fs::write(&file, text.replace("next: code\n", "next: done\n")).expect("the flow");
    wait::until(Duration::from_secs(10), "the edit runs", || {
        let is_served = |line: &String| line.starts_with("revision  sign-in@");
        let revisions = dev.process.lines().iter().filter(|line| is_served(line)).count();
        if revisions == 2 { Ok(()) } else { Err(dev.process.log()) }
    });
    let form = ada.person.fill(&open);
    let code = ada.browser.submit(&open, &form).expect("the open journey").page();
    assert!(code.text().contains("one-time-code"), "the open journey asks for the code: {}", code.text());
    let hello = ada.finish(Arrival::Page(code));

    let next = ada.click(&hello, "Sign in again").page();
    let form = ada.person.fill(&next);
    let callback = ada.browser.submit(&next, &form).expect("the next journey").left();
    ada.back(&callback);
}

#[test]
fn an_applications_folder_is_served_together_with_the_quickstart() {
    let data = tempfile::tempdir().expect("a folder");
    let (quickstart, example) =
        (repository::path("examples/quickstart"), repository::path("examples/clients/go-oidc"));
    let ask = |more: &[&str]| {
        let dev = Dev::start(env!("CARGO_BIN_EXE_idflow"), &quickstart, data.path(), more);
        let asked = "client_id=go-oidc&redirect_uri=http%3A%2F%2F127.0.0.1%3A9015%2Fcallback";
        let mut browser = Browser::stopping_at("http://127.0.0.1:9015/");
        browser.open(&format!("{}/oauth2/authorize?{asked}", dev.origin)).expect("an answer")
    };
    assert_eq!(ask(&[]).page().status(), 400, "nobody knows it");
    let told = ask(&[example.to_str().expect("a path")]).left();
    assert!(told.query().is_some_and(|query| query.contains("error=")), "{told}");
}
