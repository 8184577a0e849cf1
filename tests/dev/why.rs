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
