//! A Secret that is not there, not shared, or not for this host.
//!
//! A Secret is used only if its owner says so by the label `idflow.dev/usable: "true"`, and sent only to hosts in its
//! annotation `idflow.dev/hosts`.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Connection
//! metadata: { name: billing }
//! spec:
//!   http:
//!     url: https://billing.example.com
//!     authentication: { scheme: Bearer, secretRef: { name: billing } }
//! ---
//! apiVersion: v1
//! kind: Secret
//! metadata: { name: billing }
//! stringData: { token: example }
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Connection
//! metadata: { name: billing }
//! spec:
//!   http:
//!     url: https://billing.example.com
//!     authentication: { scheme: Bearer, secretRef: { name: billing } }
//! ---
//! apiVersion: v1
//! kind: Secret
//! metadata:
//!   name: billing
//!   labels: { idflow.dev/usable: "true" }
//!   annotations: { idflow.dev/hosts: billing.example.com }
//! stringData: { token: example }
//! ```
//!
//! Share the Secret, and list the host.

use idflow_api::oidc_client::SecretReference;
use idflow_api::{ConnectionSpec, HOSTS_ANNOTATION, USABLE_LABEL};

use crate::diagnostic::{Finding, ObjectId, Place, Rule, Severity, nearest};
use crate::objects::{Objects, SecretFacts};

pub(super) const RULE: Rule = Rule {
    code: "unshared-secret",
    severity: Severity::Error,
    why: "Without its owner's word a Secret is never used",
};

pub(super) fn find(objects: &Objects) -> Vec<Finding> {
    let connections = objects.connections.iter().flat_map(|(name, connection)| {
        of_connection(objects, &ObjectId::new("Connection", name), &connection.spec)
    });
    let clients = objects.clients.iter().flat_map(|(name, client)| {
        let secret = client.spec.secret_ref.as_ref();
        let place = ObjectId::new("OIDCClient", name).at("/spec/secretRef/name");
        secret.map(|secret| of_reference(objects, &place, secret, None, &["current"])).unwrap_or_default()
    });
    connections.chain(clients).collect()
}

fn of_connection(objects: &Objects, id: &ObjectId, spec: &ConnectionSpec) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some((smtp, secret)) = spec.smtp.as_ref().and_then(|smtp| Some((smtp, smtp.secret_ref.as_ref()?))) {
        let place = id.at("/spec/smtp/secretRef/name");
        findings.extend(of_reference(objects, &place, secret, Some(&smtp.host), &["username", "password"]));
    }
    if let Some((http, login)) = spec.http.as_ref().and_then(|http| Some((http, http.authentication.as_ref()?))) {
        let place = id.at("/spec/http/authentication/secretRef/name");
        let entries: &[&str] = match login.scheme {
            idflow_api::connection::HttpScheme::Bearer => &["token"],
            idflow_api::connection::HttpScheme::Basic => &["username", "password"],
        };
        findings.extend(of_reference(objects, &place, &login.secret_ref, Some(host(&http.url)), entries));
    }
    findings
}

fn of_reference(
    objects: &Objects,
    place: &Place,
    secret: &SecretReference,
    host: Option<&str>,
    entries: &[&str],
) -> Vec<Finding> {
    let name = &secret.name;
    let Some(facts) = objects.secrets.get(name) else {
        let help = match nearest(name, objects.secrets.keys().map(String::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => "apply the Secret too; a folder need not hold it".to_owned(),
        };
        let finding = RULE.at(place.clone(), format!("there is no Secret {name} here"), help);
        return vec![finding.graded(Severity::Warning).of_absence()];
    };
    problems(name, facts, host, entries).into_iter().map(|(title, help)| RULE.at(place.clone(), title, help)).collect()
}

fn problems(name: &str, facts: &SecretFacts, host: Option<&str>, entries: &[&str]) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    if !facts.usable {
        let title = format!("the Secret {name} is not shared");
        problems.push((title, format!("add the label {USABLE_LABEL}: \"true\" to it")));
    }
    if let Some(host) = host.filter(|host| !facts.hosts.iter().any(|known| known == host)) {
        let title = format!("the Secret {name} may not be sent to {host}");
        problems.push((title, format!("add {host} to its annotation {HOSTS_ANNOTATION}")));
    }
    for entry in entries.iter().filter(|entry| !facts.entries.iter().any(|known| known == *entry)) {
        problems.push((format!("the Secret {name} has no entry {entry}"), format!("add {entry} to it")));
    }
    problems
}

/// The host of an http address, without its port.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => authority.split(':').next().unwrap_or_default(),
    }
}
