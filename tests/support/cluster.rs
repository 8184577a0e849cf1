//! A real control plane: etcd, kube-apiserver and kube-controller-manager on free ports, without kubelet or
//! scheduler. `make test` starts it once for the whole run, a test binary that runs alone starts one of its own;
//! every test takes a namespace of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::{repository, skip, wait};

mod pki;
mod servers;

pub use servers::Servers;

/// The variable that names the folder of a control plane that others started.
pub const SHARED: &str = "IDFLOW_TEST_CLUSTER";

/// The label of namespaces that tests make.
const LABEL: &str = "idflow.dev/made-by=tests";

/// A control plane under two other heavy jobs took 20 s; a hang is told from that by a wide margin.
const START_LIMIT: Duration = Duration::from_mins(2);

/// A running control plane.
pub struct Cluster {
    assets: PathBuf,
    folder: PathBuf,
    api_port: u16,
    /// Nothing when others started it.
    _own: Option<Servers>,
    namespaces: AtomicU32,
    /// Whether this process has installed our charts here.
    pub(crate) installed: OnceLock<()>,
}

/// What a kubectl call gave.
#[derive(Debug)]
pub struct Answer {
    pub ok: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    /// Standard output of a call that must succeed.
    pub fn expect(self, what: &str) -> String {
        assert!(self.ok, "{what}: {}", self.stderr);
        self.stdout
    }

    /// Standard error of a call that must be refused.
    pub fn expect_refusal(self, what: &str) -> String {
        assert!(!self.ok, "{what} was accepted: {}", self.stdout);
        self.stderr
    }

    /// Standard output as JSON.
    pub fn json(self, what: &str) -> serde_json::Value {
        serde_json::from_str(&self.expect(what)).unwrap_or_else(|error| panic!("{what}: {error}"))
    }
}

impl Cluster {
    /// The control plane of this run; nothing, reported as a skipped `test`, where the servers cannot be had.
    pub fn shared(test: &str) -> Option<&'static Self> {
        static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let started = CLUSTER.get_or_init(|| {
            let assets = repository::prepared_folder("tests/cluster/build.sh")?;
            // What is tested is installed by our charts.
            repository::prepared_folder("tests/helm/build.sh")?;
            Ok(match std::env::var_os(SHARED) {
                Some(folder) => Self::of_the_run(assets, folder.into()),
                None => Self::start(assets),
            })
        });
        started.as_ref().inspect_err(|why| skip::skip(test, why)).ok()
    }

    /// Starts a control plane from the programs in `assets`.
    pub fn start(assets: PathBuf) -> Self {
        let own = Servers::start(&assets);
        let cluster = Self::at(assets, own.folder.clone(), Some(own));
        cluster.wait_until_ready();
        cluster
    }

    /// The control plane that was started for the whole run, without what test binaries before this one left: their
    /// operators are gone, and their tenants would only be work for ours.
    fn of_the_run(assets: PathBuf, folder: PathBuf) -> Self {
        let cluster = Self::at(assets, folder, None);
        cluster.start_api_server();
        // Where nobody has installed the definitions yet there is nothing to delete, and kubectl says so.
        let _no_definitions = cluster.kubectl(&["delete", "tenants", "--all", "--wait=false"]);
        cluster.kubectl(&["delete", "namespaces", "-l", LABEL, "--wait=false"]).expect("old namespaces go");
        cluster
            .kubectl(&["delete", "leases", "-n", "idflow-system", "--all", "--ignore-not-found"])
            .expect("the lease of an operator that is gone");
        cluster
    }

    fn at(assets: PathBuf, folder: PathBuf, own: Option<Servers>) -> Self {
        let port = std::fs::read_to_string(folder.join("api-port")).expect("the servers' folder");
        let api_port = port.parse().expect("a port");
        Self {
            assets,
            folder,
            api_port,
            _own: own,
            namespaces: AtomicU32::new(1),
            installed: OnceLock::new(),
        }
    }

    /// The administrator's kubeconfig file.
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.join("admin.kubeconfig")
    }

    /// Runs kubectl as the administrator.
    pub fn kubectl(&self, arguments: &[&str]) -> Answer {
        self.kubectl_with(arguments, "")
    }

    /// Runs kubectl as the administrator with `input` on standard input.
    pub fn kubectl_with(&self, arguments: &[&str], input: &str) -> Answer {
        let mut command = Command::new(self.assets.join("kubectl"));
        command.arg("--kubeconfig").arg(self.kubeconfig()).args(arguments).env("HOME", &self.folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("kubectl");
        // A refused call may end before it has read everything.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("kubectl");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Answer { ok: output.status.success(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// `kubectl apply` of a manifest into a namespace.
    pub fn apply(&self, namespace: &str, manifest: &str) -> Answer {
        self.kubectl_with(&["apply", "-n", namespace, "-f", "-"], manifest)
    }

    /// One object as JSON; panics when it is not there.
    pub fn get(&self, namespace: &str, object: &str) -> serde_json::Value {
        self.kubectl(&["get", "-n", namespace, object, "-o", "json"]).json(object)
    }

    /// The items of a list as JSON.
    pub fn list(&self, namespace: &str, kind: &str) -> Vec<serde_json::Value> {
        let list = self.kubectl(&["get", "-n", namespace, kind, "-o", "json"]).json(kind);
        list["items"].as_array().expect("items").clone()
    }

    /// What was asked so far about objects in namespaces of these names, or of these names, by others than kubectl:
    /// verb and address, in order.
    pub fn requests_about(&self, names: &[String]) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder.join("audit.log")).unwrap_or_default();
        let mut requests = Vec::new();
        // The last line may be half written.
        for event in log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()) {
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let object = &event["objectRef"];
            let is_about =
                [&object["namespace"], &object["name"]].iter().any(|part| names.contains(&text(part)));
            if is_about && !text(&event["userAgent"]).starts_with("kubectl") {
                requests.push(format!("{} {}", text(&event["verb"]), text(&event["requestURI"])));
            }
        }
        requests
    }

    /// A new, empty namespace.
    pub fn namespace(&self, prefix: &str) -> String {
        // Other test binaries of the run use the same control plane.
        let number = self.namespaces.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}-{}-{number}", std::process::id());
        self.kubectl(&["create", "namespace", &name]).expect("a namespace");
        self.kubectl(&["label", "namespace", &name, LABEL]).expect("its label");
        name
    }

    /// A kubeconfig whose only credential is a token of this `ServiceAccount`.
    pub fn kubeconfig_for(&self, namespace: &str, account: &str) -> PathBuf {
        let token = self.kubectl(&["create", "token", "-n", namespace, account, "--duration=2h"]);
        let access = format!("token: {}", token.expect("a token").trim());
        write_kubeconfig(&self.folder, &format!("{namespace}.{account}"), self.api_port, &access)
    }

    /// Ends the API server alone, with kill -9; etcd and the controllers go on.
    pub fn stop_api_server(&self) {
        servers::want_api_server(&self.folder, false);
        wait::until(START_LIMIT, "the API server is gone", || {
            if self.kubectl(&["get", "--raw", "/readyz"]).ok { Err("it still answers") } else { Ok(()) }
        });
    }

    /// Starts the API server again at the same address.
    pub fn start_api_server(&self) {
        servers::want_api_server(&self.folder, true);
        self.wait_until_ready();
    }

    fn wait_until_ready(&self) {
        wait::until(START_LIMIT, "the API server is ready", || {
            let answer = self.kubectl(&["get", "--raw", "/readyz"]);
            if answer.ok { Ok(()) } else { Err(answer.stderr) }
        });
    }
}

fn write_kubeconfig(folder: &Path, name: &str, api_port: u16, access: &str) -> PathBuf {
    let file = folder.join(format!("{name}.kubeconfig"));
    let authority = folder.join("ca.crt");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         clusters: [{{name: test, cluster: {{server: \"https://127.0.0.1:{api_port}\", certificate-authority: {}}}}}]\n\
         users: [{{name: test, user: {{{access}}}}}]\n\
         contexts: [{{name: test, context: {{cluster: test, user: test}}}}]\n",
        authority.display()
    );
    std::fs::write(&file, text).expect("kubeconfig");
    file
}
