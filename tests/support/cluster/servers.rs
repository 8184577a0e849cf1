//! The processes of a control plane. They belong to whoever started them: a test binary, or the program that starts
//! them once for a whole run. Whoever uses them talks to their keeper through files in their folder.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::pki::Pki;
use super::write_kubeconfig;
use crate::process::{Process, free_port};

/// While this file is there, there is no API server.
const STOPPED: &str = "stopped";

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

/// Running servers. Dropping them ends them and removes their folder.
pub struct Servers {
    pub(super) folder: PathBuf,
    ending: Arc<AtomicBool>,
    keeper: Option<JoinHandle<()>>,
    _others: [Process; 2],
}

impl Servers {
    /// Starts the programs in `assets` on free ports.
    pub fn start(assets: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("idflow-cluster-").tempdir().expect("a folder").keep();
        let pki = Pki::write(&folder);
        let (api_port, etcd_port) = (free_port(), free_port());
        let etcd = start_etcd(assets, &folder, etcd_port);
        std::fs::write(folder.join("api-port"), api_port.to_string()).expect("a file");
        for user in ["admin", "kcm"] {
            let (certificate, key) = pki.client(user);
            let access = format!("client-certificate: {certificate}, client-key: {key}");
            write_kubeconfig(&folder, user, api_port, &access);
        }
        let ending = Arc::new(AtomicBool::new(false));
        let keeper = keep(assets.to_owned(), folder.clone(), [api_port, etcd_port], Arc::clone(&ending));
        let controllers = start_controllers(assets, &folder);
        Self { folder, ending, keeper: Some(keeper), _others: [controllers, etcd] }
    }

    /// Where they keep their files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
        let _ = self.keeper.take().map(JoinHandle::join);
    }
}

/// Asks the keeper of the servers in `folder` for an API server, or for none.
pub(super) fn want_api_server(folder: &Path, wanted: bool) {
    let file = folder.join(STOPPED);
    let done = if wanted { std::fs::remove_file(file) } else { std::fs::write(file, "") };
    let is_there_already = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
    done.or_else(|error| if is_there_already(&error) { Ok(()) } else { Err(error) }).expect("a file");
}

/// Keeps the API server as it is wanted, with kill -9 when it is not.
fn keep(assets: PathBuf, folder: PathBuf, ports: [u16; 2], ending: Arc<AtomicBool>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut running: Option<Process> = None;
        while !ending.load(Ordering::Relaxed) {
            let wanted = !folder.join(STOPPED).exists();
            let runs = running.as_mut().is_some_and(|server| server.exited().is_none());
            if wanted != runs {
                running = wanted.then(|| start_api_server(&assets, &folder, ports));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    })
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

fn start_api_server(assets: &Path, folder: &Path, [port, etcd_port]: [u16; 2]) -> Process {
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
