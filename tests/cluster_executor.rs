//! One executor against a real API server, without an operator: this test writes what the operator would. What an
//! executor makes of late, missing and forbidden objects, and of an API server that is gone.
#![allow(clippy::expect_used, clippy::panic, reason = "a panic is the failure report of a test")]

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use idflow_test_support::cluster::Cluster;
use idflow_test_support::dev::Dev;
use idflow_test_support::http::{Client, Request};
use idflow_test_support::process::{Process, free_port};
use idflow_test_support::revision::{digest, forged};
use idflow_test_support::{wait, world};
use serde_json::{Value, json};
use url::Url;

const PROGRAM: &str = env!("CARGO_BIN_EXE_idflow");
const SOON: Duration = Duration::from_secs(20);

/// The tests stop the one API server.
static ALONE: Mutex<()> = Mutex::new(());

const FLOW: &str = "
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: sign-in }
spec:
  type: Login
  default: true
  start: password
  steps:
    - id: password
      password: { identify: true }
      outcomes: { next: done }
    - id: done
      complete: {}
";

const DIRECTORY: &str = "
apiVersion: idflow.dev/v1alpha1
kind: Directory
metadata: { name: people }
spec:
  default: true
  attributes: [{ name: email, type: Email, unique: true, required: true }]
  identifiers: [email]
";

/// The account with the rights that the operator gives, which name one Secret.
const ACCOUNT: &str = r#"
apiVersion: v1
kind: ServiceAccount
metadata: { name: idflow-executor }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: idflow-executor }
rules:
  - apiGroups: [idflow.dev]
    resources: [catalogs, flowrevisions, directories, connections, oidcclients, themes]
    verbs: [get, list, watch]
  - { apiGroups: [""], resources: [secrets], resourceNames: [SECRET], verbs: [get, list, watch] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: idflow-executor }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: idflow-executor }
subjects: [{ kind: ServiceAccount, name: idflow-executor, namespace: NAMESPACE }]
"#;

const CLIENT: &str = r#"
apiVersion: idflow.dev/v1alpha1
kind: OIDCClient
metadata: { name: app }
spec:
  redirectURIs: [http://127.0.0.1:9/callback]
  authentication: ClientSecretBasic
  secretRef: { name: app }
---
apiVersion: v1
kind: Secret
metadata: { name: app, labels: { idflow.dev/usable: "true" } }
stringData: { current: s3cret }
"#;

/// What `idflow dev` makes of a flow: the same contents and keys as the operator's.
struct Made {
    digest: String,
    content: String,
    keys: tempfile::TempDir,
}

fn made(flow: &str) -> Made {
    let (manifests, data) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    std::fs::write(manifests.path().join("flow.yaml"), format!("{flow}---{DIRECTORY}")).expect("a manifest");
    drop(Dev::start(PROGRAM, manifests.path(), data.path(), &[]));
    let mut kept = std::fs::read_dir(data.path().join("revisions")).expect("revisions");
    let path = kept.next().expect("a revision").expect("a revision").path();
    let secrets: Value =
        serde_json::from_slice(&std::fs::read(data.path().join("keys.json")).expect("keys")).expect("JSON");
    let keys = tempfile::tempdir().expect("a folder");
    for (file, entry) in [("es256.pem", "es256"), ("rs256.pem", "rs256"), ("sealing.key", "sealing")] {
        std::fs::write(keys.path().join(file), secrets[entry].as_str().expect("a key")).expect("a key");
    }
    std::fs::write(keys.path().join("admin.token"), "t0ken").expect("a token");
    Made {
        digest: path.file_stem().expect("a digest").to_string_lossy().into_owned(),
        content: std::fs::read_to_string(path).expect("a content"),
        keys,
    }
}

impl Made {
    fn revision(&self) -> Value {
        json!({
            "apiVersion": "idflow.dev/v1alpha1", "kind": "FlowRevision",
            "metadata": { "name": self.name() },
            "spec": {
                "flow": "sign-in", "generation": 1, "digest": self.digest, "content": self.content, "sources": [],
            },
        })
    }

    fn name(&self) -> String {
        format!("sign-in-g1-{}", &self.digest[..8])
    }

    fn entry(&self, weight: u32) -> Value {
        json!({ "revision": self.name(), "digest": self.digest, "weight": weight })
    }
}

fn catalog(issuer: &str, entries: &[Value]) -> Value {
    json!({
        "apiVersion": "idflow.dev/v1alpha1", "kind": "Catalog", "metadata": { "name": "idflow" },
        "spec": {
            "tenant": { "name": "acme", "issuer": issuer },
            "flows": [{ "flow": "sign-in", "type": "Login", "default": true, "entries": entries }],
        },
    })
}

struct Pod {
    public: String,
    admin: String,
    command: Box<dyn Fn() -> Command>,
    process: Process,
}

impl Pod {
    fn start(access: &Path, namespace: &str, keys: &Path, volumes: &Path) -> Self {
        let (public, admin) = (format!("127.0.0.1:{}", free_port()), format!("127.0.0.1:{}", free_port()));
        let volume = |name: &str| {
            let folder = volumes.join(name);
            std::fs::create_dir_all(&folder).expect("a volume");
            folder.display().to_string()
        };
        let (store, cache) = (volume("store"), volume("cache"));
        let mut words = vec!["executor".to_owned(), "--keys".to_owned(), keys.display().to_string()];
        let rest = [("--namespace", namespace), ("--listen", &public), ("--admin-listen", &admin)];
        let volumes = [("--store", store.as_str()), ("--cache", cache.as_str())];
        words.extend(
            rest.iter().chain(&volumes).flat_map(|(flag, value)| [(*flag).to_owned(), (*value).to_owned()]),
        );
        let access = access.to_owned();
        let command = move || {
            let mut command = Command::new(PROGRAM);
            command.env_clear().env("KUBECONFIG", &access).args(&words);
            command
        };
        Self {
            public,
            admin,
            process: Process::start("idflow executor", command()),
            command: Box::new(command),
        }
    }

    fn kill_and_start(&mut self) {
        self.process.kill();
        self.process = Process::start("idflow executor", (self.command)());
    }

    fn get(&self, path: &str) -> Result<(u16, String), String> {
        let url = Url::parse(&format!("http://{}{path}", self.admin)).expect("a URL");
        let mut request = Request::get(&url);
        request.headers.push(("authorization", "Bearer t0ken".to_owned()));
        let answer = Client::default().send(&request).map_err(|error| error.to_string())?;
        Ok((answer.status, answer.text()))
    }

    /// Waits until the report fits.
    fn report(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        wait::until(SOON, what, || {
            let (_, text) =
                self.get("/revisions").map_err(|error| format!("{error}\n{}", self.process.log()))?;
            let report: Value = serde_json::from_str(&text).map_err(|_| text.clone())?;
            if fits(&report) { Ok(report) } else { Err(format!("{report}\n{}", self.process.log())) }
        })
    }

    fn is_ready(&self) -> bool {
        self.get("/readyz").is_ok_and(|(status, _)| status == 200)
    }

    /// Whether a login begins: the way to the first page, or an answer to the application.
    fn begins_journeys(&self) -> bool {
        let query = "response_type=code&client_id=app&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback\
                     &scope=openid&code_challenge_method=S256\
                     &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&state=x";
        let url = Url::parse(&format!("http://{}/oauth2/authorize?{query}", self.public)).expect("a URL");
        Client::default().send(&Request::get(&url)).is_ok_and(|answer| (200..400).contains(&answer.status))
    }
}

#[test]
fn an_executor_follows_its_namespace_and_goes_on_without_it() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(cluster) = Cluster::shared("an_executor_follows_its_namespace") else { return };
    world::install(cluster);
    let namespace = cluster.namespace("executor");
    let apply = |manifest: &str| cluster.apply(&namespace, manifest).expect("kubectl apply");
    apply(DIRECTORY);
    apply(&ACCOUNT.replace("NAMESPACE", &namespace).replace("SECRET", "none"));
    let access = cluster.kubeconfig_for(&namespace, "idflow-executor");
    let (first, volumes) = (made(FLOW), tempfile::tempdir().expect("a folder"));
    let second = made(&FLOW.replace("start:", "lifetime: 30m\n  start:"));
    let mut pod = Pod::start(&access, &namespace, first.keys.path(), volumes.path());
    let issuer = format!("http://{}", pod.public);

    // Before the Catalog it is healthy and not ready; a revision that is listed and not there keeps it so.
    pod.report("the first report", |report| report["catalog"] == 0);
    assert!(pod.get("/healthz").is_ok_and(|(status, _)| status == 200) && !pod.is_ready());
    apply(&catalog(&issuer, &[first.entry(100)]).to_string());
    pod.report("a missing revision", |report| report["catalog"] == 1 && report["complete"] == false);
    assert!(!pod.is_ready());
    apply(&first.revision().to_string());
    pod.report("the first revision", |report| report["complete"] == true);
    assert!(pod.is_ready());

    // A client comes, its Secret is not allowed, then it is.
    apply(CLIENT);
    pod.report("a forbidden Secret", |report| report["problems"].to_string().contains("Secret app"));
    assert!(pod.is_ready() && !pod.begins_journeys());
    apply(&ACCOUNT.replace("NAMESPACE", &namespace).replace("SECRET", "app"));
    pod.report("the client", |report| report["problems"] == json!([]));
    assert!(pod.begins_journeys(), "{}", pod.process.log());

    // Without API server, also after kill -9, it serves as before.
    let before = pod.report("what it serves", |_| true);
    cluster.stop_api_server();
    assert!(pod.begins_journeys());
    pod.kill_and_start();
    let after = pod.report("the kept configuration", |report| report["complete"] == true);
    assert_eq!((&after["catalog"], &after["revisions"]), (&before["catalog"], &before["revisions"]));
    assert!(pod.is_ready() && pod.begins_journeys(), "{}", pod.process.log());
    let (_, metrics) = pod.get("/metrics").expect("metrics");
    let confirmed =
        metrics.lines().find_map(|line| line.strip_prefix("idflow_configuration_confirmed_seconds "));
    assert!(
        confirmed.is_some_and(|seconds| seconds.starts_with('1')),
        "the age is that of the kept one: {metrics}"
    );

    // The API server is back with news.
    cluster.start_api_server();
    apply(&second.revision().to_string());
    apply(&catalog(&issuer, &[first.entry(0), second.entry(100)]).to_string());
    pod.report("the second revision", |report| report["catalog"] == 2 && report["complete"] == true);
    assert!(pod.begins_journeys());

    // Revisions go only when neither the namespace nor the Catalog has them.
    cluster.kubectl(&["delete", "-n", &namespace, "flowrevision", &first.name()]).expect("a deletion");
    apply(&catalog(&issuer, &[second.entry(100)]).to_string());
    pod.report("one revision", |report| report["revisions"] == json!([{ "digest": second.digest }]));
    assert!(!pod.process.log().contains("s3cret"), "a Secret was logged: {}", pod.process.log());
    assert!(pod.process.terminate(SOON).success());
}

#[test]
fn a_revision_that_cannot_run_takes_no_pod_out_of_service() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(cluster) = Cluster::shared("a_revision_that_cannot_run_takes_no_pod_out_of_service") else {
        return;
    };
    world::install(cluster);
    let namespace = cluster.namespace("guest");
    let apply = |manifest: &str| cluster.apply(&namespace, manifest).expect("kubectl apply");
    apply(DIRECTORY);
    apply(&ACCOUNT.replace("NAMESPACE", &namespace).replace("SECRET", "app"));
    apply(CLIENT);
    let access = cluster.kubeconfig_for(&namespace, "idflow-executor");
    let (sound, volumes) = (made(FLOW), tempfile::tempdir().expect("a folder"));
    let next = made(&FLOW.replace("start:", "lifetime: 30m\n  start:"));
    let mut pod = Pod::start(&access, &namespace, sound.keys.path(), volumes.path());
    let newer = sound.content.replace("\"format\":", "\"format\":9");
    let newer = forged("sign-up-g2-format22", "sign-up", &digest(&newer), &newer);
    // Both have weight from the first Catalog on, and one needs a newer executor.
    let mut listed = catalog(&format!("http://{}", pod.public), &[sound.entry(100)]);
    let entry = json!({
        "revision": "sign-up-g2-format22", "digest": newer["spec"]["digest"], "weight": 100,
    });
    let flows = listed["spec"]["flows"].as_array_mut().expect("flows");
    flows.push(json!({ "flow": "sign-up", "type": "Registration", "entries": [entry] }));
    apply(&sound.revision().to_string());
    apply(&newer.to_string());
    apply(&listed.to_string());
    let report =
        pod.report("what it refuses", |report| report["refused"] != json!([]) && report["catalog"] == 1);
    let refused = &report["refused"][0];
    assert_eq!(
        (&refused["digest"], &refused["state"]),
        (&newer["spec"]["digest"], &json!("unusable")),
        "{report}"
    );
    assert!(refused["reason"].as_str().is_some_and(|reason| reason.contains("format 9")), "{report}");
    assert_eq!(report["revisions"], json!([{ "digest": sound.digest }]));
    assert!(pod.is_ready() && pod.begins_journeys(), "{}", pod.process.log());

    // After kill -9 and without API server as well.
    cluster.stop_api_server();
    pod.kill_and_start();
    pod.report("what it refuses again", |again| again["refused"] == report["refused"]);
    assert!(pod.is_ready() && pod.begins_journeys(), "{}", pod.process.log());
    cluster.start_api_server();

    // Somebody claims the digest of the next revision before it is there, and after it.
    apply(&forged("aaa-squatter", "sign-in", &next.digest, &sound.content).to_string());
    apply(&catalog(&format!("http://{}", pod.public), &[sound.entry(100), next.entry(0)]).to_string());
    pod.report("the next Catalog", |report| report["catalog"] == 2);
    apply(&next.revision().to_string());
    apply(&forged("zzz-squatter", "sign-in", &next.digest, &sound.content).to_string());
    let report = pod.report("the honest one", |report| report["complete"] == true);
    assert_eq!(report["refused"], json!([]), "{report}");
    assert!(pod.is_ready() && pod.begins_journeys(), "{}", pod.process.log());
    assert!(pod.process.terminate(SOON).success());
}
