//! What every released version has written is read for ever: stores with accounts, sessions, grants and open journeys.
//! `tests/releases/make.sh` recorded them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use idflow_core::secret::SecretText;
use idflow_core::time::{Span, Timestamp};
use idflow_executor::source::Snapshot;
use idflow_executor::source::folder::Folder;
use idflow_flow::{Fixed, fix};
use idflow_oidc::keys::KeyPair;
use idflow_store::backend::redb::Redb;
use idflow_store::seal::Keyring;
use idflow_test_support::repository;
use serde_json::Value;
use tempfile::TempDir;

use crate::faults::Storage;
use crate::person::{Calm, Person};
use crate::visitor::{Browser, authorize_path};
use crate::world::{ISSUER, Secrets, World};

/// The verifier of the relying party that recorded.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// What rules of after a release find in its manifests, which are no longer the simulation's.
const NEWER_RULES: [&str; 1] = ["password-only"];

/// One recorded version.
struct Release {
    folder: PathBuf,
    people: Value,
    /// A copy of its store: what is read here must not change what is committed.
    store: TempDir,
    /// Whether its manifests have been rewritten by `idflow lint --fix` since.
    is_rewritten: bool,
}

impl Release {
    fn all() -> Vec<Self> {
        let entries = std::fs::read_dir(repository::path("tests/releases")).unwrap();
        let folders = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
        folders
            .flat_map(|folder| [false, true].map(|rewritten| Self::open(folder.clone(), rewritten)))
            .collect()
    }

    fn open(folder: PathBuf, is_rewritten: bool) -> Self {
        let store = tempfile::tempdir().unwrap();
        copy(&folder.join("store"), store.path());
        Self { people: json(&folder.join("people.json")), store, folder, is_rewritten }
    }

    /// The present version takes over where the recorded one stopped.
    async fn taken_over(&self) -> World {
        let keys = json(&self.store.path().join("keys.json"));
        let text = |name: &str| SecretText::new(keys[name].as_str().unwrap());
        let sealing = URL_SAFE_NO_PAD.decode(keys["sealing"].as_str().unwrap()).unwrap();
        let secrets = Secrets {
            keyring: Keyring::new("dev", &sealing.try_into().unwrap(), &[]),
            signing: KeyPair { es256: text("es256"), rs256: text("rs256") },
        };
        let storage = Storage::over(Box::new(Redb::open(self.store.path().join("store.redb")).unwrap()));
        let at = Timestamp(self.people["at"].as_i64().unwrap());
        World::taken_over(1, self.snapshot(), storage, secrets, at.plus(Span::seconds(30))).await
    }

    /// What `idflow dev` serves of its manifests, with the revisions that open journeys are on.
    fn snapshot(&self) -> Snapshot {
        let manifests = tempfile::tempdir().unwrap();
        std::fs::write(manifests.path().join("tenant.yaml"), self.manifests()).unwrap();
        let kinds = idflow_nodes::kinds();
        let mut folder = Folder::open(manifests.path(), self.store.path(), ISSUER, kinds).unwrap();
        let reading = folder.read().unwrap();
        assert!(reading.changes.refused.is_empty(), "{:?}", reading.findings);
        let codes = reading.findings.iter().map(|finding| finding.code);
        let (words, others): (Vec<&str>, Vec<&str>) = codes.partition(|code| *code == "old-word");
        assert_eq!(words.is_empty(), self.is_rewritten, "{words:?}");
        assert_eq!(others, NEWER_RULES, "{}", self.folder.display());
        reading.snapshot
    }

    /// What its people have as manifests today.
    fn manifests(&self) -> String {
        let text = std::fs::read_to_string(self.folder.join("tenant.yaml")).unwrap();
        match fix("tenant.yaml", &text) {
            Fixed::Rewritten { text, .. } if self.is_rewritten => text,
            Fixed::Refused(line, why) => panic!("line {line}: {why}"),
            _ => text,
        }
    }

    fn text(&self, name: &str) -> &str {
        self.people[name].as_str().unwrap()
    }
}

fn json(file: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap()) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn browser(cookies: &str) -> Browser {
    let pairs = cookies.split("; ").filter_map(|pair| pair.split_once('='));
    let cookies: BTreeMap<String, String> = pairs.map(|(name, value)| (name.into(), value.into())).collect();
    Browser { cookies, ..Browser::new() }
}

/// A call of the application to the token endpoint.
async fn tokens(world: &World, parameters: &[(&str, &str)]) -> (StatusCode, Value) {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.append_pair("client_id", "app").extend_pairs(parameters);
    let answer = Browser::new().post(world, "/oauth2/token", &body.finish()).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn whoever_had_an_account_signs_in_and_whoever_was_signed_in_still_is() {
    for release in Release::all() {
        let mut world = release.taken_over().await;
        let session = browser(release.text("session")).get(&world, &authorize_path("")).await;
        let is_code = |target: &str| target.starts_with("https://app.example.com/callback?code=");
        assert!(session.location().is_some_and(is_code), "no single sign-on: {session:?}");
        Person::new(release.text("address")).walk(&mut world, "", &mut Calm).await.code();
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", release.text("refreshToken"))];
        let (status, refreshed) = tokens(&world, &refresh).await;
        assert_eq!(status, StatusCode::OK, "{refreshed}");
    }
}

#[tokio::test]
async fn every_open_journey_goes_on_to_its_tokens() {
    for release in Release::all() {
        let world = release.taken_over().await;
        for journey in release.people["journeys"].as_array().unwrap() {
            let path = journey["path"].as_str().unwrap();
            let mut browser = browser(journey["cookies"].as_str().unwrap());
            let code = finish(&world, &release, &mut browser, path, journey["code"].as_str()).await;
            let exchange = [
                ("grant_type", "authorization_code"),
                ("redirect_uri", "https://app.example.com/callback"),
                ("code_verifier", VERIFIER),
                ("code", &*code),
            ];
            let (status, tokens) = tokens(&world, &exchange).await;
            assert_eq!(status, StatusCode::OK, "{journey}: {tokens}");
        }
    }
}

/// Fills what the pages of an open journey ask for; `code` was mailed by the recorded version.
async fn finish(
    world: &World,
    release: &Release,
    browser: &mut Browser,
    path: &str,
    code: Option<&str>,
) -> String {
    let address = release.text("address");
    let mut code = code.map(str::to_owned);
    for _ in 0..8 {
        let page = browser.get(world, path).await;
        if let Some(done) = page.code() {
            return done;
        }
        let mut form = page.form().unwrap_or_else(|| panic!("no form at {path}: {page:?}"));
        if form.has_field("code") {
            let mailed = code.take().or_else(|| world.mails.code_for(address)).unwrap();
            form = form.fill("code", &mailed);
        }
        for (name, value) in [("username", address), ("password", release.text("password"))] {
            if form.has_field(name) {
                form = form.fill(name, value);
            }
        }
        browser.post(world, path, &form.encoded()).await;
    }
    panic!("the journey at {path} does not end");
}
