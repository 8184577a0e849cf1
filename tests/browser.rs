//! Real Chromium through the quickstart: what people do with pages, and what must hold on every kind of page.
#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "tests panic to report and read their environment"
)]

use std::process::Command;

use idflow_test_support::chromium::Chromium;
use idflow_test_support::dev::Dev;
use idflow_test_support::{repository, skip};

const TEST: &str = "people_get_through_every_page_in_a_real_browser";

#[test]
fn people_get_through_every_page_in_a_real_browser() {
    let folder = match repository::prepared_folder("tests/client/install.sh") {
        Ok(folder) => folder,
        Err(why) => return skip::skip(TEST, &why),
    };
    let Some(chromium) = Chromium::shared(TEST) else { return };
    let data = tempfile::tempdir().expect("a folder");
    let dev =
        Dev::start(env!("CARGO_BIN_EXE_idflow"), &repository::path("examples/quickstart"), data.path(), &[]);
    let mut command = Command::new("node");
    command.arg(folder.join("browser.mjs")).args(["--demo", &dev.demo, "--origin", &dev.origin]);
    command.args(["--mail", &format!("{}/dev/mail.json", dev.origin)]);
    command.arg("--folder").arg(dev.folder.path()).args(["--chromium", &chromium.address]);
    if let Some(shots) = std::env::var_os("IDFLOW_SCREENSHOTS") {
        command.arg("--shots").arg(shots);
    }
    let output = command.output().expect("node");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{text}");
    assert!(output.status.success(), "{text}\n{}", dev.process.log());
}
