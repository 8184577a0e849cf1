//! Listening to executor pods: one hanging GET each, so that news arrive at once and nothing is asked by interval.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use idflow_api::workload::{ADMIN_PORT, ADMIN_TOKEN, KEYS_SECRET};
use idflow_core::secret::SecretText;
use idflow_core::time::{Clock, Timestamp};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::{Api, Client, ResourceExt as _};
use serde::Deserialize;
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;

use crate::queue::Job;
use crate::route::{Controller, Queues};

/// A hanging GET is answered after 25 s at the latest.
const ANSWER_LIMIT: Duration = Duration::from_secs(40);
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_secs(1);

/// The largest report that is read: some thousands of revisions.
const MAX_REPORT: usize = 1 << 20;

/// What a pod reports. Unknown fields are left to newer operators.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Rises with every change; begins anew with the process.
    pub(crate) number: u64,
    /// The generation of the Catalog that is loaded.
    pub(crate) catalog: i64,
    /// What is held and may run.
    pub(crate) revisions: Vec<Held>,
    /// What is listed and does not run there. Executors of the first version do not tell.
    #[serde(default)]
    pub(crate) refused: Vec<Refused>,
    /// The attributes of each Directory that are unique now. Executors of the first version do not tell.
    pub(crate) indexed: Option<BTreeMap<String, BTreeSet<String>>>,
    /// The attributes that are declared unique and are not yet.
    #[serde(default)]
    pub(crate) unindexed: Vec<Unindexed>,
    /// The last refusal of an application's requests, by client identifier.
    #[serde(default)]
    pub(crate) refusals: BTreeMap<String, ClientRefusal>,
}

/// A refusal of an application's request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ClientRefusal {
    pub(crate) at: Timestamp,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) field: String,
}

/// An attribute that is not unique yet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Unindexed {
    pub(crate) directory: String,
    pub(crate) attribute: String,
    /// How many users have a value that another one has too; 0 while they are still being compared.
    pub(crate) duplicates: u32,
    /// How many stored records cannot be opened.
    #[serde(default)]
    pub(crate) unreadable: u32,
}

/// A held revision.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub(crate) struct Held {
    pub(crate) digest: String,
}

/// A revision that does not run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Refused {
    pub(crate) digest: String,
    pub(crate) state: Refusal,
    pub(crate) reason: String,
}

/// Why it does not run. A word of a newer executor counts as the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Refusal {
    Forbidden,
    #[serde(other)]
    Unusable,
}

/// What is known from a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Heard {
    /// Its last report, while it answers.
    pub(crate) report: Option<Report>,
    /// Since when it does not answer.
    pub(crate) silent_since: Option<Timestamp>,
}

struct Listener {
    namespace: String,
    address: String,
    task: AbortHandle,
    heard: Heard,
}

/// What listening takes.
pub(crate) struct Means {
    pub(crate) client: Client,
    pub(crate) http: reqwest::Client,
    pub(crate) clock: Arc<dyn Clock>,
    /// Who is told of news.
    pub(crate) queues: Arc<Queues>,
}

/// The listeners by pod uid. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Pods {
    means: Arc<Means>,
    tasks: TaskTracker,
    listeners: Arc<Mutex<BTreeMap<String, Listener>>>,
}

impl Pods {
    pub(crate) fn new(means: Means) -> Self {
        Self { means: Arc::new(means), tasks: TaskTracker::new(), listeners: Arc::default() }
    }

    fn listeners(&self) -> MutexGuard<'_, BTreeMap<String, Listener>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens to exactly these pods of a namespace, at the addresses they have now.
    pub(crate) fn follow(&self, namespace: &str, pods: &[Arc<Pod>]) {
        let wanted: BTreeMap<String, String> =
            pods.iter().filter_map(|pod| Some((pod.uid()?, address(pod)?))).collect();
        let mut listeners = self.listeners();
        listeners.retain(|uid, listener| {
            let keep = listener.namespace != namespace || wanted.get(uid) == Some(&listener.address);
            if !keep {
                listener.task.abort();
            }
            keep
        });
        for (uid, address) in wanted {
            listeners.entry(uid.clone()).or_insert_with(|| {
                let task = listen(self.clone(), namespace.to_owned(), uid, address.clone());
                let task = self.tasks.spawn(task).abort_handle();
                Listener { namespace: namespace.to_owned(), address, task, heard: Heard::default() }
            });
        }
    }

    /// What is known from a pod.
    pub(crate) fn heard(&self, pod: &Pod) -> Heard {
        let uid = pod.uid().unwrap_or_default();
        self.listeners().get(&uid).map(|listener| listener.heard.clone()).unwrap_or_default()
    }

    /// Takes in what a pod said; says whether that is news.
    fn note(&self, uid: &str, report: Option<Report>, now: Timestamp) -> bool {
        let mut listeners = self.listeners();
        let Some(listener) = listeners.get_mut(uid) else { return false };
        let silent_since = match &report {
            Some(_) => None,
            None => listener.heard.silent_since.or(Some(now)),
        };
        let heard = Heard { report, silent_since };
        let is_news = listener.heard != heard;
        listener.heard = heard;
        is_news
    }
}

/// Pods are reached by address inside the cluster, where the guard against private addresses has nothing to guard.
#[expect(clippy::disallowed_methods, reason = "addresses come from the API server, not from a tenant")]
pub(crate) fn http_client() -> anyhow::Result<reqwest::Client> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_LIMIT)
        .timeout(ANSWER_LIMIT);
    Ok(client.build()?)
}

/// Where a pod's second port is.
fn address(pod: &Pod) -> Option<String> {
    let ip = pod.status.as_ref()?.pod_ip.as_ref().filter(|ip| !ip.is_empty())?;
    let ports = pod.spec.as_ref()?.containers.iter().flat_map(|container| container.ports.iter().flatten());
    let port = ports.into_iter().find(|port| port.name.as_deref() == Some(ADMIN_PORT.0))?.container_port;
    Some(if ip.contains(':') { format!("http://[{ip}]:{port}") } else { format!("http://{ip}:{port}") })
}

async fn listen(pods: Pods, namespace: String, uid: String, address: String) {
    let mut after = 0;
    let mut token = None;
    loop {
        if token.is_none() {
            token = read_token(&pods.means.client, &namespace).await;
        }
        let report = match &token {
            Some(token) => ask(&pods.means.http, &address, after, token).await,
            None => Err(Silence::NoToken),
        };
        after = report.as_ref().map_or(0, |report| report.number);
        let failed = report.is_err();
        if let Err(silence) = &report {
            tracing::debug!(%namespace, %address, %silence, "an executor does not report");
            token = token.filter(|_| !matches!(silence, Silence::Refused));
        }
        if pods.note(&uid, report.ok(), pods.means.clock.now()) {
            pods.means.queues.add(Controller::Executor, Job::namespace(&namespace));
        }
        if failed {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Silence {
    #[error("the keys Secret cannot be read")]
    NoToken,
    #[error("it refuses the token")]
    Refused,
    #[error("it answered {0}")]
    Status(reqwest::StatusCode),
    #[error("its report is too long or not a report")]
    Unreadable,
    #[error(transparent)]
    Unreachable(#[from] reqwest::Error),
}

async fn ask(
    http: &reqwest::Client,
    address: &str,
    after: u64,
    token: &SecretText,
) -> Result<Report, Silence> {
    let request = http.get(format!("{address}/revisions?after={after}"));
    let mut answer = request.bearer_auth(token.expose_for("the executor's second port")).send().await?;
    match answer.status() {
        reqwest::StatusCode::OK => {}
        reqwest::StatusCode::UNAUTHORIZED => return Err(Silence::Refused),
        other => return Err(Silence::Status(other)),
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_REPORT {
            return Err(Silence::Unreadable);
        }
    }
    serde_json::from_slice(&body).map_err(|_| Silence::Unreadable)
}

async fn read_token(client: &Client, namespace: &str) -> Option<SecretText> {
    let secret = Api::<Secret>::namespaced(client.clone(), namespace).get(KEYS_SECRET).await.ok()?;
    let token = secret.data?.remove(ADMIN_TOKEN)?;
    String::from_utf8(token.0).ok().map(SecretText::new)
}
