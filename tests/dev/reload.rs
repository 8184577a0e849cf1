//! Edits while journeys are open.

use std::time::Duration;

use idflow_test_support::browser::{Arrival, Page};
use idflow_test_support::wait;

use crate::Served;

/// A saved file runs within a second.
const SOON: Duration = Duration::from_secs(1);

#[test]
fn an_open_journey_finishes_on_the_old_revision_while_the_next_one_runs_the_new() {
    let served = Served::start();
    served.sign_up("ada@test.example");
    let mut open = served.client().browser();
    let first = served.client().begin(&mut open, "open").expect("a page").page();

    served.edit("First title", "Second title");
    wait::until(SOON * 2, "the edit runs", || {
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
    let log = wait::until(Duration::from_secs(5), "the terminal says what is wrong", || {
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
