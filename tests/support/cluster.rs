//! A real control plane: etcd, kube-apiserver and kube-controller-manager on free ports, without kubelet or scheduler.
//! It starts in about five seconds, once per test binary; every test takes a namespace of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use crate::process::{Process, free_port};
use crate::{repository, skip, wait};

mod pki;

use pki::Pki;

/// A control plane under two other heavy jobs took 20 s; a hang is told from that by a wide margin.
const START_LIMIT: Duration = Duration::from_mins(2);

/// Every request but those of Kubernetes' own parts and those that only wait for news.
const AUDIT: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
  - { level: None, verbs: [watch, list] }
  - { level: None, userGroups: [system:masters, system:nodes], nonResourceURLs: ['*'] }
  - { level: None, users: ['system:apiserver', 'system:kube-controller-manager'] }
  - { level: None, userGroups: ['system:serviceaccounts:kube-system'] }
  - { level: Metadata }
";

/// A running control plane.
pub struct Cluster {
    assets: PathBuf,
    folder: PathBuf,
    api_port: u16,
    etcd_port: u16,
    api_server: Mutex<Option<Process>>,
    _others: Vec<Process>,
    namespaces: AtomicU32,
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
    /// The test binary's own control plane; nothing, reported as a skipped `test`, where the servers cannot be had.
    pub fn shared(test: &str) -> Option<&'static Self> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let started =
            SHARED.get_or_init(|| repository::prepared_folder("tests/cluster/build.sh").map(Self::start));
        started.as_ref().inspect_err(|why| skip::skip(test, why)).ok()
    }

    /// Starts a control plane from the programs in `assets`.
    pub fn start(assets: PathBuf) -> Self {
        let folder = tempfile::Builder::new().prefix("idflow-cluster-").tempdir().expect("a folder").keep();
        let pki = Pki::write(&folder);
        let (api_port, etcd_port) = (free_port(), free_port());
        let etcd = start_etcd(&assets, &folder, etcd_port);
        let api_server = start_api_server(&assets, &folder, api_port, etcd_port);
        for user in ["admin", "kcm"] {
            let (certificate, key) = pki.client(user);
            let access = format!("client-certificate: {certificate}, client-key: {key}");
            write_kubeconfig(&folder, user, api_port, &access);
        }
        let controllers = start_controllers(&assets, &folder);
        let cluster = Self {
            assets,
            folder,
            api_port,
            etcd_port,
            api_server: Mutex::new(Some(api_server)),
            _others: vec![controllers, etcd],
            namespaces: AtomicU32::new(1),
        };
        cluster.wait_until_ready();
        cluster
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
        let name = format!("{prefix}-{}", self.namespaces.fetch_add(1, Ordering::Relaxed));
        self.kubectl(&["create", "namespace", &name]).expect("a namespace");
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
        self.api_server.lock().expect("lock").take();
    }

    /// Starts the API server again at the same address.
    pub fn start_api_server(&self) {
        let server = start_api_server(&self.assets, &self.folder, self.api_port, self.etcd_port);
        *self.api_server.lock().expect("lock") = Some(server);
        self.wait_until_ready();
    }

    fn wait_until_ready(&self) {
        wait::until(START_LIMIT, "the API server is ready", || {
            let answer = self.kubectl(&["get", "--raw", "/readyz"]);
            if answer.ok {
                return Ok(());
            }
            let log = self.api_server.lock().expect("lock").as_ref().map(Process::log).unwrap_or_default();
            Err(format!("{}\n{log}", answer.stderr))
        });
    }
}

fn start_etcd(assets: &Path, folder: &Path, port: u16) -> Process {
    let (client, peer) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{}", free_port()));
    let mut command = Command::new(assets.join("etcd"));
    command.arg("--data-dir").arg(folder.join("etcd")).args(["--unsafe-no-fsync", "--log-level", "warn"]);
    command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
    command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
    command.args(["--initial-cluster", &format!("default={peer}")]);
    // etcd is the last to be dropped, so the folder goes with it.
    Process::start_with_folder("etcd", command, Some(folder))
}

fn start_api_server(assets: &Path, folder: &Path, port: u16, etcd_port: u16) -> Process {
    std::fs::write(folder.join("audit.yaml"), AUDIT).expect("a policy");
    let mut command = Command::new(assets.join("kube-apiserver"));
    command.arg(format!("--etcd-servers=http://127.0.0.1:{etcd_port}")).arg(format!("--secure-port={port}"));
    command.args([
        "--bind-address=127.0.0.1",
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction,PodSecurity,OwnerReferencesPermissionEnforcement",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        "--profiling=false",
    ]);
    let files = [
        ("audit-policy-file", "audit.yaml"),
        ("audit-log-path", "audit.log"),
        ("cert-dir", ""),
        ("tls-cert-file", "apiserver.crt"),
        ("tls-private-key-file", "apiserver.key"),
        ("client-ca-file", "ca.crt"),
        ("service-account-key-file", "accounts.pub"),
        ("service-account-signing-key-file", "accounts.key"),
    ];
    with_files(&mut command, folder, &files);
    Process::start("kube-apiserver", command)
}

fn start_controllers(assets: &Path, folder: &Path) -> Process {
    let mut command = Command::new(assets.join("kube-controller-manager"));
    command.args([
        "--leader-elect=false",
        "--secure-port=0",
        "--use-service-account-credentials=true",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ]);
    let files = [
        ("kubeconfig", "kcm.kubeconfig"),
        ("root-ca-file", "ca.crt"),
        ("service-account-private-key-file", "accounts.key"),
    ];
    with_files(&mut command, folder, &files);
    Process::start("kube-controller-manager", command)
}

fn with_files(command: &mut Command, folder: &Path, files: &[(&str, &str)]) {
    for (flag, file) in files {
        command.arg(format!("--{flag}={}", folder.join(file).display()));
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
