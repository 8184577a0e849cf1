//! The kinds that others refer to: whom a change of one concerns, and whether it can be used.

use std::collections::BTreeSet;
use std::sync::Arc;

use idflow_api::{Connection, Directory, Flow, FlowNode, OIDCClient, Theme};
use idflow_flow::diagnostic::ObjectId;
use idflow_flow::secret::{Entry, SecretFacts, SecretUse};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use serde_json::Value;

use super::plan::{self, Finding, Need};
use super::refusal::Refused;
use super::{Judged, directory};
use crate::cache::{Change, Key};
use crate::context::Context;
use crate::failure::Failure;
use crate::object::denied;
use crate::route::{Referenced, Router, Watched, enters_something};

impl Watched for FlowNode {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        router.referenced(change, enters_something);
    }
}

impl Judged for FlowNode {
    async fn judge(ctx: &Context, node: &Arc<Self>) -> Result<Finding, Failure> {
        let namespace = node.namespace().unwrap_or_default();
        let objects = ctx.world.objects(&namespace);
        let (findings, missing) = idflow_flow::check_node(node, &objects, ctx.environment.kinds);
        let object = serde_json::json!(node);
        Ok(plan::node(findings.iter().map(|finding| finding.problem(&object)).collect(), &missing))
    }
}

impl Watched for Directory {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        // A step that names no Directory uses the default one.
        router.referenced(change, |_| true);
        if !change.is_only_status() {
            router.references::<OIDCClient>(&change.key.namespace);
        }
    }
}

impl Judged for Directory {
    async fn judge(ctx: &Context, directory: &Arc<Self>) -> Result<Finding, Failure> {
        let namespace = directory.namespace().unwrap_or_default();
        let all = ctx.world.directories.namespace(&namespace);
        let executors = crate::executor::executors(ctx, &namespace);
        Ok(directory::judge(directory, denied(directory.as_ref(), &all), &executors))
    }
}

impl Watched for Theme {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        router.referenced(change, |flow| mentions(flow, &change.key.name));
    }
}

impl Judged for Theme {
    async fn judge(ctx: &Context, theme: &Arc<Self>) -> Result<Finding, Failure> {
        let all = ctx.world.themes.namespace(&theme.namespace().unwrap_or_default());
        let object = serde_json::json!(theme);
        let findings = idflow_flow::check_theme(theme);
        let problems = findings.iter().map(|finding| finding.problem(&object)).collect();
        Ok(plan::theme(denied(theme.as_ref(), &all), problems))
    }
}

impl Watched for Connection {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        router.referenced(change, |flow| mentions(flow, &change.key.name));
        shared_secrets_changed(change, router);
    }
}

impl Judged for Connection {
    async fn judge(ctx: &Context, connection: &Arc<Self>) -> Result<Finding, Failure> {
        let namespace = connection.namespace().unwrap_or_default();
        let secret = need(ctx, &namespace, SecretUse::of_connection(&connection.spec)).await?;
        let object = serde_json::json!(connection);
        let wanted = SecretUse::of_connection(&connection.spec);
        let doubts = doubts(&ObjectId::new("Connection", connection.name_any()), wanted, &secret);
        let problems = doubts.iter().map(|finding| finding.problem(&object)).collect();
        Ok(plan::connection(&connection.spec, &secret, problems))
    }
}

impl Watched for OIDCClient {
    fn changed(change: &Change<Self>, router: &Router<'_>) {
        router.referenced(change, |flow| mentions(flow, &change.key.name));
        shared_secrets_changed(change, router);
    }
}

impl Judged for OIDCClient {
    async fn judge(ctx: &Context, client: &Arc<Self>) -> Result<Finding, Failure> {
        let namespace = client.namespace().unwrap_or_default();
        let all = ctx.world.clients.namespace(&namespace);
        let flows: BTreeSet<String> =
            ctx.world.flows.namespace(&namespace).iter().map(|flow| flow.name_any()).collect();
        let wanted = SecretUse::of_client(&client.spec);
        let secret = need(ctx, &namespace, wanted.clone()).await?;
        let mut findings = idflow_flow::check_client(client, &ctx.world.objects(&namespace));
        findings.extend(doubts(&ObjectId::new("OIDCClient", client.name_any()), wanted, &secret));
        let object = serde_json::json!(client);
        let problems = findings.iter().map(|finding| finding.problem(&object)).collect();
        Ok(plan::client(client, denied(client.as_ref(), &all), &secret, &flows, problems))
    }

    fn refused(ctx: &Context, client: &Arc<Self>) -> Option<Refused> {
        let executors = crate::executor::executors(ctx, &client.namespace().unwrap_or_default());
        Some(Refused::of(client, &executors))
    }
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

/// What is known of the Secret that an object uses.
async fn need(ctx: &Context, namespace: &str, wanted: Option<SecretUse<'_>>) -> Result<Need, Failure> {
    Ok(match wanted {
        None => Need::Nothing,
        Some(_) if !ctx.world.is_known(namespace) => Need::Unknown,
        Some(wanted) => secret_facts(ctx, namespace, wanted.name).await?.map_or(Need::Missing, Need::Found),
    })
}

/// What is doubtful about the Secret that an object uses.
fn doubts(object: &ObjectId, wanted: Option<SecretUse<'_>>, secret: &Need) -> Vec<idflow_flow::Finding> {
    match (wanted, secret) {
        (Some(wanted), Need::Found(facts)) => idflow_flow::check_secret(object, facts, &wanted),
        _ => Vec::new(),
    }
}

/// What may be known of a Secret. Its values are read only to learn which of its entries have one and whether it is
/// sound, and only if it is shared.
async fn secret_facts(ctx: &Context, namespace: &str, name: &str) -> Result<Option<SecretFacts>, Failure> {
    let Some(metadata) = ctx.world.secrets.get(&Key::new(namespace, name)) else { return Ok(None) };
    let facts = SecretFacts::new(&metadata.metadata, Vec::new());
    if !facts.usable {
        return Ok(Some(facts));
    }
    if let Some(entries) = ctx.entries.get(metadata.as_ref()) {
        return Ok(Some(SecretFacts::new(&metadata.metadata, entries)));
    }
    let secret = ctx.api::<Secret>(namespace).get_opt(name).await?;
    Ok(secret.map(|mut secret| {
        let data = secret.data.take().unwrap_or_default();
        let entries: Vec<Entry> =
            data.iter().filter_map(|(name, value)| Entry::read(name, &value.0)).collect();
        ctx.entries.keep(&secret, entries.clone());
        SecretFacts::new(&secret.metadata, entries)
    }))
}
