//! The stand-in for the kubelet: runs the pods of one namespace as processes of this machine, each on a loopback
//! address of its own, exactly as their specs say: arguments, environment, volumes, readiness probe, restarts. A pod's
//! process has no credential but a token of its own `ServiceAccount`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::cluster::Cluster;
use crate::http::{Client, Request};
use crate::process::Process;
use crate::wait;

mod container;

/// How often pods are looked at and probed.
const INTERVAL: Duration = Duration::from_millis(400);

/// How long a process may take to end after SIGTERM; the real kubelet gives 30 s.
const GRACE: Duration = Duration::from_secs(10);

/// Runs the pods of one namespace until it is dropped.
pub struct Kubelet {
    node: Arc<Node>,
    thread: Option<JoinHandle<()>>,
}

struct Node {
    cluster: &'static Cluster,
    namespace: String,
    program: PathBuf,
    folder: TempDir,
    pods: Mutex<HashMap<String, Pod>>,
    stopping: AtomicBool,
}

struct Pod {
    uid: String,
    address: String,
    port: u64,
    probe: Option<Url>,
    command: Box<dyn Fn() -> Command + Send>,
    process: Process,
    restarts: u32,
    reported: Option<(bool, u32)>,
}

impl Kubelet {
    /// Runs every pod of `namespace` with `program` in place of its image.
    pub fn start(cluster: &'static Cluster, namespace: &str, program: &str) -> Self {
        let node = Arc::new(Node {
            cluster,
            namespace: namespace.to_owned(),
            program: program.into(),
            folder: tempfile::tempdir().expect("a folder"),
            pods: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let own = Arc::clone(&node);
        let thread = std::thread::spawn(move || {
            while !own.stopping.load(Ordering::Relaxed) {
                own.sync();
                sleep(INTERVAL);
            }
        });
        Self { node, thread: Some(thread) }
    }

    /// The loopback address of a running pod, once there is one.
    pub fn address(&self, pod: &str) -> String {
        wait::until(Duration::from_mins(1), &format!("pod {pod} runs"), || {
            self.node.pods().get(pod).map(|pod| pod.address.clone()).ok_or("no such pod")
        })
    }

    /// Address and first port of a running pod, once there is one.
    pub fn authority(&self, pod: &str) -> String {
        let address = self.address(pod);
        format!("{address}:{}", self.node.pods().get(pod).map_or(0, |pod| pod.port))
    }

    /// kill -9 of a pod's process; it is started again as the kubelet would.
    pub fn kill(&self, pod: &str) {
        self.node.pods().get_mut(pod).unwrap_or_else(|| panic!("no pod {pod}")).process.kill();
    }

    /// How often the process of a pod was started again.
    pub fn restarts(&self, pod: &str) -> u32 {
        self.node.pods().get(pod).map_or(0, |pod| pod.restarts)
    }

    /// What the pods have printed.
    pub fn log(&self) -> String {
        self.node.pods().values().map(|pod| pod.process.log()).collect()
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.node.stopping.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Node {
    fn pods(&self) -> MutexGuard<'_, HashMap<String, Pod>> {
        self.pods.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// One look at the wanted pods. Without an API server everything goes on as it is.
    fn sync(&self) {
        let answer = self.cluster.kubectl(&["get", "pods", "-n", &self.namespace, "-o", "json"]);
        if let Some(wanted) = answer.ok.then(|| serde_json::from_str::<Value>(&answer.stdout).expect("JSON"))
        {
            self.match_wanted(wanted["items"].as_array().expect("items"));
        }
        for (name, pod) in self.pods().iter_mut() {
            if pod.process.exited().is_some() {
                pod.restarts += 1;
                pod.process = Process::start(name, (pod.command)());
            }
            self.report(name, pod);
        }
    }

    fn match_wanted(&self, wanted: &[Value]) {
        let is_wanted = |name: &str, uid: &str| {
            let same = |pod: &&Value| pod["metadata"]["name"] == name && pod["metadata"]["uid"] == uid;
            wanted.iter().find(same).is_some_and(|pod| pod["metadata"]["deletionTimestamp"].is_null())
        };
        let mut pods = self.pods();
        let gone: Vec<String> = pods
            .iter()
            .filter(|(name, pod)| !is_wanted(name, &pod.uid))
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            let mut pod = pods.remove(&name).expect("it was listed");
            if pod.process.exited().is_none() {
                pod.process.terminate(GRACE);
            }
        }
        for spec in wanted.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()) {
            let name = spec["metadata"]["name"].as_str().expect("a name");
            if !pods.contains_key(name) {
                pods.insert(name.to_owned(), self.start_pod(name, spec));
            }
        }
    }

    fn start_pod(&self, name: &str, spec: &Value) -> Pod {
        let address = next_address();
        let command = container::command(self, spec, &address);
        Pod {
            uid: spec["metadata"]["uid"].as_str().expect("a uid").to_owned(),
            port: spec["spec"]["containers"][0]["ports"][0]["containerPort"].as_u64().unwrap_or(0),
            probe: container::probe(spec, &address),
            process: Process::start(name, command()),
            command: Box::new(command),
            address,
            restarts: 0,
            reported: None,
        }
    }

    /// Writes the pod's status when its readiness or the number of its restarts has changed.
    fn report(&self, name: &str, pod: &mut Pod) {
        let ready = pod.probe.as_ref().is_none_or(|url| {
            Client::default().send(&Request::get(url)).is_ok_and(|answer| (200..400).contains(&answer.status))
        });
        if pod.reported == Some((ready, pod.restarts)) {
            return;
        }
        let status = if ready { "True" } else { "False" };
        let conditions = ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map(|kind| {
            let holds = matches!(kind, "PodScheduled" | "Initialized");
            json!({ "type": kind, "status": if holds { "True" } else { status } })
        });
        let patch = json!({ "status": {
            "phase": "Running", "podIP": pod.address, "podIPs": [{ "ip": pod.address }], "conditions": conditions,
            "containerStatuses": [{
                "name": "executor", "ready": ready, "started": true, "restartCount": pod.restarts,
                "image": "test", "imageID": "test", "state": { "running": {} },
            }],
        }});
        let patch = patch.to_string();
        let arguments = [
            "patch",
            "pod",
            "-n",
            &self.namespace,
            name,
            "--subresource=status",
            "--type=merge",
            "-p",
            &patch,
        ];
        if self.cluster.kubectl(&arguments).ok {
            pod.reported = Some((ready, pod.restarts));
        }
    }
}

/// Every pod of a test run has an address of its own, as in a cluster; so has every test run, as others may go on
/// beside it. All of 127.0.0.0/8 is this machine.
fn next_address() -> String {
    static LAST: AtomicU8 = AtomicU8::new(1);
    let run = std::process::id() % 250 + 1;
    format!("127.{run}.0.{}", LAST.fetch_add(1, Ordering::Relaxed) + 1)
}
