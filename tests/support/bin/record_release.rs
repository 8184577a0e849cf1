//! Records what a released version writes, for `tests/releases`: `record-release PROGRAM FOLDER`.
//!
//! FOLDER gets the custom resource definitions, the objects of a tenant as the API server stores them, the store of an
//! `idflow dev` in the middle of things, and what the people in it hold: cookies, tokens, the open journeys.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a panic is the failure report of this program, which runs on the real clock"
)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use idflow_test_support::browser::{Browser, Page};
use idflow_test_support::cluster::Cluster;
use idflow_test_support::dev::Dev;
use idflow_test_support::oidc::RelyingParty;
use idflow_test_support::person::Person;
use idflow_test_support::repository;
use idflow_test_support::world::{self, PASSWORD, World};
use serde_json::{Value, json};

/// The tenant of the simulation, which reads the store again.
const TENANT: &str = "src/executor/tests/sim/tenant.yaml";
/// The tenant that the released version serves while it is upgraded.
const WORLD: &str = "tests/support/tenant.yaml";
const ADDRESS: &str = "ada@example.com";
const KINDS: &str = "tenants,directories,connections,oidcclients,flows,flowrevisions,catalogs";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [program, folder] = arguments.as_slice() else { panic!("usage: record-release PROGRAM FOLDER") };
    let folder = Path::new(folder);
    let definitions = folder.join("crds");
    let status = Command::new(program).arg("crds").arg(&definitions).status();
    assert!(status.expect("the program starts").success(), "idflow crds");
    record_store(program, folder);
    let objects = record_objects(program, &definitions);
    write(&folder.join("objects.json"), &objects);
    std::fs::copy(repository::path(WORLD), folder.join("world.yaml")).expect("the manifests");
}

fn write(file: &Path, value: &Value) {
    let text = serde_json::to_string_pretty(value).expect("JSON");
    std::fs::write(file, text + "\n").unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

fn record_store(program: &str, folder: &Path) {
    let manifests = tempfile::tempdir().expect("a folder");
    std::fs::copy(repository::path(TENANT), manifests.path().join("tenant.yaml")).expect("the manifests");
    std::fs::copy(repository::path(TENANT), folder.join("tenant.yaml")).expect("the manifests");
    let mut dev = Dev::start(program, manifests.path(), &folder.join("store"), &[]);
    let client = RelyingParty {
        issuer: dev.origin.clone(),
        client: "app".to_owned(),
        redirect: "https://app.example.com/callback".to_owned(),
    };
    let scope = |url: String| url.replace("scope=openid+profile+email", "scope=openid+email+offline_access");

    let mut signed_in = client.browser();
    let sign_up = scope(format!("{}&prompt=create", client.authorize_url("sign-up")));
    let arrival = signed_in.open(&sign_up).expect("the sign-up");
    let callback = person(&dev).walk(&mut signed_in, arrival).expect("the sign-up");
    let tokens = client.tokens(&mut signed_in, &callback);

    let (mut at_password, mut at_code) = (client.browser(), client.browser());
    let password_page = at_password.open(&scope(client.authorize_url("s"))).expect("the sign-in").page();
    let first = at_code.open(&scope(client.authorize_url("s"))).expect("the sign-in").page();
    let form = person(&dev).fill(&first);
    let code_page = at_code.submit(&first, &form).expect("the password").page();
    assert!(code_page.form_with("code").has_field("code"), "{}", code_page.text());
    let code = dev.code_for(ADDRESS, 1);

    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_millis();
    write(
        &folder.join("people.json"),
        &json!({
            "at": u64::try_from(now).expect("a clock"),
            "issuer": dev.origin,
            "address": ADDRESS,
            "password": PASSWORD,
            "session": signed_in.cookie_header(&password_page.url),
            "refreshToken": tokens["refresh_token"].as_str().expect("a refresh token"),
            "journeys": [
                journey("password", &at_password, &password_page, None),
                journey("code", &at_code, &code_page, Some(&code)),
            ],
        }),
    );
    assert!(dev.process.terminate(Duration::from_secs(10)).success(), "{}", dev.process.log());
}

fn person(dev: &Dev) -> Person<'_> {
    let (address, password) = (ADDRESS.to_owned(), PASSWORD.to_owned());
    Person { address, password, code: Box::new(|| dev.code_for(ADDRESS, 0)) }
}

fn journey(step: &str, browser: &Browser, page: &Page, code: Option<&str>) -> Value {
    json!({ "step": step, "path": page.url.path(), "cookies": browser.cookie_header(&page.url), "code": code })
}

/// The objects of a tenant that is Ready, without what only this API server means by them.
fn record_objects(program: &str, definitions: &Path) -> Value {
    let cluster = Cluster::shared("record-release").expect("the servers of tests/cluster/build.sh");
    for file in std::fs::read_dir(definitions).expect("the definitions") {
        let file = file.expect("an entry").path();
        world::install_definitions(cluster, &std::fs::read_to_string(file).expect("a definition"));
    }
    let _operator = world::start_operator_as_admin(cluster, program);
    let world = World::start(cluster, program, "released");
    world.wait_until_ready();
    world.sign_up(ADDRESS);
    let mut objects = cluster.list(&world.namespace, KINDS);
    for object in &mut objects {
        let metadata = object["metadata"].as_object_mut().expect("metadata");
        for own in
            ["uid", "resourceVersion", "creationTimestamp", "managedFields", "ownerReferences", "selfLink"]
        {
            metadata.remove(own);
        }
    }
    json!({ "namespace": world.namespace, "items": objects })
}
