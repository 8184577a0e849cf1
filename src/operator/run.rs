//! Starting and ending the operator.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use idflow_flow::schema::Schemas;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::events::{Recorder, Reporter};
use kube::{Api, Client, Resource};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::applied::Applied;
use crate::built_in::BuiltIn;
use crate::context::{Context, Environment, Settings};
use crate::executor::pods::{Means, Pods, http_client};
use crate::lease::{Leadership, Lease};
use crate::metrics::Metrics;
use crate::route::{Controller, Queues, Watched};
use crate::tenant::namespaces::Namespaces;
use crate::versioned::Versioned;
use crate::watch::{self, Intake, Scope};
use crate::world::World;

/// How long the first listing of everything may take before that is logged; without the right to read a kind it
/// takes for ever.
const LISTING_PATIENCE: Duration = Duration::from_secs(20);

/// Runs the operator until `shutdown` ends, or until it does not lead any more, which is an error: whoever starts it
/// starts it again.
///
/// # Errors
/// When the API server cannot be reached at the start, the port is taken, or leadership is lost.
pub async fn run(
    client: Client,
    settings: Settings,
    environment: Environment,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let ctx = context(client.clone(), settings.clone(), environment)?;
    let mut tasks = JoinSet::new();
    if let Some(listen) = settings.listen {
        let ctx = Arc::clone(&ctx);
        tasks.spawn(async move {
            if let Err(error) = crate::probes::serve(ctx, listen).await {
                tracing::error!(%error, %listen, "probes and metrics are not served");
            }
        });
    }
    let mut lease = Lease::compete(client, &settings.namespace, &settings.identity).await?;
    let ended = tokio::select! {
        () = shutdown => Ok(()),
        ended = lead(Arc::clone(&ctx), &mut lease, &mut tasks) => ended,
    };
    // Nothing may be written any more when somebody else can lead.
    tasks.shutdown().await;
    lease.release().await;
    ended
}

async fn lead(ctx: Arc<Context>, lease: &mut impl Leadership, tasks: &mut JoinSet<()>) -> anyhow::Result<()> {
    tracing::info!(identity = ctx.settings.identity, "waiting for the lease");
    lease.acquired().await?;
    ctx.metrics.set_leader(true);
    tracing::info!("leading");
    tokio::select! {
        () = lease.lost() => anyhow::bail!("another operator leads now"),
        () = work(ctx, tasks) => anyhow::bail!("the controllers ended"),
    }
}

fn context(client: Client, settings: Settings, environment: Environment) -> anyhow::Result<Arc<Context>> {
    let reporter =
        Reporter { controller: "idflow.dev/operator".to_owned(), instance: Some(settings.identity.clone()) };
    let recorder = Recorder::new(client.clone(), reporter);
    let intake = Intake {
        world: Arc::new(World::new()),
        queues: Arc::new(Queues::new(&environment.clock, &environment.chance)),
        metrics: Arc::new(Metrics::new()),
    };
    let pods = Pods::new(Means {
        client: client.clone(),
        http: http_client()?,
        clock: Arc::clone(&environment.clock),
        queues: Arc::clone(&intake.queues),
    });
    let begin = namespaced(client.clone(), intake.clone());
    let Intake { world, queues, metrics } = intake;
    Ok(Arc::new(Context {
        client,
        recorder,
        settings,
        schemas: Arc::new(Schemas::new(environment.kinds)),
        environment,
        namespaces: Namespaces::new(Arc::clone(&world), Box::new(begin)),
        world,
        queues,
        metrics,
        texts: Versioned::default(),
        entries: Versioned::default(),
        applied: Applied::default(),
        pods,
    }))
}

/// Watches what is watched by namespace. Both see metadata only.
fn namespaced(client: Client, intake: Intake) -> impl Fn(&str) -> JoinSet<()> {
    move |namespace| {
        let mut tasks = JoinSet::new();
        tasks.spawn(metadata_in::<Secret>(&client, &intake, namespace));
        tasks.spawn(metadata_in::<ConfigMap>(&client, &intake, namespace));
        tasks
    }
}

fn metadata_in<K>(client: &Client, intake: &Intake, namespace: &str) -> impl Future<Output = ()> + use<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    PartialObjectMeta<K>: Watched + Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    let api = Api::<PartialObjectMeta<K>>::namespaced(client.clone(), namespace);
    let scope = Scope::Namespace(namespace.to_owned());
    watch::metadata(intake.clone(), api, scope, Arc::new(Notify::new()))
}

/// Watches everything, and works off the queues once everything was listed.
async fn work(ctx: Arc<Context>, tasks: &mut JoinSet<()>) {
    let listed = watch_all(&ctx, tasks);
    for (kind, listed) in listed {
        while tokio::time::timeout(LISTING_PATIENCE, listed.notified()).await.is_err() {
            tracing::warn!(
                kind,
                "still waiting for the first listing; is the operator allowed to list and watch it?"
            );
        }
    }
    tracing::info!("everything is listed");
    for controller in Controller::ALL {
        tasks.spawn(crate::work::work(Arc::clone(&ctx), controller));
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a task of the operator ended");
            return;
        }
    }
}

type Listed = Vec<(String, Arc<Notify>)>;

fn watch_all(ctx: &Arc<Context>, tasks: &mut JoinSet<()>) -> Listed {
    let mut watches = Watches { client: &ctx.client, intake: ctx.intake(), tasks, listed: Vec::new() };
    watches.custom_resources();
    for kind in BuiltIn::ALL {
        watches.built_in(kind);
    }
    watches.listed
}

struct Watches<'a> {
    client: &'a Client,
    intake: Intake,
    tasks: &'a mut JoinSet<()>,
    listed: Listed,
}

macro_rules! watch_custom_resources {
    ($($role:ident { $($Kind:ident $plural:ident),+ })+) => {
        impl Watches<'_> {
            fn custom_resources(&mut self) {
                $($(self.whole::<idflow_api::$Kind>(Scope::All);)+)+
            }
        }
    };
}
idflow_api::custom_resources!(watch_custom_resources);

impl Watches<'_> {
    fn built_in(&mut self, kind: BuiltIn) {
        match kind {
            BuiltIn::Namespace => self.metadata::<Namespace>(Scope::All),
            BuiltIn::Pod => self.whole::<Pod>(Scope::Own),
            BuiltIn::StatefulSet => self.whole::<StatefulSet>(Scope::Own),
            BuiltIn::Service => self.metadata::<Service>(Scope::Own),
            BuiltIn::ServiceAccount => self.metadata::<ServiceAccount>(Scope::Own),
            BuiltIn::Role => self.metadata::<Role>(Scope::Own),
            BuiltIn::RoleBinding => self.metadata::<RoleBinding>(Scope::Own),
            // Watched by tenant: nowhere else may they be read.
            BuiltIn::Secret | BuiltIn::ConfigMap => {}
        }
    }

    fn whole<K: Watched>(&mut self, scope: Scope) {
        let api = Api::<DeserializeGuard<K>>::all(self.client.clone());
        let listed = self.listed::<K>();
        self.tasks.spawn(watch::guarded(self.intake.clone(), api, scope, listed));
    }

    fn metadata<K>(&mut self, scope: Scope)
    where
        K: Resource<DynamicType = ()>,
        PartialObjectMeta<K>: Watched,
    {
        let api = Api::<PartialObjectMeta<K>>::all(self.client.clone());
        let listed = self.listed::<PartialObjectMeta<K>>();
        self.tasks.spawn(watch::metadata(self.intake.clone(), api, scope, listed));
    }

    fn listed<K: Watched>(&mut self) -> Arc<Notify> {
        let listed = Arc::new(Notify::new());
        self.listed.push((K::kind(&()).into_owned(), Arc::clone(&listed)));
        listed
    }
}
