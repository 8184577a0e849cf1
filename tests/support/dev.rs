//! `idflow dev` as a child process, and its mail catcher.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use url::Url;

use crate::http::{Client, Request};
use crate::process::{Process, free_port};
use crate::wait;

/// A running `idflow dev`.
pub struct Dev {
    pub process: Process,
    /// The issuer's origin, without a slash at its end.
    pub origin: String,
    /// The demo relying party's address as printed.
    pub demo: String,
}

impl Dev {
    /// Starts `program dev folder` on a free port with its data in `data`, and waits until it serves.
    pub fn start(program: &str, folder: &Path, data: &Path, more: &[&str]) -> Self {
        let listen = format!("127.0.0.1:{}", free_port());
        Self::start_at(program, folder, data, &listen, more)
    }

    /// Like [`Dev::start`], at a given address: a restart must be found where the one before was.
    pub fn start_at(program: &str, folder: &Path, data: &Path, listen: &str, more: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.arg("dev").arg(folder).args(["--listen", listen]).arg("--data").arg(data).args(more);
        let mut process = Process::start("idflow dev", command);
        let limit = Duration::from_secs(30);
        let demo = process.wait_for_line(limit, "the address of the demo", |line| {
            let (label, address) = line.trim().split_once(char::is_whitespace)?;
            (label == "demo").then(|| address.trim().to_owned())
        });
        let origin = format!("http://{listen}");
        wait::until(limit, "the provider's discovery document", || get(&format!("{origin}{DISCOVERY}")));
        Self { process, origin, demo }
    }

    /// Mails caught so far, newest first.
    pub fn mails(&self) -> Vec<serde_json::Value> {
        let answer = get(&format!("{}/dev/mail.json", self.origin)).expect("the mail catcher");
        answer.as_array().expect("a list of mails").clone()
    }

    /// The six or more digits in the newest mail to `address`, as soon as there is one after the first `seen`.
    pub fn code_for(&self, address: &str, seen: usize) -> String {
        wait::until(Duration::from_secs(10), &format!("a mail with a code to {address}"), || {
            let mails: Vec<_> =
                self.mails().into_iter().filter(|mail| mail["to"].to_string().contains(address)).collect();
            if mails.len() <= seen {
                return Err(format!("{} mails\n{}", mails.len(), self.process.log()));
            }
            code_in(mails[0]["text"].as_str().unwrap_or_default())
                .ok_or_else(|| format!("no code in {}", mails[0]))
        })
    }
}

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// The first run of at least six digits, blanks between groups left out.
pub fn code_in(text: &str) -> Option<String> {
    let digits = text.split(|letter: char| !letter.is_ascii_digit());
    digits.filter(|run| run.len() >= 6).map(str::to_owned).next()
}

/// A JSON document by GET; the error says what came instead.
pub fn get(url: &str) -> Result<serde_json::Value, String> {
    let parsed = Url::parse(url).map_err(|error| format!("{url}: {error}"))?;
    let response =
        Client::default().send(&Request::get(&parsed)).map_err(|error| format!("{url}: {error}"))?;
    if response.status == 200 {
        Ok(response.json())
    } else {
        Err(format!("{url}: status {}", response.status))
    }
}
