//! `idflow dev` as a child process, and its mail catcher.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use url::Url;

use crate::http::{Client, Request};
use crate::process::{Process, free_port};
use crate::wait;

/// The demo application's address in committed manifests, which is also the one `idflow dev` takes by itself.
const DEMO: &str = "127.0.0.1:8081";

/// A running `idflow dev`.
pub struct Dev {
    pub process: Process,
    /// The issuer's origin, without a slash at its end.
    pub origin: String,
    /// The demo relying party's origin, without a slash at its end.
    pub demo: String,
    /// The copy of the manifests that is served; a test may edit it.
    pub folder: TempDir,
}

impl Dev {
    /// Starts `program dev` on a copy of `folder`, on free ports, with its data in `data`, and waits until it serves.
    pub fn start(program: &str, folder: &Path, data: &Path, more: &[&str]) -> Self {
        let (listen, demo) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
        let copy = tempfile::tempdir().expect("a folder");
        copy_manifests(folder, copy.path(), &demo);
        let mut command = Command::new(program);
        command
            .arg("dev")
            .arg(copy.path())
            .args(["--listen", &listen, "--demo", &demo])
            .arg("--data")
            .arg(data);
        command.args(more);
        let mut process = Process::start("idflow dev", command);
        let origin = format!("http://{listen}");
        wait::until(Duration::from_secs(30), "the provider's discovery document", || {
            assert!(process.exited().is_none(), "idflow dev ended:\n{}", process.log());
            get(&format!("{origin}{DISCOVERY}")).map_err(|why| format!("{why}\n{}", process.log()))
        });
        Self { process, origin, demo: format!("http://{demo}"), folder: copy }
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

fn copy_manifests(from: &Path, to: &Path, demo: &str) {
    for entry in std::fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        if path.extension().is_some_and(|ending| ending == "yaml") {
            let text = std::fs::read_to_string(&path).expect("a manifest");
            std::fs::write(to.join(name), text.replace(DEMO, demo)).expect("a manifest");
        }
    }
}

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
