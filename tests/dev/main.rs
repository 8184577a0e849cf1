//! `idflow dev` as a newcomer uses it, and as an attacker or a broken client would: everything over the socket.
#![allow(clippy::expect_used, clippy::panic, reason = "a panic is the failure report of a test")]

use std::path::PathBuf;
use std::time::Duration;

use idflow_test_support::browser::{Arrival, Browser};
use idflow_test_support::dev::Dev;
use idflow_test_support::oidc::RelyingParty;
use idflow_test_support::person::Person;
use idflow_test_support::service::Service;
use idflow_test_support::wait;
use idflow_test_support::world::{self, PASSWORD};
use tempfile::TempDir;

mod account;
mod cookies;
mod hostile;
mod newcomer;
mod reload;
mod repeated;
mod state;
mod tenants;
mod terminal;
mod why;

/// A saved file runs within a second; a machine with other work may take longer.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// Waits until the terminal says `line`, after the first `before` lines.
pub(crate) fn said(dev: &Dev, before: usize, what: &str, line: &str) {
    wait::until(SOON, &format!("{what}: {line}"), || {
        let lines = dev.process.lines();
        let found = lines.get(before..).is_some_and(|new| new.iter().any(|one| one.contains(line)));
        if found { Ok(()) } else { Err(lines.join("\n")) }
    });
}

/// The small tenant of the tests, which calls a service on this port.
pub(crate) fn manifests(service: u16) -> String {
    world::manifests("local", "http://127.0.0.1:8080", 25, service)
}

/// A running `idflow dev` on the small tenant of the tests.
pub(crate) struct Served {
    pub(crate) dev: Dev,
    pub(crate) service: Service,
    folders: [TempDir; 2],
}

impl Served {
    pub(crate) fn start() -> Self {
        Self::start_on(&[], str::to_owned)
    }

    /// The same with further arguments, on edited manifests.
    pub(crate) fn start_on(more: &[&str], edit: impl Fn(&str) -> String) -> Self {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let service = Service::start();
        std::fs::write(folders[0].path().join("tenant.yaml"), edit(&manifests(service.port)))
            .expect("the manifests");
        let dev = Dev::start(env!("CARGO_BIN_EXE_idflow"), folders[0].path(), folders[1].path(), more);
        Self { dev, service, folders }
    }

    /// The same after a restart, with something done to the data folder in between.
    pub(crate) fn restarted(mut self, between: impl FnOnce(&std::path::Path)) -> Self {
        assert!(self.dev.process.terminate(Duration::from_secs(20)).success(), "{}", self.dev.process.log());
        between(&self.data());
        self.dev = Dev::start(env!("CARGO_BIN_EXE_idflow"), self.dev.folder.path(), &self.data(), &[]);
        self
    }

    /// The file of manifests that is served.
    pub(crate) fn manifest(&self) -> PathBuf {
        self.dev.folder.path().join("tenant.yaml")
    }

    /// Where the data is kept.
    pub(crate) fn data(&self) -> PathBuf {
        self.folders[1].path().to_owned()
    }

    /// Replaces a part of the manifests, as an editor would save them.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.manifest()).expect("the manifests");
        assert!(text.contains(from), "nothing to edit: {from}");
        std::fs::write(self.manifest(), text.replace(from, to)).expect("the manifests");
    }

    pub(crate) fn client(&self) -> RelyingParty {
        RelyingParty {
            issuer: self.dev.origin.clone(),
            client: "app".to_owned(),
            redirect: "http://127.0.0.1:9/callback".to_owned(),
        }
    }

    pub(crate) fn person(&self, address: &str) -> Person<'_> {
        let (mut seen, own) = (0, address.to_owned());
        Person {
            address: address.to_owned(),
            password: PASSWORD.to_owned(),
            code: Box::new(move || {
                seen += 1;
                self.dev.code_for(&own, seen - 1)
            }),
        }
    }

    /// The first page of a sign-up, and the browser that shows it.
    pub(crate) fn begin_sign_up(&self) -> (Browser, Arrival) {
        let mut browser = self.client().browser();
        let arrival = browser.open(&format!("{}&prompt=create", self.client().authorize_url("sign-up")));
        (browser, arrival.expect("the sign-up"))
    }

    pub(crate) fn sign_up(&self, address: &str) -> Browser {
        let (mut browser, arrival) = self.begin_sign_up();
        let callback = self.person(address).walk(&mut browser, arrival).expect("the sign-up");
        self.client().tokens(&mut browser, &callback);
        browser
    }
}
