//! Every page of `examples/clients`, run: its own manifests in `idflow dev` beside the quickstart, its own configuration
//! in the library or product that it is for, and somebody who signs in and stays signed in.
#![allow(clippy::expect_used, clippy::panic, reason = "a panic is the failure report of a test")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use idflow_test_support::browser::{Browser, Page};
use idflow_test_support::chromium::Chromium;
use idflow_test_support::dev::Dev;
use idflow_test_support::http::{Client, Request};
use idflow_test_support::oidc::RelyingParty;
use idflow_test_support::person::Person;
use idflow_test_support::process::{Process, free_port};
use idflow_test_support::{repository, skip, wait};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;
use url::form_urlencoded::Serializer;

const ADDRESS: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery 1";
/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const SECRET: &str = "only-for-this-machine-0123456789";

/// An example with the provider beside it. Its application listens on a free port.
struct Example {
    name: &'static str,
    /// Where what it needs was put, with its own files.
    folder: PathBuf,
    own: String,
    port: u16,
    dev: Dev,
    _data: TempDir,
}

impl Example {
    /// Nothing where what it needs cannot be had here, which is said.
    fn begin(name: &'static str) -> Option<Self> {
        let prepared =
            Command::new("bash").arg(repository::path("tests/client/prepare.sh")).arg(name).output();
        let prepared = prepared.expect("bash");
        let last =
            |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().lines().last().unwrap_or("").to_owned();
        if !prepared.status.success() {
            skip::skip(name, &last(&prepared.stderr));
            return None;
        }
        let (data, port) = (tempfile::tempdir().expect("a folder"), free_port());
        let own = format!("127.0.0.1:{port}");
        let manifests = tempfile::tempdir().expect("a folder");
        copy(&repository::path("examples/quickstart"), manifests.path(), |text| text);
        let folder = repository::path(&format!("examples/clients/{name}"));
        copy(&folder, manifests.path(), |text| in_its_own_place(&text, &own));
        let users = data.path().join("users.json");
        let ada = json!([{ "email": ADDRESS, "name": "Ada", "password": PASSWORD, "groups": ["staff"], "verified": ["email"] }]);
        std::fs::write(&users, ada.to_string()).expect("a file");
        let state = data.path().join("state");
        let users = users.to_str().expect("a path");
        let dev = Dev::start(env!("CARGO_BIN_EXE_idflow"), manifests.path(), &state, &["--users", users]);
        Some(Self { name, folder: last(&prepared.stdout).into(), own, port, dev, _data: data })
    }

    /// Starts its application, and waits until it listens.
    fn serve(&self, program: &str, arguments: &[&str]) -> Process {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder).env("PORT", self.port.to_string());
        command.env("ISSUER", &self.dev.origin).env("CLIENT_SECRET", SECRET).env("PYTHONPATH", "packages");
        let mut process = Process::start(self.name, command);
        wait::until(Duration::from_secs(30), &format!("{} listens", self.name), || {
            assert!(process.exited().is_none(), "{}", process.log());
            std::net::TcpStream::connect(&self.own).map(drop)
        });
        process
    }

    fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.own)
    }

    /// Goes through the sign-in that `start` leads to, and comes back to the application.
    fn sign_in(&self, browser: &mut Browser, start: &str) -> Page {
        let mut person = Person {
            address: ADDRESS.to_owned(),
            password: PASSWORD.to_owned(),
            code: Box::new(|| self.dev.code_for(ADDRESS, 0)),
        };
        let mut page = browser.open(start).expect("the application answers").page();
        for _ in 0..10 {
            if page.url.origin() != Url::parse(&self.dev.origin).expect("a URL").origin() {
                return page;
            }
            let form = person.fill(&page);
            page = browser.submit(&page, &form).expect("an answer").page();
        }
        panic!("{} is not reached: {}\n{}", self.own, page.text(), self.dev.process.log());
    }

    /// An application of ours: it shows the claims when somebody signed in, and again when it has refreshed.
    fn shows_claims_and_refreshes(&self, program: &str, arguments: &[&str]) -> (Process, Browser) {
        let process = self.serve(program, arguments);
        let mut browser = Browser::default();
        let told = |page: &Page| {
            assert_eq!(page.status(), 200, "{}\n{}\n{}", page.text(), process.log(), self.dev.process.log());
            serde_json::from_str::<Value>(&page.text())
                .unwrap_or_else(|error| panic!("{error}: {}", page.text()))
        };
        let first = told(&self.sign_in(&mut browser, &self.at("/")));
        let again = told(&browser.open(&self.at("/refresh")).expect("an answer").page());
        for claims in [&first, &again] {
            assert_eq!(
                (&claims["email"], &claims["email_verified"]),
                (&json!(ADDRESS), &json!(true)),
                "{claims}"
            );
            assert_eq!((&claims["groups"], &claims["sub"]), (&json!(["staff"]), &first["sub"]), "{claims}");
        }
        self.has_refreshed(1);
        (process, browser)
    }

    /// Waits until the provider has told that this application refreshed as often as that, or more often.
    fn has_refreshed(&self, times: usize) {
        let is_told = |line: &&String| line.contains(self.name) && line.contains("token.refreshed");
        wait::until(Duration::from_secs(5), &format!("{times} refreshes of {}", self.name), || {
            let told = self.dev.process.lines().iter().filter(is_told).count();
            if told >= times { Ok(()) } else { Err(format!("{told}\n{}", self.dev.process.log())) }
        });
    }
}

/// The port that the page names is an example, too.
fn in_its_own_place(text: &str, own: &str) -> String {
    let Some((before, rest)) = text.split_once("http://127.0.0.1:") else { return text.to_owned() };
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    assert!(!before.is_empty(), "a manifest");
    text.replace(&format!("127.0.0.1:{port}"), own)
}

fn copy(from: &Path, to: &Path, change: impl Fn(String) -> String) {
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            let text = std::fs::read_to_string(&path).expect("a manifest");
            let name = path.file_name().expect("a name");
            let target = if to.join(name).exists() { to.join("its-own.yaml") } else { to.join(name) };
            std::fs::write(target, change(text)).expect("a manifest");
        }
    }
}

#[test]
fn openid_client_signs_in_refreshes_and_signs_out() {
    let Some(example) = Example::begin("openid-client") else { return };
    let (_process, mut browser) = example.shows_claims_and_refreshes("node", &["main.mjs"]);
    let mut at = |address: &str| browser.open(address).expect("an answer").page();
    assert!(at(&example.dev.origin).text().contains("You are signed in"));
    let bye = at(&example.at("/logout"));
    assert_eq!((bye.url.as_str(), bye.text().as_str()), (&*example.at("/bye"), "{}"));
    assert!(at(&example.dev.origin).text().contains("You are not signed in"));
}

#[test]
fn passport_signs_in_and_refreshes() {
    let Some(example) = Example::begin("passport") else { return };
    example.shows_claims_and_refreshes("node", &["main.mjs"]);
}

#[test]
fn authlib_signs_in_and_refreshes() {
    let Some(example) = Example::begin("authlib") else { return };
    example.shows_claims_and_refreshes("python3", &["main.py"]);
}

#[test]
fn go_oidc_signs_in_and_refreshes() {
    let Some(example) = Example::begin("go-oidc") else { return };
    example.shows_claims_and_refreshes("./program", &[]);
}

#[test]
fn zitadel_oidc_signs_in_and_refreshes() {
    let Some(example) = Example::begin("zitadel-oidc") else { return };
    example.shows_claims_and_refreshes("./program", &[]);
}

#[test]
fn nimbus_signs_in_and_refreshes() {
    let Some(example) = Example::begin("nimbus") else { return };
    example.shows_claims_and_refreshes("java", &["-cp", "target/lib/*", "Main.java"]);
}

#[test]
fn oauth2_proxy_lets_in_who_is_in_the_group_and_refreshes() {
    let Some(example) = Example::begin("oauth2-proxy") else { return };
    let (listen, issuer) =
        (format!("--http-address={}", example.own), format!("--oidc-issuer-url={}", example.dev.origin));
    let redirect = format!("--redirect-url={}", example.at("/oauth2/callback"));
    let secrets =
        [format!("--client-secret={SECRET}"), "--cookie-secret=0123456789abcdef0123456789abcdef".to_owned()];
    let process = example.serve(
        "./program",
        &["--config", "oauth2-proxy.cfg", &listen, &issuer, &redirect, &secrets[0], &secrets[1]],
    );
    let mut browser = Browser::default();
    let page = example.sign_in(&mut browser, &example.at("/"));
    assert_eq!((page.status(), page.text().trim()), (200, "Authenticated"), "{}", process.log());
    for times in [1, 2] {
        // It refreshes a session that is older than a second, and counts by whole ones.
        std::thread::sleep(Duration::from_millis(2500));
        let known = browser.open(&example.at("/oauth2/userinfo")).expect("an answer").page();
        assert_eq!(known.status(), 200, "{}\n{}", known.text(), process.log());
        let known: Value = serde_json::from_str(&known.text()).expect("JSON");
        assert_eq!((&known["email"], &known["groups"]), (&json!(ADDRESS), &json!(["staff"])));
        example.has_refreshed(times);
    }
}

#[test]
fn mod_auth_openidc_protects_pages_and_refreshes() {
    let Some(example) = Example::begin("mod-auth-openidc") else { return };
    let folder = example.folder.to_str().expect("a path").to_owned();
    let libraries = format!("LD_LIBRARY_PATH={folder}/root/usr/lib/x86_64-linux-gnu");
    let apache = ["root/usr/sbin/apache2", "-X", "-d", &folder, "-f", "httpd.conf"];
    let process = example.serve("env", &[&[libraries.as_str()], apache.as_slice()].concat());
    let mut browser = Browser::default();
    let page = example.sign_in(&mut browser, &example.at("/app/"));
    assert!(page.status() == 200 && page.text().contains("Protected"), "{}\n{}", page.text(), process.log());
    for (more, refreshed) in [("", 0), ("&access_token_refresh_interval=0", 1)] {
        let info =
            browser.open(&example.at(&format!("/app/callback?info=json{more}"))).expect("an answer").page();
        let info: Value =
            serde_json::from_str(&info.text()).unwrap_or_else(|error| panic!("{error}: {}", info.text()));
        assert_eq!(info["id_token"]["groups"], json!(["staff"]), "{info}");
        example.has_refreshed(refreshed);
    }
}

#[test]
fn oidc_client_ts_signs_in_and_refreshes_in_a_real_browser() {
    let Some(example) = Example::begin("oidc-client-ts") else { return };
    let driver = match repository::prepared_folder("tests/client/install.sh") {
        Ok(folder) => folder,
        Err(why) => return skip::skip(example.name, &why),
    };
    let Some(chromium) = Chromium::shared(example.name) else { return };
    let process = example.serve("node", &["serve.mjs"]);
    let mut command = Command::new("node");
    command.arg(driver.join("page.mjs")).args(["--page", &example.at("/"), "--chromium", &chromium.address]);
    command.args(["--mail", &format!("{}/dev/mail.json", example.dev.origin)]);
    let output = command.args(["--address", ADDRESS, "--password", PASSWORD]).output().expect("node");
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{}\n{}", process.log(), example.dev.process.log());
    example.has_refreshed(1);
}

/// What `golang.org/x/oauth2` sends, which both are built with: the secret in the header, form-encoded.
fn goes_through(example: &Example, callback: &str, scopes: &str) {
    let redirect = example.at(callback);
    let mut browser = Browser::stopping_at(&redirect);
    let request = Serializer::new(String::new())
        .append_pair("client_id", example.name)
        .append_pair("code_challenge", CHALLENGE)
        .append_pair("code_challenge_method", "S256")
        .append_pair("redirect_uri", &redirect)
        .append_pair("response_type", "code")
        .append_pair("scope", scopes)
        .append_pair("state", "a-state")
        .finish();
    let start = browser.open(&format!("{}/oauth2/authorize?{request}", example.dev.origin)).expect("a page");
    let mut person = Person {
        address: ADDRESS.to_owned(),
        password: PASSWORD.to_owned(),
        code: Box::new(|| example.dev.code_for(ADDRESS, 0)),
    };
    let left = person.walk(&mut browser, start).expect("the sign-in");
    let code = left.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned());
    let code = code.unwrap_or_else(|| panic!("no code: {left}"));
    let exchange = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &redirect),
        ("code_verifier", VERIFIER),
    ];
    let tokens = tokens(example, &exchange);
    assert_eq!(claims(&tokens)["groups"], json!(["staff"]));
    if scopes.contains("offline_access") {
        let refresh = tokens["refresh_token"].as_str().expect("a refresh token").to_owned();
        let again = self::tokens(example, &[("grant_type", "refresh_token"), ("refresh_token", &refresh)]);
        assert_eq!(claims(&again)["sub"], claims(&tokens)["sub"]);
    }
}

fn tokens(example: &Example, form: &[(&str, &str)]) -> Value {
    let body = Serializer::new(String::new()).extend_pairs(form).finish();
    let url = Url::parse(&format!("{}/oauth2/token", example.dev.origin)).expect("a URL");
    let pair = STANDARD.encode(format!("{}:{SECRET}", example.name));
    let headers = vec![
        ("Content-Type", "application/x-www-form-urlencoded".to_owned()),
        ("Authorization", format!("Basic {pair}")),
    ];
    let request = Request { method: "POST", url: &url, headers, body: body.as_bytes() };
    let answer = Client::default().send(&request).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn claims(tokens: &Value) -> Value {
    claims_in(tokens["id_token"].as_str().expect("an ID token"))
}

fn claims_in(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a token");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

#[test]
fn argo_cd_would_sign_in() {
    let Some(example) = Example::begin("argo-cd") else { return };
    goes_through(&example, "/auth/callback", "openid profile email groups");
}

#[test]
fn grafana_would_sign_in_and_refresh() {
    let Some(example) = Example::begin("grafana") else { return };
    goes_through(&example, "/login/generic_oauth", "openid profile email groups offline_access");
}

#[test]
fn kubectl_refreshes_and_shows_the_groups() {
    let Some(example) = Example::begin("kubectl") else { return };
    let Some(kubectl) = repository::program(&["kubectl"]) else {
        return skip::skip(example.name, "no kubectl");
    };
    let party = RelyingParty {
        issuer: example.dev.origin.clone(),
        client: "kubectl".to_owned(),
        redirect: example.at("/callback"),
    };
    let mut browser = party.browser();
    let start =
        party.authorize_url("a-state").replace("profile+email", "profile+email+groups+offline_access");
    let mut person = Person {
        address: ADDRESS.to_owned(),
        password: PASSWORD.to_owned(),
        code: Box::new(|| example.dev.code_for(ADDRESS, 0)),
    };
    let arrival = browser.open(&start).expect("a page");
    let left = person.walk(&mut browser, arrival).expect("the sign-in");
    let refresh =
        party.tokens(&mut browser, &left)["refresh_token"].as_str().expect("a refresh token").to_owned();

    let place = example.dev.folder.path();
    let (key, certificate) = (place.join("key.pem"), place.join("certificate.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
            "-keyout",
        ])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        return skip::skip(example.name, "no openssl");
    }
    let script = repository::path("tests/client/api-server.mjs");
    let paths = [&script, &key, &certificate].map(|path| path.to_str().expect("a path"));
    let mut server = example.serve("node", &[paths[0], &example.port.to_string(), paths[1], paths[2]]);

    let expired = format!("e30.{}.e30", URL_SAFE_NO_PAD.encode(r#"{"exp":1}"#));
    let text = std::fs::read_to_string(example.folder.join("kubeconfig.yaml")).expect("the page's file");
    let cluster = format!("{{ server: https://{}, insecure-skip-tls-verify: true }}", example.own);
    let text = text.replace("{ server: SERVER }", &cluster).replace("ISSUER", &example.dev.origin);
    let file = place.join("kubeconfig");
    std::fs::write(&file, text.replace("ID-TOKEN", &expired).replace("REFRESH-TOKEN", &refresh))
        .expect("a file");
    let run =
        Command::new(kubectl).arg("--kubeconfig").arg(&file).args(["get", "--raw", "/version"]).output();
    let run = run.expect("kubectl");
    assert!(run.status.success(), "{}\n{}", String::from_utf8_lossy(&run.stderr), example.dev.process.log());
    let shown = server.wait_for_line(Duration::from_secs(5), "a token", |line| {
        line.split_once(" Bearer ").map(|(_, token)| token.to_owned())
    });
    let claims = claims_in(&shown);
    assert_eq!((&claims["aud"], &claims["email"]), (&json!("kubectl"), &json!(ADDRESS)));
    assert_eq!(claims["groups"], json!(["staff"]));
    let kept = std::fs::read_to_string(&file).expect("the file");
    assert!(!kept.contains(&refresh), "the rotated refresh token is kept");
}
