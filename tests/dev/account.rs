//! `examples/account` beside the quickstart: people who change what is known of them, each flow to each of its ends.

use std::process::Command;

use idflow_test_support::browser::{Browser, Page};
use idflow_test_support::dev::Dev;
use idflow_test_support::{repository, wait};

use crate::SOON;

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";
const PASSWORD: &str = "correct horse battery";
const OTHER: &str = "a pair of new shoes";

struct Account {
    dev: Dev,
    _data: tempfile::TempDir,
}

/// Whoever knows this, at a browser of their own.
struct Visit<'a> {
    dev: &'a Dev,
    browser: Browser,
    page: Page,
    /// The mails that there were before the last post.
    mails: Vec<serde_json::Value>,
}

impl Account {
    fn serve() -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let users = data.path().join("people.json");
        let user =
            |email: &str| serde_json::json!({ "email": email, "name": "Somebody", "password": PASSWORD });
        std::fs::write(&users, serde_json::json!([user(ADA), user(BOB)]).to_string()).expect("the users");
        let account = repository::path("examples/account");
        let more = [account.to_str().expect("a path"), "--users", users.to_str().expect("a path")];
        let quickstart = repository::path("examples/quickstart");
        let dev = Dev::start(env!("CARGO_BIN_EXE_idflow"), &quickstart, data.path(), &more);
        Self { dev, _data: data }
    }

    fn begin(&self, flow: &str) -> Visit<'_> {
        let mut browser = Browser::stopping_at("http://127.0.0.1:9/");
        let page = browser.open(&format!("{}/flows/{flow}", self.dev.origin)).expect("the flow").page();
        Visit { dev: &self.dev, browser, page, mails: Vec::new() }
    }

    /// A flow behind the proof of who somebody is.
    fn proven(&self, flow: &str, address: &str, password: &str) -> Visit<'_> {
        let mut visit = self.begin(flow);
        visit.enters(&[("username", address), ("password", password)]);
        visit.enters_the_code(address);
        visit
    }
}

impl Visit<'_> {
    fn enters(&mut self, values: &[(&str, &str)]) {
        self.mails = self.dev.mails();
        let form = self.page.form_with(values[0].0);
        let form = values.iter().fold(form, |form, (name, value)| form.fill(name, value));
        self.page = self.browser.submit(&self.page, &form).expect("an answer").page();
    }

    fn ticks(&mut self, name: &str) {
        let form = self.page.main_form().tick(name).press("next");
        self.page = self.browser.submit(&self.page, &form).expect("an answer").page();
    }

    fn presses(&mut self, button: &str) {
        let form = self.page.form_with_button(button).press(button);
        self.page = self.browser.submit(&self.page, &form).expect("an answer").page();
    }

    fn enters_the_code(&mut self, address: &str) {
        let seen = self.mails.iter().filter(|mail| mail["to"].to_string().contains(address)).count();
        let code = self.dev.code_for(address, seen);
        self.enters(&[("code", &code)]);
    }

    #[track_caller]
    fn sees(&self, words: &str) {
        assert!(self.page.text().contains(words), "no {words}: {}", self.page.text());
    }
}

#[test]
fn the_examples_have_no_finding() {
    let mut lint = Command::new(env!("CARGO_BIN_EXE_idflow"));
    let folders = ["examples/quickstart", "examples/account"].map(repository::path);
    let output = lint.args(["lint", "--strict"]).args(folders).output().expect("idflow lint");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn people_change_their_name_and_see_the_one_before() {
    let account = Account::serve();
    let mut ada = account.proven("change-name", ADA, PASSWORD);
    ada.sees("value=\"Somebody\"");
    ada.enters(&[("name", "Ada Lovelace")]);
    ada.sees("Your name is changed");
    account.proven("change-name", ADA, PASSWORD).sees("value=\"Ada Lovelace\"");
}

#[test]
fn people_change_their_password_and_the_old_one_opens_nothing() {
    let account = Account::serve();
    let mut ada = account.proven("change-password", ADA, PASSWORD);
    ada.enters(&[("password", OTHER)]);
    ada.sees("Your password is changed");
    let mut with_old = account.begin("change-name");
    with_old.enters(&[("username", ADA), ("password", PASSWORD)]);
    with_old.sees("does not match");
    account.proven("change-name", ADA, OTHER).sees("What is your name?");
}

#[test]
fn people_change_their_address_to_one_that_they_read_and_nobody_has() {
    let account = Account::serve();
    let mut ada = account.proven("change-email", ADA, PASSWORD);
    ada.enters(&[("newEmail", BOB)]);
    ada.enters_the_code(BOB);
    ada.sees("This address has an account already");
    ada.presses("next");
    ada.enters(&[("newEmail", "ada@other.example")]);
    ada.enters_the_code("ada@other.example");
    ada.sees("Your e-mail address is changed");
    wait::until(SOON, "the notice at the old address", || {
        let is_told = |mail: &serde_json::Value| {
            mail["to"].to_string().contains(ADA) && mail["text"].to_string().contains("was changed")
        };
        if account.dev.mails().iter().any(is_told) { Ok(()) } else { Err(account.dev.process.log()) }
    });
    let mut by_old = account.begin("change-name");
    by_old.enters(&[("username", ADA), ("password", PASSWORD)]);
    by_old.sees("does not match");
    account.proven("change-name", "ada@other.example", PASSWORD).sees("What is your name?");
}

#[test]
fn people_keep_their_account_or_delete_it_for_good() {
    let account = Account::serve();
    let mut kept = account.proven("delete-account", ADA, PASSWORD);
    kept.sees("Delete your account?");
    kept.presses("keep");
    kept.sees("Your account stays as it is");
    let mut gone = account.proven("delete-account", BOB, PASSWORD);
    gone.ticks("sure");
    gone.sees("Your account is deleted");
    let mut after = account.begin("change-name");
    after.enters(&[("username", BOB), ("password", PASSWORD)]);
    after.sees("does not match");
    account.proven("change-name", ADA, PASSWORD).sees("What is your name?");
}
