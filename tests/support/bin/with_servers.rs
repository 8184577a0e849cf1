//! Runs a command with the servers that its tests share: `with-servers COMMAND…`. What cannot be had is left to the
//! tests, which say so and count as skipped.
#![allow(clippy::expect_used, clippy::panic, reason = "a panic is the failure report of this program")]

use std::process::{Command, ExitCode};

use idflow_test_support::chromium::{self, Chromium};
use idflow_test_support::cluster::{self, Servers};
use idflow_test_support::repository;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut command = Command::new(arguments.next().expect("usage: with-servers COMMAND…"));
    command.args(arguments);
    let servers = repository::prepared_folder("tests/cluster/build.sh").map(|assets| Servers::start(&assets));
    if let Ok(servers) = &servers {
        command.env(cluster::SHARED, servers.folder());
    }
    let chromium = Chromium::start();
    if let Some(chromium) = &chromium {
        command.env(chromium::SHARED, &chromium.address);
    }
    let status = command.status().expect("the command starts");
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
