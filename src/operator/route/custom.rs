//! Whom a change of one of our own kinds concerns.

use std::sync::Arc;

use idflow_api::condition::{POLICY_GRACE, READY, SERVING, find};
use idflow_api::reason::Reason;
use idflow_api::{Catalog, Connection, Directory, Flow, FlowNode, FlowRevision, OIDCClient, Tenant, Theme};
use idflow_core::digest::Digest;
use idflow_flow::content::requires;
use kube::ResourceExt as _;
use serde_json::Value;

use super::{Controller, Router, Watched};
use crate::cache::{Change, Key};
use crate::reference::Referenced;
use crate::world::is_accepted;

impl Watched for Tenant {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        if change.is_other() {
            // Others may hold or get back what this one claims.
            for side in change.sides() {
                rivals(side, router);
            }
        }
        let is_observed = change.after.as_ref().is_some_and(|tenant| {
            let status = tenant.status.as_ref();
            status.is_some_and(|status| status.observed_generation == tenant.metadata.generation)
        });
        if !change.is_only_status() || !is_observed {
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
        // A flow's status is this operator's own writing.
        let is_observed = change.after.as_ref().is_some_and(|flow| {
            let status = flow.status.as_ref();
            status.is_some_and(|status| status.observed_generation == flow.metadata.generation)
        });
        if !change.is_only_status() || !is_observed {
            router.flow(change.key.clone());
        }
        // A grace that begins or ends is told by the Tenant too.
        if is_in_grace(change.before.as_ref()) != is_in_grace(change.after.as_ref()) {
            router.tenants_of_namespace(namespace);
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

fn is_in_grace(flow: Option<&Arc<Flow>>) -> bool {
    let status = flow.and_then(|flow| flow.status.as_ref());
    status.is_some_and(|status| find(&status.conditions, POLICY_GRACE).is_some())
}

/// Whether a flow waits for another one to go.
fn is_held_up(flow: &Flow) -> bool {
    let conditions = flow.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    find(conditions, READY).is_some_and(|ready| {
        [Reason::ClaimedByOther, Reason::LimitReached].iter().any(|reason| ready.reason == reason.as_str())
    })
}

/// Whether a flow calls another one or runs a `FlowNode`, and so may depend on anything that those do.
pub(super) fn enters_something(flow: &Flow) -> bool {
    let enters = |kind: &str| kind == "call" || kind == "node";
    flow.spec.steps.iter().any(|step| step.node().is_some_and(|(kind, _)| enters(kind)))
}

impl Watched for FlowNode {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        referenced_changed(change, router, enters_something);
    }
}

impl Watched for Directory {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        // A step that names no Directory uses the default one.
        referenced_changed(change, router, |_| true);
    }
}

impl Watched for Theme {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        referenced_changed(change, router, |flow| mentions(flow, &change.key.name));
    }
}

impl Watched for Connection {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        referenced_changed(change, router, |flow| mentions(flow, &change.key.name));
        shared_secrets_changed(change, router);
    }
}

impl Watched for OIDCClient {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        referenced_changed(change, router, |flow| mentions(flow, &change.key.name));
        shared_secrets_changed(change, router);
    }
}

/// An object that flows may name: itself, its rivals, and the flows that may `use` it. Saying yes too often costs a look.
fn referenced_changed<K: Referenced>(change: &Change<K>, router: &Router<'_>, uses: impl Fn(&Flow) -> bool) {
    let namespace = &change.key.namespace;
    if change.is_only_status() {
        // Our own writing, unless somebody else has changed it.
        let is_observed = change.after.as_ref().is_some_and(|object| {
            let observed = object.status().and_then(|status| status.observed_generation);
            observed == object.meta().generation
        });
        if !is_observed {
            router.object::<K>(Controller::Reference, change.key.clone());
        }
        return;
    }
    router.object::<K>(Controller::Reference, change.key.clone());
    router.references::<K>(namespace);
    router.flows_that(namespace, uses);
}

/// The Role of the tenant's executor names the Secrets that these name.
fn shared_secrets_changed<K: Referenced>(change: &Change<K>, router: &Router<'_>) {
    if !change.is_only_status() {
        router.tenants_of_namespace(&change.key.namespace);
    }
}

/// Whether a flow's own text names something. A name may stand for something else, so it says yes rather too often.
fn mentions(flow: &Flow, name: &str) -> bool {
    flow.spec.steps.iter().any(|step| step.node.values().any(|settings| is_in(settings, name)))
}

fn is_in(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => text == name,
        Value::Array(items) => items.iter().any(|item| is_in(item, name)),
        Value::Object(fields) => fields.values().any(|field| is_in(field, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

impl Watched for FlowRevision {
    /// Who claims a digest that is not that of the content has none: such a revision is found by nobody and never
    /// served. What the content requires is told for revisions of the first version too.
    fn prune(&mut self) {
        let spec = &mut self.spec;
        if spec.content.is_empty() {
            return;
        }
        if spec.digest != Digest::of(&spec.content).to_string() {
            spec.digest.clear();
        }
        if spec.requires.is_none() {
            spec.requires = requires(&spec.content);
        }
        spec.content.clear();
        spec.authored = None;
    }

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
        let catalog = router.world.catalog_of(namespace);
        router.flows_that(namespace, |flow| {
            let listed =
                catalog.as_deref().map(|catalog| crate::catalog::plan::serving(catalog, &flow.name_any()));
            let status = flow.status.clone().unwrap_or_default();
            let serves = find(&status.conditions, SERVING).is_some_and(|c| c.status == "True");
            !serves || listed.as_ref() != Some(&status.serving)
        });
    }
}
