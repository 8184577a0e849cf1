//! Who must look again when an object has changed.

mod built_in;
mod custom;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use idflow_api::flow::ReferencedStatus;
use idflow_api::{Flow, FlowNode, HasKind, Tenant};
use idflow_core::chance::Chance;
use idflow_core::time::Clock;
use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use serde::de::DeserializeOwned;

use crate::cache::{Change, Key};
use crate::queue::{Job, Queue};
use crate::world::{Cached, World};
pub(crate) use custom::enters_something;

/// The controllers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Controller {
    Tenant,
    Flow,
    Reference,
    Catalog,
    Executor,
    Collector,
}

impl Controller {
    pub(crate) const ALL: [Self; 6] =
        [Self::Tenant, Self::Flow, Self::Reference, Self::Catalog, Self::Executor, Self::Collector];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Flow => "flow",
            Self::Reference => "reference",
            Self::Catalog => "catalog",
            Self::Executor => "executor",
            Self::Collector => "collector",
        }
    }

    /// The field manager of everything the controller writes. Part of the API: renaming it strands fields.
    pub(crate) const fn manager(self) -> &'static str {
        match self {
            Self::Tenant => "idflow.dev/tenant",
            Self::Flow => "idflow.dev/flow",
            Self::Reference => "idflow.dev/reference",
            Self::Catalog => "idflow.dev/catalog",
            Self::Executor => "idflow.dev/executor",
            Self::Collector => "idflow.dev/collector",
        }
    }
}

/// One queue per controller.
pub(crate) struct Queues(BTreeMap<Controller, Queue>);

impl Queues {
    pub(crate) fn new(clock: &Arc<dyn Clock>, chance: &Arc<dyn Chance>) -> Self {
        let queue = || Queue::new(Arc::clone(clock), Arc::clone(chance));
        Self(Controller::ALL.into_iter().map(|controller| (controller, queue())).collect())
    }

    pub(crate) fn get(&self, controller: Controller) -> Option<&Queue> {
        self.0.get(&controller)
    }

    pub(crate) fn add(&self, controller: Controller, job: Job) {
        if let Some(queue) = self.0.get(&controller) {
            queue.add(job);
        }
    }
}

/// A kind that is watched. A custom resource that does not say whom its objects concern does not compile.
pub(crate) trait Watched:
    Cached + Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static
{
    /// Asks everybody concerned to look again.
    fn changed(change: &Change<Self>, router: &Router<'_>);

    /// Takes note that all objects of a tenant's namespace are known, for kinds that are watched by namespace.
    fn listed_in(_namespace: &str, _router: &Router<'_>) {}
}

/// A kind that others refer to.
pub(crate) trait Referenced: HasKind + Watched + Resource<Scope = NamespaceResourceScope> {
    /// What was observed about it.
    fn status(&self) -> Option<&ReferencedStatus>;
}

macro_rules! referenced {
    (
        source { $($Source:ident $sources:ident),+ }
        live { $($Live:ident $lives:ident),+ }
        product { $($Product:ident $products:ident),+ }
    ) => {
        referenced!(FlowNode $(, $Live)+);

        impl Router<'_> {
            /// Every object that others refer to.
            fn every_reference(&self, namespace: &str) {
                self.references::<FlowNode>(namespace);
                $(self.references::<idflow_api::$Live>(namespace);)+
            }
        }
    };
    ($($Kind:ident),+) => {
        $(impl Referenced for idflow_api::$Kind {
            fn status(&self) -> Option<&ReferencedStatus> {
                self.status.as_ref()
            }
        })+
    };
}
idflow_api::custom_resources!(referenced);

/// Whether an object that has changed is to be looked at again. Its status is our own writing, which wakes nobody,
/// unless somebody else has changed it.
fn is_news<K: Resource>(change: &Change<K>, observed: impl Fn(&K) -> Option<i64>) -> bool {
    let is_observed = |object: &Arc<K>| observed(object) == object.meta().generation;
    !change.is_only_status() || !change.after.as_ref().is_some_and(is_observed)
}

/// Knows who depends on whom, and asks them to look again.
#[derive(Clone, Copy)]
pub(crate) struct Router<'a> {
    pub(crate) world: &'a World,
    pub(crate) queues: &'a Queues,
}

impl Router<'_> {
    fn object<K: HasKind>(&self, controller: Controller, key: Key) {
        self.queues.add(controller, Job::object(K::KIND, key));
    }

    fn flow(&self, key: Key) {
        self.object::<Flow>(Controller::Flow, key);
    }

    fn namespace(&self, controller: Controller, namespace: &str) {
        self.queues.add(controller, Job::namespace(namespace));
    }

    /// Everything in a namespace, when it became somebody's or its Secrets became known.
    fn everything_in(&self, namespace: &str) {
        self.namespace(Controller::Executor, namespace);
        self.namespace(Controller::Collector, namespace);
        self.every_reference(namespace);
        self.offers_in(namespace);
    }

    /// What a namespace's flows and Catalog say.
    fn offers_in(&self, namespace: &str) {
        self.namespace(Controller::Catalog, namespace);
        for flow in self.world.flows.namespace(namespace) {
            self.flow(Key::of(flow.as_ref()));
        }
    }

    pub(crate) fn tenants_of_namespace(&self, namespace: &str) {
        for tenant in self.world.tenants.all().iter().filter(|tenant| tenant.spec.namespace == namespace) {
            self.object::<Tenant>(Controller::Tenant, Key::of(tenant.as_ref()));
        }
    }

    /// Every object of a kind that others refer to.
    pub(crate) fn references<K: Referenced>(&self, namespace: &str) {
        for object in K::cache(self.world).namespace(namespace) {
            self.object::<K>(Controller::Reference, Key::of(object.as_ref()));
        }
    }

    /// An object that flows may name: itself, its rivals, and the flows that may use it.
    pub(crate) fn referenced<K: Referenced>(&self, change: &Change<K>, uses: impl Fn(&Flow) -> bool) {
        let namespace = &change.key.namespace;
        if is_news(change, |object| object.status()?.observed_generation) {
            self.object::<K>(Controller::Reference, change.key.clone());
        }
        if !change.is_only_status() {
            self.references::<K>(namespace);
            self.flows_that(namespace, uses);
        }
    }

    /// Flows that may depend on an object other than themselves.
    fn flows_that(&self, namespace: &str, depends: impl Fn(&Flow) -> bool) {
        for flow in self.world.flows.namespace(namespace).iter().filter(|flow| depends(flow)) {
            self.flow(Key::of(flow.as_ref()));
        }
    }
}
