//! The measured server: `idflow dev` on the bench profile, with fifty users.

use std::path::Path;
use std::time::Duration;

use idflow_test_support::dev::Dev;
use idflow_test_support::http::{Client, Request};
use idflow_test_support::oidc::RelyingParty;
use idflow_test_support::process::{Process, free_port};
use idflow_test_support::{repository, wait};
use tempfile::TempDir;
use url::Url;

use crate::load;

/// Users `user0` to `user49`, all with this password.
pub(crate) const USERS: usize = 50;
pub(crate) const PASSWORD: &str = "bench password, long enough";

pub(crate) struct Server {
    dev: Dev,
    metrics: Url,
    token: String,
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
        let admin = format!("127.0.0.1:{}", free_port());
        drop(launch(data.path(), &users, cheapest, &admin));
        let token = std::fs::read_to_string(data.path().join("store/admin.token")).expect("the token");
        let metrics = Url::parse(&format!("http://{admin}/metrics")).expect("an address");
        let (time, server) = wait::timed(|| {
            let dev = launch(data.path(), &users, cheapest, &admin);
            let client = RelyingParty {
                issuer: dev.origin.clone(),
                client: "bench".to_owned(),
                redirect: "http://127.0.0.1:9/callback".to_owned(),
            };
            let server = Self { dev, metrics, token, client, _data: data };
            load::sign_in(&server, 0, None).expect("the first sign-in");
            server
        });
        (time, server)
    }

    pub(crate) fn process(&self) -> &Process {
        &self.dev.process
    }

    /// How often the server has asked its store.
    pub(crate) fn round_trips(&self) -> u64 {
        let headers = vec![("Authorization", format!("Bearer {}", self.token))];
        let request = Request { headers, ..Request::get(&self.metrics) };
        let answer = Client::default().send(&request).expect("the metrics");
        let text = answer.text();
        let number = text.lines().find_map(|line| line.strip_prefix("idflow_store_round_trips_total "));
        let number = number.and_then(|number| number.parse().ok());
        number.unwrap_or_else(|| panic!("no round trips in the metrics: {} {text}", answer.status))
    }

    /// The hash as the server names it in its log.
    pub(crate) fn algorithm(&self) -> String {
        let lines = self.process().lines();
        let named = lines.iter().find(|line| line.to_lowercase().contains("argon2"));
        named.cloned().unwrap_or_else(|| "argon2id 19 MiB, t=2, p=1 (the default)".to_owned())
    }
}

fn launch(data: &Path, users: &Path, cheapest: bool, admin: &str) -> Dev {
    let users = users.display().to_string();
    let mut more = vec!["--no-limits", "--users", users.as_str(), "--admin", admin];
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
