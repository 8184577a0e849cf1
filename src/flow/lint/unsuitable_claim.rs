//! A claim of an application that cannot be computed.
//!
//! Claims are CEL over `user` and `session`, and nothing else: they are computed when tokens are made, long after the
//! journey that signed the user in. The types of `user` are those of the Directories.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop }
//! spec:
//!   authentication: None
//!   redirectURIs: ["https://shop.example.com/callback"]
//!   claims: [{ name: company, value: vars.company }]
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop }
//! spec:
//!   authentication: None
//!   redirectURIs: ["https://shop.example.com/callback"]
//!   claims: [{ name: company, value: "has(session.company) ? session.company : null" }]
//! ```
//!
//! Keep the value with the session, by `set`, or as an attribute of the user.

use std::collections::BTreeMap;

use idflow_api::OIDCClientSpec;
use idflow_core::user::GROUPS;
use idflow_sandbox::{Expression, Reference, Type, TypeMismatch};

use crate::diagnostic::{Finding, ObjectId, Place, Rule, Severity};
use crate::objects::Objects;
use crate::types::user;

pub(super) const RULE: Rule = Rule {
    code: "unsuitable-claim",
    severity: Severity::Error,
    why: "The application would never see the claim",
};

/// What a claim is computed from.
const ROOTS: [&str; 2] = ["user", "session"];

pub(super) fn find(objects: &Objects) -> Vec<Finding> {
    let clients = objects.clients.iter();
    let found = clients.flat_map(|(name, client)| {
        of_claims(name, &client.spec).into_iter().chain(among(objects, name, &client.spec))
    });
    found.collect()
}

/// What is wrong with the claims of one application, whatever else there is.
pub(crate) fn of_claims(name: &str, spec: &OIDCClientSpec) -> Vec<Finding> {
    let broken = compiled(name, spec).filter_map(|(place, compiled)| {
        let error = compiled.err()?;
        Some(RULE.at(place, error.message, error.help))
    });
    let strange = reads(name, spec).filter(|(_, read)| !ROOTS.contains(&read.root())).map(|(place, read)| {
        let title = format!("a claim cannot read {}", read.root());
        RULE.at(place, title, "read user or session; a flow keeps values with the session by set")
    });
    broken.chain(strange).collect()
}

/// What never equals or cannot be computed, by the types of the attributes.
fn of_types(objects: &Objects, name: &str, spec: &OIDCClientSpec) -> Vec<Finding> {
    let user = user(objects.directories.values().map(AsRef::as_ref));
    let roots = BTreeMap::from([("user".to_owned(), user), ("session".to_owned(), Type::object())]);
    let found = compiled(name, spec).flat_map(|(place, compiled)| {
        let mismatches = compiled.map(|expression| expression.check(&roots, &Type::Unknown).mismatches);
        let finding = move |mismatch: TypeMismatch| RULE.at(place.clone(), mismatch.message, mismatch.help);
        mismatches.unwrap_or_default().into_iter().map(finding)
    });
    found.collect()
}

/// What is wrong with them beside these Directories.
pub(crate) fn among(objects: &Objects, name: &str, spec: &OIDCClientSpec) -> Vec<Finding> {
    let of_attributes = reads(name, spec).filter_map(|(place, read)| no_attribute(objects, place, &read));
    of_attributes.chain(of_types(objects, name, spec)).collect()
}

fn no_attribute(objects: &Objects, place: Place, read: &Reference) -> Option<Finding> {
    let name = read.path.get(1).filter(|name| read.root() == "user" && *name != GROUPS)?;
    let mut attributes = objects.directories.values().flat_map(|directory| &directory.spec.attributes);
    let is_known = objects.directories.is_empty() || attributes.any(|attribute| attribute.name == *name);
    let help = "correct the name, or add the attribute to the Directory";
    (!is_known).then(|| RULE.at(place, format!("users have no attribute {name}"), help).graded(Severity::Warning))
}

fn reads(name: &str, spec: &OIDCClientSpec) -> impl Iterator<Item = (Place, Reference)> {
    compiled(name, spec).flat_map(|(place, compiled)| {
        let references = compiled.map(|expression| expression.references().to_vec()).unwrap_or_default();
        references.into_iter().map(move |read| (place.clone().narrowed(read.to_string()), read))
    })
}

type Tried = Result<Expression, idflow_sandbox::ExpressionError>;

fn compiled(name: &str, spec: &OIDCClientSpec) -> impl Iterator<Item = (Place, Tried)> {
    let client = ObjectId::new("OIDCClient", name);
    spec.claims.iter().enumerate().map(move |(index, claim)| {
        (client.at(format!("/spec/claims/{index}/value")), Expression::compile(&claim.value))
    })
}
