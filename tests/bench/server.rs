//! The measured server: `idflow dev` on the bench profile, with fifty users.

use std::path::Path;
use std::time::Duration;

use idflow_test_support::dev::Dev;
use idflow_test_support::oidc::RelyingParty;
use idflow_test_support::process::Process;
use idflow_test_support::{repository, wait};
use tempfile::TempDir;

use crate::load;

/// Users `user0` to `user49`, all with this password.
pub(crate) const USERS: usize = 50;
pub(crate) const PASSWORD: &str = "bench password, long enough";

pub(crate) struct Server {
    dev: Dev,
    pub(crate) client: RelyingParty,
    _data: TempDir,
}

impl Server {
    /// Starts it and signs one user in; the time is from the start of the process to the tokens.
    pub(crate) fn start(cheapest: bool) -> (Duration, Self) {
        let data = tempfile::tempdir().expect("a folder");
        let users = data.path().join("users.json");
        std::fs::write(&users, user_file()).expect("the user file");
        // Users are loaded, and so hashed, before the clock starts.
        drop(launch(data.path(), &users, cheapest));
        let (time, server) = wait::timed(|| {
            let dev = launch(data.path(), &users, cheapest);
            let client = RelyingParty {
                issuer: dev.origin.clone(),
                client: "bench".to_owned(),
                redirect: "http://127.0.0.1:9/callback".to_owned(),
            };
            let server = Self { dev, client, _data: data };
            load::sign_in(&server, 0, None).expect("the first sign-in");
            server
        });
        (time, server)
    }

    pub(crate) fn process(&self) -> &Process {
        &self.dev.process
    }

    /// The hash as the server names it in its log.
    pub(crate) fn algorithm(&self) -> String {
        let lines = self.process().lines();
        let named = lines.iter().find(|line| line.to_lowercase().contains("argon2"));
        named.cloned().unwrap_or_else(|| "argon2id 19 MiB, t=2, p=1 (the default)".to_owned())
    }
}

fn launch(data: &Path, users: &Path, cheapest: bool) -> Dev {
    let users = users.display().to_string();
    let mut more = vec!["--no-limits", "--users", users.as_str()];
    if cheapest {
        more.extend(["--password-hash", "cheapest"]);
    }
    Dev::start(
        env!("CARGO_BIN_EXE_idflow"),
        &repository::path("tests/bench/flows"),
        &data.join("store"),
        &more,
    )
}

fn user_file() -> String {
    let user = |n: usize| serde_json::json!({ "username": format!("user{n}"), "password": PASSWORD });
    (0..USERS).map(user).collect::<serde_json::Value>().to_string()
}
