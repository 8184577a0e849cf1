//! What the terminal says: of what is missing, wrong, mended, withheld, and of what came of calls.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use idflow_test_support::dev::Dev;

use crate::{Served, said};

const FLOW: &str = "apiVersion: idflow.dev/v1alpha1\nkind: Flow\nmetadata: { name: other }\n\
    spec: { type: Custom, start: done, steps: [{ id: done, complete: { subject: Guest } }] }\n";

fn idflow() -> &'static str {
    env!("CARGO_BIN_EXE_idflow")
}

/// The lines that were said so far, after the first `before`.
fn since(dev: &Dev, before: usize) -> Vec<String> {
    dev.process.lines().split_off(before)
}

#[test]
fn a_file_that_is_emptied_before_it_is_written_anew_removes_nothing() {
    let served = Served::start();
    let text = std::fs::read_to_string(served.manifest()).expect("the manifests");
    let before = served.dev.process.lines().len();
    for round in 0..20 {
        std::fs::write(served.manifest(), "").expect("the manifests");
        std::thread::sleep(Duration::from_millis(90));
        let saved = text.replace("First title", &format!("Title {round}"));
        std::fs::write(served.manifest(), saved).expect("the manifests");
        std::thread::sleep(Duration::from_millis(40));
    }
    said(&served.dev, before, "the last save", "revision  sign-in@");
    let told = since(&served.dev, before);
    assert!(!told.iter().any(|line| line.starts_with("removed")), "{}", told.join("\n"));
}

#[test]
fn what_was_kept_or_refused_is_said_to_be_mended_once_it_is() {
    let served = Served::start();
    let callback = "http://127.0.0.1:9/callback";
    for (what, right, wrong, object) in [
        ("a flow", "outcomes: { next: welcome }", "outcomes: { next: nowhere }", "Flow/sign-in"),
        ("a client", callback, "javascript:alert(1)", "OIDCClient/app"),
    ] {
        let before = served.dev.process.lines().len();
        served.edit(right, wrong);
        said(&served.dev, before, what, &format!("kept      {object}"));
        served.edit(wrong, right);
        said(&served.dev, before, what, &format!("mended    {object}"));
    }
}

#[test]
fn a_warning_is_shown_when_nothing_else_is_wrong() {
    let served = Served::start();
    let before = served.dev.process.lines().len();
    served.edit("outcomes: { next: welcome }", "outcomes: { next: done }");
    said(&served.dev, before, "a step that is not reached any more", "warning[unreachable-step]");
}

#[test]
fn a_second_tenant_is_said_not_to_be_served_and_the_first_goes_on() {
    let served = Served::start();
    let second = |name: &str, namespace: &str| {
        format!(
            "apiVersion: idflow.dev/v1alpha1\nkind: Tenant\nmetadata: {{ name: {name} }}\n\
             spec: {{ namespace: {namespace}, issuer: \"http://127.0.0.1:9090\", store: {{ embedded: {{}} }} }}\n"
        )
    };
    let file = served.dev.folder.path().join("second.yaml");
    // Of two that claim the same and have no age, the one whose name comes first holds it.
    for (what, name, namespace, begin) in [
        ("a Tenant of its own", "another", "another", "idle      Tenant/another"),
        ("a Tenant that takes what the first one had", "another", "local", "idle      Tenant/another"),
        ("a Tenant that claims the same", "other", "local", "refused   Tenant/other"),
    ] {
        let before = served.dev.process.lines().len();
        std::fs::write(&file, second(name, namespace)).expect("a Tenant");
        let line = format!("{begin}: a folder is served as one tenant, and that is Tenant/local");
        said(&served.dev, before, what, &line);
        let mut browser = served.client().browser();
        assert_eq!(served.client().begin(&mut browser, "x").expect("a page").page().status(), 200, "{what}");
    }
}

#[test]
fn who_cannot_sign_in_is_told_what_is_missing_until_it_is_there() {
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let dev = Dev::start(idflow(), folders[0].path(), folders[1].path(), &[]);
    let lacks = "Sign in, or create an account   not possible: the folder holds no .yaml or .yml file";
    said(&dev, 0, "an empty folder", lacks);
    let tenant = crate::manifests(9);
    let callback = format!("{}/callback", dev.demo);
    for (what, file, text, line) in [
        (
            "a Secret",
            "secret.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata: { name: a }\n".to_owned(),
            "no Flow is served",
        ),
        ("a flow", "flow.yaml", FLOW.to_owned(), "no OIDCClient fits the demo application"),
        ("a tenant", "tenant.yaml", tenant.clone(), ""),
        ("its client", "tenant.yaml", tenant.replace("http://127.0.0.1:9/callback", &callback), &*dev.demo),
    ] {
        let before = dev.process.lines().len();
        std::fs::write(dev.folder.path().join(file), text).expect("a manifest");
        let line = if line.is_empty() {
            "revision  sign-in@".to_owned()
        } else {
            format!("sign-in   {}", wanted(line))
        };
        said(&dev, before, what, &line);
    }
}

/// How the terminal begins what it says: an address stands there, or why there is none.
fn wanted(line: &str) -> String {
    if line.starts_with("http") { line.to_owned() } else { format!("not possible: {line}") }
}

#[test]
fn who_cannot_start_says_so_before_anything_is_said_to_be_served() {
    let served = Served::start();
    let spare = tempfile::tempdir().expect("a folder");
    let taken = served.dev.origin.trim_start_matches("http://").to_owned();
    let data = served.data();
    let free: &str = "127.0.0.1:0";
    let rows: [(&str, &Path, &str, &str); 2] = [
        ("a store in use", &data, free, "in use by another process"),
        ("a port in use", spare.path(), &taken, "is another program there?"),
    ];
    for (what, data, listen, why) in rows {
        let mut command = Command::new(idflow());
        command.arg("dev").arg(served.dev.folder.path()).args(["--listen", listen, "--demo", free]);
        let output = command.arg("--data").arg(data).output().expect("idflow dev");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            !output.status.success() && text(&output.stderr).contains(why),
            "{what}: {}",
            text(&output.stderr)
        );
        assert_eq!(text(&output.stdout), "", "{what}");
    }
}

#[test]
fn a_mail_that_a_limit_withholds_and_what_came_of_a_call_are_said() {
    let served = Served::start();
    served.sign_up("ada@test.example");
    said(&served.dev, 0, "the call of the sign-up", "call -> next (status 200)");
    let (mut browser, arrival) = served.begin_sign_up();
    let page = arrival.page();
    let mut page =
        browser.submit(&page, &served.person("bob@test.example").fill(&page)).expect("a page").page();
    let withheld = "code sends no mail: too many went to this address of late";
    for _ in 0..5 {
        assert!(!served.dev.process.log().contains(withheld), "{}", served.dev.process.log());
        let form = page.form_with_button("resend").press("resend");
        page = browser.submit(&page, &form).expect("a page").page();
    }
    said(&served.dev, 0, "the sixth mail", withheld);
    assert_eq!(served.dev.mails().iter().filter(|mail| mail["to"] == "bob@test.example").count(), 5);
}
