//! Edits while journeys are open.

use idflow_test_support::browser::{Arrival, Page};
use idflow_test_support::wait;

use crate::{SOON, Served, said};

#[test]
fn an_open_journey_finishes_on_the_old_revision_while_the_next_one_runs_the_new() {
    let served = Served::start();
    served.sign_up("ada@test.example");
    let mut open = served.client().browser();
    let first = served.client().begin(&mut open, "open").expect("a page").page();

    served.edit("First title", "Second title");
    wait::until(SOON, "the edit runs", || {
        let page = welcome(&served);
        if page.text().contains("Second title") { Ok(()) } else { Err(page.text()) }
    });
    let form = served.person("ada@test.example").fill(&first);
    let old = open.submit(&first, &form).expect("the open journey").page();
    assert!(old.text().contains("First title"), "{}", old.text());
    let callback =
        served.person("ada@test.example").walk(&mut open, Arrival::Page(old)).expect("the open journey");
    served.client().tokens(&mut open, &callback);
}

#[test]
fn a_broken_edit_keeps_the_last_good_revision_and_says_why_with_the_source_underlined() {
    let served = Served::start();
    served.sign_up("ada@test.example");
    served.edit("outcomes: { next: welcome }", "outcomes: { next: nowhere }");
    let log = wait::until(SOON, "the terminal says what is wrong", || {
        let log = served.dev.process.log();
        if log.contains("nowhere") { Ok(log) } else { Err(log) }
    });
    assert!(log.contains("tenant.yaml:") && log.contains("^^"), "no place, no underline:\n{log}");
    assert!(welcome(&served).text().contains("First title"), "the last good revision goes on");
}

#[test]
fn data_outlives_a_kill_9() {
    let mut served = Served::start();
    served.sign_up("ada@test.example");
    served.dev.process.kill();
    let data = served.data();
    let again = idflow_test_support::dev::Dev::start(
        env!("CARGO_BIN_EXE_idflow"),
        served.dev.folder.path(),
        &data,
        &[],
    );
    served.dev = again;
    assert!(welcome(&served).text().contains("First title"), "the user is still there");
}

/// The page after the password, of a fresh browser.
fn welcome(served: &Served) -> Page {
    let mut browser = served.client().browser();
    let page = served.client().begin(&mut browser, "new").expect("a page").page();
    let form = served.person("ada@test.example").fill(&page);
    browser.submit(&page, &form).expect("the password").page()
}

#[test]
fn a_flow_that_is_emptied_or_deleted_gets_its_line_and_so_does_its_return() {
    let served = Served::start();
    let manifests = std::fs::read_to_string(served.manifest()).expect("the manifests");
    let own = served.dev.folder.path().join("other.yaml");
    let flow = |name: &str| {
        format!(
            "apiVersion: idflow.dev/v1alpha1\nkind: Flow\nmetadata: {{ name: {name} }}\n\
             spec: {{ type: Custom, start: done, steps: [{{ id: done, complete: {{ subject: Guest }} }}] }}\n"
        )
    };
    for (what, text, line) in [
        ("a new flow", Some(flow("other")), "revision  other@"),
        ("an empty spec", Some(flow("other").replace("spec: {", "spec: {} # {")), "kept      Flow/other"),
        ("a file without documents", Some("# nothing\n".to_owned()), "removed   Flow/other"),
        ("the flow again", Some(flow("other")), "revision  other@"),
        ("a deleted file", None, "removed   Flow/other"),
    ] {
        let before = served.dev.process.lines().len();
        match text {
            Some(text) => std::fs::write(&own, text).expect("the flow"),
            None => std::fs::remove_file(&own).expect("the flow"),
        }
        said(&served.dev, before, what, line);
    }
    assert_eq!(std::fs::read_to_string(served.manifest()).expect("the manifests"), manifests);
}

#[test]
fn a_client_that_is_refused_keeps_its_last_good_form_and_says_so() {
    let served = Served::start();
    let before = served.dev.process.lines().len();
    let callback = "http://127.0.0.1:9/callback";
    served.edit(callback, "javascript:alert(1)");
    said(&served.dev, before, "a redirect URI that no browser may follow", "kept      OIDCClient/app");
    let mut browser = served.client().browser();
    let page = served.client().begin(&mut browser, "kept").expect("a page").page();
    assert_eq!(page.status(), 200, "the redirect URI of before is served");
    let asked = served.client().authorize_url("x").replace(
        "redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback",
        "redirect_uri=javascript%3Aalert%281%29",
    );
    let mut browser = idflow_test_support::browser::Browser::default();
    assert_eq!(browser.open(&asked).expect("an answer").page().status(), 400, "{asked}");
}

#[test]
fn a_client_that_is_refused_from_the_start_is_not_served() {
    let served = Served::start_on(&[], |text| {
        text.replace("authentication: None", "authentication: ClientSecretBasic")
    });
    said(&served.dev, 0, "a client without the secret it needs", "refused   OIDCClient/app");
    let mut browser = served.client().browser();
    assert_eq!(served.client().begin(&mut browser, "x").expect("an answer").page().status(), 400);
}

#[test]
fn a_syntax_error_says_what_is_wrong_with_the_text_and_nothing_about_flows_that_do_not_exist() {
    let served = Served::start();
    let before = served.dev.process.lines().len();
    served.edit("kind: Directory", "kind: Directory: {");
    said(&served.dev, before, "a syntax error", "tenant.yaml:");
    said(&served.dev, before, "the object that cannot be read", "kept      Directory/people");
    said(&served.dev, before, "a flow that uses it", "kept      Flow/sign-in");
    let said = served.dev.process.lines().split_off(before);
    let words = ["there is no", "does not exist", "is the default one"];
    let is_about_others = |line: &&String| words.iter().any(|word| line.contains(word));
    assert_eq!(said.iter().filter(is_about_others).count(), 0, "{}", said.join("\n"));
    let mut browser = served.client().browser();
    assert_eq!(served.client().begin(&mut browser, "kept").expect("a page").page().status(), 200);
}
