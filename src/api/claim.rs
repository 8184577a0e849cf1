//! "The older keeps it": what can belong to one object only, and which of two that claim it has it.
//!
//! Lint, operator and executor ask here, so that they never disagree.

use std::collections::BTreeMap;
use std::fmt;

use idflow_core::time::Timestamp;

use crate::{FlowType, ResourceKind};

/// Something that one object only can have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// A namespace.
    Namespace(String),
    /// An issuer.
    Issuer(String),
    /// Being the flow of its type when a client names none.
    DefaultFlow(FlowType),
    /// Being what is used when none is named.
    Default(ResourceKind),
    /// The id by which applications are known.
    ClientId(String),
}

impl Claim {
    /// The field that makes it.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Namespace(_) => "/spec/namespace",
            Self::Issuer(_) => "/spec/issuer",
            Self::DefaultFlow(_) | Self::Default(_) => "/spec/default",
            Self::ClientId(_) => "/spec/clientId",
        }
    }
}

/// What is said of the one who has it: "Tenant acme is older and …".
impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(namespace) => write!(f, "has namespace {namespace}"),
            Self::Issuer(issuer) => write!(f, "has issuer {issuer}"),
            Self::DefaultFlow(type_) => write!(f, "already the default of type {type_}"),
            Self::Default(_) => f.write_str("already the default"),
            Self::ClientId(id) => write!(f, "has the client id {id}"),
        }
    }
}

/// A spec, and what it claims.
pub trait Claims: Sized {
    /// What an object of that name claims.
    fn claims(&self, _name: &str) -> Vec<Claim> {
        Vec::new()
    }

    /// What is left of it when an older object has what it claims; nothing, when it cannot be without.
    fn without(self, _claim: &Claim) -> Option<Self> {
        None
    }
}

/// An object that claims something. Without a moment of creation it is younger than all that have one.
#[derive(Debug)]
pub struct Claimant<'a, S> {
    /// Its name.
    pub name: &'a str,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// What it says.
    pub spec: &'a S,
}

impl<S> Clone for Claimant<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Claimant<'_, S> {}

impl<'a, S> Claimant<'a, S> {
    /// Who was there first, then the name.
    pub fn seniority(&self) -> (Timestamp, &'a str) {
        (self.created.unwrap_or(Timestamp(i64::MAX)), self.name)
    }
}

/// Who has what.
#[derive(Debug)]
pub struct Holders<'a>(BTreeMap<Claim, (Timestamp, &'a str)>);

impl<'a> Holders<'a> {
    /// Settles what all objects of a kind claim.
    pub fn among<S: Claims + 'a>(all: impl IntoIterator<Item = Claimant<'a, S>>) -> Self {
        let mut holders = BTreeMap::new();
        for one in all {
            for claim in one.spec.claims(one.name) {
                let oldest = holders.entry(claim).or_insert(one.seniority());
                *oldest = (*oldest).min(one.seniority());
            }
        }
        Self(holders)
    }

    /// The name of the one who has it.
    pub fn of(&self, claim: &Claim) -> Option<&'a str> {
        self.0.get(claim).map(|(_, name)| *name)
    }

    /// What one claims and an older one has, and who that is.
    pub fn denied<S: Claims>(&self, one: &Claimant<'_, S>) -> Option<(Claim, &'a str)> {
        let claims = one.spec.claims(one.name).into_iter();
        let mut held = claims.filter_map(|claim| Some((self.of(&claim)?, claim)));
        held.find(|(holder, _)| *holder != one.name).map(|(holder, claim)| (claim, holder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OIDCClientSpec;

    fn client(id: Option<&str>) -> OIDCClientSpec {
        let spec = serde_json::json!({ "redirectURIs": ["https://a.example/"], "authentication": "None", "clientId": id });
        serde_json::from_value(spec).unwrap()
    }

    #[test]
    fn the_older_has_it_then_the_first_by_name_and_one_without_a_date_last() {
        let shop = client(Some("shop"));
        let at = |name, created: Option<i64>| Claimant { name, created: created.map(Timestamp), spec: &shop };
        for (all, expected) in [
            ([at("b", Some(1)), at("a", Some(2))], "b"),
            ([at("b", Some(1)), at("a", Some(1))], "a"),
            ([at("a", None), at("b", Some(9))], "b"),
            ([at("b", None), at("a", None)], "a"),
        ] {
            let holders = Holders::among(all);
            assert_eq!(holders.of(&Claim::ClientId("shop".to_owned())), Some(expected), "{all:?}");
            for one in all {
                let denied = holders.denied(&one).map(|(_, holder)| holder);
                assert_eq!(denied, (one.name != expected).then_some(expected), "{all:?}");
            }
        }
    }

    #[test]
    fn a_name_counts_as_a_client_id_where_none_is_given() {
        let (named, other) = (client(None), client(Some("shop")));
        let all = [
            Claimant { name: "shop", created: None, spec: &named },
            Claimant { name: "app", created: Some(Timestamp(1)), spec: &other },
        ];
        let holders = Holders::among(all);
        assert_eq!(holders.denied(&all[0]), Some((Claim::ClientId("shop".to_owned()), "app")));
        assert_eq!(holders.denied(&all[1]), None);
    }
}
