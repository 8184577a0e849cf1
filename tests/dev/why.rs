//! What a page tells support, and what support is told.

use std::io::Write as _;
use std::process::{Command, Stdio};

use idflow_test_support::http::{Client, Request};
use url::Url;

use crate::Served;

fn page(served: &Served, path: &str) -> String {
    let url = Url::parse(&format!("{}{path}", served.dev.origin)).expect("a URL");
    Client::default().send(&Request::get(&url)).expect("an answer").text()
}

fn reference(page: &str) -> &str {
    let (_, after) = page.split_once("Reference: <bdi>").unwrap_or_else(|| panic!("no reference: {page}"));
    after.split('<').next().expect("a reference")
}

fn why(arguments: &[&std::ffi::OsStr], input: &str) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_idflow"));
    command.arg("why").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("idflow why");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("its input");
    let output = child.wait_with_output().expect("idflow why");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).expect("text"))
}

#[test]
fn support_is_told_in_words_why_somebody_cannot_go_on() {
    let served = Served::start();
    let blocked = page(&served, "/journeys/AAAAAAAAAAAAAAAAAAAAAA");
    let wrong = page(&served, "/oauth2/authorize?client_id=nobody&redirect_uri=https%3A%2F%2Fapp.example%2F");
    let (data, folder) = (served.data(), served.dev.folder.path());
    for (page, words) in [(&blocked, "sent no cookie at all"), (&wrong, "answered to nobody")] {
        let reference = reference(page).as_ref();
        let (found, told) =
            why(&[reference, "--dev".as_ref(), folder.as_os_str(), "--data".as_ref(), data.as_os_str()], "");
        assert!(found && told.contains(words), "{told}");
        let lines = std::fs::read_to_string(data.join("audit.jsonl")).expect("the records");
        let (found, told) = why(&[reference], &lines);
        assert!(found && told.contains(words), "{told}");
    }
    let (found, told) = why(&["0000000000".as_ref()], "");
    assert!(!found && told.contains("every executor pod"), "{told}");
}

const COUNTS: &str = "---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: count }
spec:
  type: Custom
  start: ask
  steps:
    - { id: ask, form: { fields: [{ name: number }] }, outcomes: { next: count } }
    - { id: count, set: { values: { counted: int(form.number) } }, outcomes: { next: done } }
    - { id: done, complete: {} }
";

#[test]
fn support_is_told_what_a_step_could_not_do_and_nothing_that_the_visitor_entered() {
    let served = Served::start_on(&[], |manifests| format!("{manifests}{COUNTS}"));
    let mut browser = served.client().browser();
    let page = browser.open(&format!("{}/flows/count", served.dev.origin)).expect("the form").page();
    let form = page.form_with("number").fill("number", "my-own-secret");
    let failed = browser.submit(&page, &form).expect("the last page").page().text();
    let (data, folder) = (served.data(), served.dev.folder.path());
    let reference = reference(&failed).as_ref();
    let lines = std::fs::read_to_string(data.join("audit.jsonl")).expect("the records");
    let by_folder: [&std::ffi::OsStr; 5] =
        [reference, "--dev".as_ref(), folder.as_os_str(), "--data".as_ref(), data.as_os_str()];
    for (found, told) in [why(&by_folder, ""), why(&[reference], &lines)] {
        assert!(found && told.contains("count") && told.contains("int(form.number)"), "{told}");
        assert!(!told.contains("my-own-secret"), "{told}");
    }
    assert!(!lines.contains("my-own-secret") && !served.dev.process.log().contains("my-own-secret"));
}
