//! A real OpenID Connect client, the npm package `openid-client`, against `idflow dev` on the quickstart.
#![allow(clippy::expect_used, clippy::panic, reason = "a panic is the failure report of a test")]

use std::process::Command;

use idflow_test_support::dev::Dev;
use idflow_test_support::oidc::RelyingParty;
use idflow_test_support::person::Person;
use idflow_test_support::{repository, skip};

#[test]
fn openid_client_signs_in_refreshes_and_reads_user_info() {
    let folder = match repository::prepared_folder("tests/client/install.sh") {
        Ok(folder) => folder,
        Err(why) => return skip::skip("openid_client_signs_in_refreshes_and_reads_user_info", &why),
    };
    let data = tempfile::tempdir().expect("a folder");
    let dev =
        Dev::start(env!("CARGO_BIN_EXE_idflow"), &repository::path("examples/quickstart"), data.path(), &[]);
    let (address, password) = ("client@example.com", "correct horse battery 1");
    sign_up(&dev, address, password);

    let mut command = Command::new("node");
    command.arg(folder.join("oidc.mjs")).args(["--issuer", &dev.origin]).args(["--client", "demo"]);
    command.args(["--redirect", &redirect(&dev)]).args(["--mail", &format!("{}/dev/mail.json", dev.origin)]);
    let output = command.args(["--address", address, "--password", password]).output().expect("node");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{text}");
    assert!(output.status.success(), "{text}\n{}", dev.process.log());
}

fn redirect(dev: &Dev) -> String {
    format!("{}/callback", dev.demo)
}

fn sign_up(dev: &Dev, address: &str, password: &str) {
    let client =
        RelyingParty { issuer: dev.origin.clone(), client: "demo".to_owned(), redirect: redirect(dev) };
    let mut browser = client.browser();
    let page = client.begin(&mut browser, "sign-up").expect("a page").page();
    let sign_up = page.main_form().press("signUp");
    let arrival = browser.submit(&page, &sign_up).expect("the sign-up");
    let mut seen = 0;
    let mut person = Person {
        address: address.to_owned(),
        password: password.to_owned(),
        code: Box::new(|| {
            seen += 1;
            dev.code_for(address, seen - 1)
        }),
    };
    person.walk(&mut browser, arrival).expect("the sign-up");
}
