//! A secret that is written into a Connection.
//!
//! Headers of a Connection are for what everybody may read. Its `authentication` takes the value from a Secret.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Connection
//! metadata: { name: scores }
//! spec:
//!   http:
//!     url: https://scores.example.com
//!     headers: { X-Api-Key: 3f9c2b1de07a4455 }
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Connection
//! metadata: { name: scores }
//! spec:
//!   http:
//!     url: https://scores.example.com
//!     headers: { X-Tenant: acme }
//! ```
//!
//! Let `authentication` name a Secret, and replace the value: it has been seen.

use crate::diagnostic::{Finding, ObjectId, Rule, Severity, token};
use crate::objects::Objects;

pub(super) const RULE: Rule = Rule {
    code: "literal-secret",
    severity: Severity::Warning,
    why: "Whoever reads the manifest, its history or the object in the cluster can use it",
};

/// What names of headers contain whose values are kept secret.
const SECRET: [&str; 7] = ["api-key", "apikey", "token", "secret", "password", "signature", "credential"];

pub(super) fn find(objects: &Objects) -> Vec<Finding> {
    let connections = objects.connections.iter().filter_map(|(name, one)| Some((name, one.spec.http.as_ref()?)));
    let headers = connections.flat_map(|(name, http)| http.headers.keys().map(move |header| (name, header)));
    let found = headers.filter(|(_, header)| is_secret(header)).map(|(name, header)| {
        let connection = ObjectId::new("Connection", name.as_str());
        let place = connection.at_key(format!("/spec/http/headers/{}", token(header)));
        let help = "write authentication: { scheme: Bearer, secretRef: { name: … } } instead, and replace the value";
        RULE.at(place, format!("the value of {header} stands in the manifest"), help)
    });
    found.collect()
}

fn is_secret(header: &str) -> bool {
    let header = header.to_ascii_lowercase();
    SECRET.iter().any(|word| header.contains(word))
}
