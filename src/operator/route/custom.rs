//! Whom a change of one of our own kinds concerns. Those that others refer to say so beside what is judged of them.

use std::sync::Arc;

use idflow_api::condition::{READY, SERVING, find};
use idflow_api::reason::Reason;
use idflow_api::{Catalog, Flow, FlowRevision, OIDCClient, Tenant};
use kube::ResourceExt as _;

use super::{Controller, Router, Watched, is_news};
use crate::cache::{Change, Key};
use crate::flow::grace::ends;
use crate::object::{is_accepted, name_of};

impl Watched for Tenant {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        if change.is_other() {
            // Others may hold or get back what this one claims.
            for side in change.sides() {
                rivals(side, router);
            }
        }
        if is_news(change, |tenant| tenant.status.as_ref()?.observed_generation) {
            router.object::<Tenant>(Controller::Tenant, change.key.clone());
        }
        let accepted = |side: &Option<Arc<Self>>| side.as_deref().is_some_and(is_accepted);
        let became_other = change.is_other() || accepted(&change.before) != accepted(&change.after);
        let spec = |side: &Option<Arc<Self>>| side.as_ref().map(|tenant| tenant.spec.clone());
        for side in change.sides() {
            if became_other {
                router.everything_in(&side.spec.namespace);
            } else if spec(&change.before) != spec(&change.after) {
                router.offers_in(&side.spec.namespace);
            }
        }
    }
}

fn rivals(tenant: &Tenant, router: &Router<'_>) {
    let claims_the_same = |other: &Tenant| {
        other.spec.namespace == tenant.spec.namespace || other.spec.issuer == tenant.spec.issuer
    };
    for other in router.world.tenants.all().iter().filter(|other| claims_the_same(other)) {
        router.object::<Tenant>(Controller::Tenant, Key::of(other.as_ref()));
    }
}

impl Watched for Flow {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        let Key { namespace, name } = &change.key;
        if is_news(change, |flow| flow.status.as_ref()?.observed_generation) {
            router.flow(change.key.clone());
        }
        router.namespace(Controller::Catalog, namespace);
        if !change.is_only_status() {
            router.flows_that(namespace, |other| {
                other.name_any() != *name
                    && (enters_something(other) || other.spec.default || is_held_up(other))
            });
        }
        if change.is_other() {
            router.references::<OIDCClient>(namespace);
        }
    }
}

/// Whether a flow waits for another one to go.
fn is_held_up(flow: &Flow) -> bool {
    let conditions = flow.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    find(conditions, READY).is_some_and(|ready| {
        [Reason::ClaimedByOther, Reason::LimitReached].iter().any(|reason| ready.reason == reason.as_str())
    })
}

/// Whether a flow calls another one or runs a `FlowNode`, and so may depend on anything that those do.
pub(crate) fn enters_something(flow: &Flow) -> bool {
    let enters = |kind: &str| kind == "call" || kind == "node";
    flow.spec.steps.iter().any(|step| step.node().is_some_and(|(kind, _)| enters(kind)))
}

impl Watched for FlowRevision {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        let namespace = &change.key.namespace;
        if let Some(revision) = change.sides().last() {
            router.flow(Key::new(namespace, &revision.spec.flow));
        }
        router.namespace(Controller::Catalog, namespace);
        router.namespace(Controller::Executor, namespace);
        router.namespace(Controller::Collector, namespace);
    }
}

impl Watched for Catalog {
    /// Only the flows whose status does not say yet what the Catalog says, so that one flow's edit wakes no other.
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        let namespace = &change.key.namespace;
        router.namespace(Controller::Catalog, namespace);
        router.namespace(Controller::Executor, namespace);
        router.namespace(Controller::Collector, namespace);
        let [before, after] = [&change.before, &change.after]
            .map(|side| side.as_deref().map(|catalog| ends(&catalog.spec)).unwrap_or_default());
        if before != after {
            router.tenants_of_namespace(namespace);
        }
        let catalog = router.world.catalog_of(namespace);
        router.flows_that(namespace, |flow| {
            let name = name_of(flow);
            let listed =
                catalog.as_deref().map(|catalog| crate::catalog::plan::serving(catalog, &flow.name_any()));
            let status = flow.status.clone().unwrap_or_default();
            let serves = find(&status.conditions, SERVING).is_some_and(|c| c.status == "True");
            !serves || listed.as_ref() != Some(&status.serving) || before.get(name) != after.get(name)
        });
    }
}
