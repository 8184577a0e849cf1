//! Small objects for tests.

use std::sync::Arc;

use idflow_api::catalog::{CatalogEntry, CatalogFlow, TenantSettings};
use idflow_api::condition::{Conditions, LOADED, Truth};
use idflow_api::flow_revision::FlowRevisionSpec;
use idflow_api::reason::Reason;
use idflow_api::workload::FLOW_TYPE_LABEL;
use idflow_api::{Catalog, CatalogSpec, Flow, FlowRevision, FlowType, Tenant};
use idflow_core::digest::Digest;
use idflow_core::time::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::json;

pub(crate) const NOW: Timestamp = Timestamp(1_000_000_000);

/// The uid of a flow of this name.
pub(crate) fn uid(name: &str) -> String {
    format!("uid-of-{name}")
}

fn metadata(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some("acme".to_owned()),
        uid: Some(uid(name)),
        generation: Some(1),
        creation_timestamp: Some(idflow_api::condition::time(Timestamp(0))),
        ..ObjectMeta::default()
    }
}

pub(crate) fn flow(name: &str) -> Flow {
    let spec = json!({ "type": "Login", "start": "done", "steps": [{ "id": "done", "complete": {} }] });
    let mut flow = Flow::new(name, serde_json::from_value(spec).unwrap());
    flow.metadata = metadata(name);
    flow
}

pub(crate) fn tenant(name: &str) -> Tenant {
    let spec =
        json!({ "namespace": "acme", "issuer": "https://login.acme.example", "store": { "embedded": {} } });
    let mut tenant = Tenant::new(name, serde_json::from_value(spec).unwrap());
    tenant.metadata = ObjectMeta { namespace: None, ..metadata(name) };
    tenant
}

/// A revision of a flow, not loaded; its content is its name.
pub(crate) fn revision(flow: &str, name: &str) -> FlowRevision {
    let spec = FlowRevisionSpec {
        flow: flow.to_owned(),
        generation: 1,
        digest: Digest::of(name).to_string(),
        content: String::new(),
        sources: Vec::new(),
        requires: None,
        assurance: None,
        steps: None,
        authored: None,
    };
    let mut revision = FlowRevision::new(name, spec);
    let owner = OwnerReference {
        kind: "Flow".to_owned(),
        name: flow.to_owned(),
        uid: uid(flow),
        controller: Some(true),
        ..OwnerReference::default()
    };
    let labels = Some([(FLOW_TYPE_LABEL.to_owned(), FlowType::Login.to_string())].into());
    revision.metadata = ObjectMeta { owner_references: Some(vec![owner]), labels, ..metadata(name) };
    revision
}

/// The same, loaded by every pod.
pub(crate) fn loaded(flow: &str, name: &str) -> Arc<FlowRevision> {
    let mut revision = revision(flow, name);
    let conditions = Conditions::new(&[], 1, NOW).set(LOADED, Truth::True, Reason::Loaded, "loaded").finish();
    revision.status.get_or_insert_default().conditions = conditions;
    Arc::new(revision)
}

pub(crate) fn catalog() -> Catalog {
    listing(&[])
}

/// A Catalog that lists revisions: flow, revision, weight.
pub(crate) fn listing(entries: &[(&str, &str, i32)]) -> Catalog {
    let mut flows: Vec<CatalogFlow> = Vec::new();
    for (flow, revision, weight) in entries {
        let entry = CatalogEntry {
            revision: (*revision).to_owned(),
            digest: Digest::of(revision).to_string(),
            weight: *weight,
            policy_grace_until: None,
        };
        match flows.iter_mut().find(|listed| listed.flow == *flow) {
            Some(listed) => listed.entries.push(entry),
            None => flows.push(CatalogFlow {
                flow: (*flow).to_owned(),
                type_: FlowType::Login,
                default: false,
                suspended: false,
                guarantees: None,
                entries: vec![entry],
            }),
        }
    }
    let tenant = TenantSettings {
        name: "acme".to_owned(),
        issuer: "https://login.acme.example".to_owned(),
        limits: None,
        policy: None,
        egress: None,
        trusted_proxies: Vec::new(),
        hsts_include_sub_domains: false,
    };
    let mut catalog = Catalog::new("idflow", CatalogSpec { tenant, flows, withdrawn: Vec::new() });
    catalog.metadata = metadata("idflow");
    catalog
}
