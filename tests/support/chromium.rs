//! A real Chromium without a window. `make test` starts it once for the whole run; a test that runs alone starts its
//! own.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::Process;
use crate::{repository, skip};

/// The variable that names the address of a Chromium that others started.
pub const SHARED: &str = "IDFLOW_TEST_CHROMIUM";

const FLAGS: [&str; 10] = [
    "--headless=new",
    "--remote-debugging-port=0",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// A running Chromium.
pub struct Chromium {
    /// Where it is driven from.
    pub address: String,
    /// Nothing when others started it.
    _own: Option<(Process, TempDir)>,
}

impl Chromium {
    /// The one of this run; nothing, reported as a skipped `test`, where there is none.
    pub fn shared(test: &str) -> Option<Self> {
        let shared = std::env::var(SHARED).ok().map(|address| Self { address, _own: None });
        shared.or_else(Self::start).or_else(|| {
            skip::skip(test, "no Chromium: install it or set CHROME");
            None
        })
    }

    /// Starts one, if there is a program.
    pub fn start() -> Option<Self> {
        let set = std::env::var_os("CHROME").map(PathBuf::from);
        let program =
            set.or_else(|| repository::program(&["chromium", "chromium-browser", "google-chrome"]))?;
        let profile = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(program);
        command.args(FLAGS).arg(format!("--user-data-dir={}", profile.path().display())).arg("about:blank");
        let mut process = Process::start("Chromium", command);
        let address = process.wait_for_line(Duration::from_mins(1), "the address to drive it from", |line| {
            line.strip_prefix("DevTools listening on ").map(str::to_owned)
        });
        Some(Self { address, _own: Some((process, profile)) })
    }
}
