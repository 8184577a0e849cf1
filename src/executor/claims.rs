//! Claims that an application's registration computes: compiled when it is loaded, evaluated over a user and a session
//! where a token or UserInfo tells them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use idflow_api::oidc_client::CustomClaim;
use idflow_core::claim;
use idflow_core::user::User;
use idflow_core::{Data, Value};
use idflow_oidc::claims::OwnClaims;
use idflow_sandbox::{Budget, Expression};

/// The most that the computed claims of one application may take, in bytes of JSON: ID tokens travel in headers.
const MAX_CLAIMS: usize = 4 * 1024;

/// The claims of one application. Equal ones are of the same registration.
#[derive(Debug, Clone)]
pub struct Claims {
    client: String,
    claims: Arc<[Claim]>,
}

#[derive(Debug)]
struct Claim {
    name: String,
    source: String,
    /// Nothing where it does not compile: then nobody is told of it.
    expression: Option<Expression>,
    /// Whether it was told that the claim fails. It may do so for everybody, and each would be told of anew.
    told: AtomicBool,
}

impl PartialEq for Claims {
    fn eq(&self, other: &Self) -> bool {
        let sources = |claims: &Self| -> Vec<(String, String)> {
            claims.claims.iter().map(|claim| (claim.name.clone(), claim.source.clone())).collect()
        };
        self.client == other.client && sources(self) == sources(other)
    }
}

impl Claims {
    /// Compiles the claims of a client. One that cannot be is left out, and told.
    pub fn compile(client: &str, specs: &[CustomClaim]) -> (Self, Vec<String>) {
        let (mut compiled, mut problems) = (Vec::new(), Vec::new());
        for CustomClaim { name, value } in specs {
            if claim::is_reserved(name) {
                problems.push(format!("claim {name}: the name is reserved"));
                continue;
            }
            let expression = Expression::compile(value);
            let refused = expression.as_ref().err();
            problems.extend(refused.map(|error| format!("claim {name}: {error}; {}", error.help)));
            compiled.push(Claim {
                name: name.clone(),
                source: value.clone(),
                expression: expression.ok(),
                told: AtomicBool::new(false),
            });
        }
        (Self { client: client.to_owned(), claims: compiled.into() }, problems)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// Computes them, and tells `dropped` of those that are absent without being null, in words without values.
    /// Whatever goes wrong with one makes it null, so that what it would have replaced is not told in its place: an
    /// application sees less, never something else.
    fn compute(&self, user: &User, session: &Data, mut dropped: impl FnMut(&Claim, &str)) -> Data {
        let roots = [("user", user.data()), ("session", session.clone())];
        let roots: Data = roots.into_iter().map(|(name, data)| (name.to_owned(), data.into())).collect();
        let (mut computed, mut size) = (Data::new(), 0);
        for claim in self.claims.iter() {
            computed.insert(claim.name.clone(), Value::Null);
            let Some(expression) = &claim.expression else { continue };
            let value = match expression.evaluate(&roots, Budget::default()) {
                Ok(Value::Null) => continue,
                Ok(value) => value,
                Err(error) => {
                    dropped(claim, &error.to_string());
                    continue;
                }
            };
            let more = claim.name.len() + value.to_string().len();
            if size + more > MAX_CLAIMS {
                dropped(claim, &format!("together the claims take more than {MAX_CLAIMS} bytes"));
                continue;
            }
            size += more;
            computed.insert(claim.name.clone(), value);
        }
        computed
    }
}

impl OwnClaims for Claims {
    fn about(&self, user: &User, session: &Data) -> Data {
        self.compute(user, session, |claim, problem| {
            if !claim.told.swap(true, Ordering::Relaxed) {
                tracing::warn!(
                    client = self.client,
                    claim = claim.name,
                    problem,
                    "an application is not told of a claim"
                );
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use idflow_core::id::UserId;
    use idflow_core::time::Timestamp;
    use idflow_core::user::UserState;
    use serde_json::json;

    use super::*;

    fn claims(pairs: &[(&str, &str)]) -> (Claims, Vec<String>) {
        let claim =
            |(name, value): &(&str, &str)| CustomClaim { name: (*name).into(), value: (*value).into() };
        Claims::compile("app", &pairs.iter().map(claim).collect::<Vec<_>>())
    }

    fn computed(claims: &Claims, session: &Data) -> (Value, Vec<String>) {
        let mut dropped = Vec::new();
        let mut computed = claims.compute(&ada(), session, |claim, problem| {
            dropped.push(format!("{}: {problem}", claim.name));
        });
        computed.retain(|_, value| !value.is_null());
        (Value::Object(computed), dropped)
    }

    fn ada() -> User {
        User {
            id: UserId::from_bytes([1; 16]),
            directory: "people".into(),
            attributes: json!({ "email": "ada@example.com" }).as_object().cloned().unwrap(),
            verified: Vec::new(),
            groups: vec!["admins".into(), "staff".into()],
            reserved: None,
            state: UserState::Active,
            created: Timestamp(0),
            updated: Timestamp(0),
        }
    }

    #[test]
    fn claims_are_computed_over_the_user_and_the_session() {
        let (claims, problems) = claims(&[
            ("mail_domain", "user.email.split('@')[1]"),
            ("roles", "user.groups.filter(one, one != 'staff')"),
            ("org", "session.organization"),
            ("nothing", "has(user.name) ? user.name : null"),
        ]);
        assert_eq!(problems, Vec::<String>::new());
        let session = json!({ "organization": "acme" }).as_object().cloned().unwrap();
        let expected = json!({ "mail_domain": "example.com", "roles": ["admins"], "org": "acme" });
        assert_eq!(computed(&claims, &session), (expected, Vec::new()));
    }

    #[test]
    fn o_41_a_claim_that_fails_is_absent_and_takes_no_other_with_it() {
        let (claims, problems) = claims(&[
            ("Sub", "'somebody else'"),
            ("broken", "user."),
            ("absent", "session.organization"),
            ("secret_free", "vars.token"),
            (
                "huge",
                "[1,2,3,4,5,6,7,8].map(a, [1,2,3,4,5,6,7,8].map(b, [1,2,3,4,5,6,7,8].map(c, 'xxxxxxxxxxxx')))",
            ),
            ("kept", "'yes'"),
        ]);
        assert_eq!(problems.len(), 2, "{problems:?}");
        let (told, dropped) = computed(&claims, &Data::new());
        assert_eq!((told, dropped.len()), (json!({ "kept": "yes" }), 3), "{dropped:?}");
        assert!(!dropped.iter().any(|told| told.contains("ada@")), "{dropped:?}");
    }

    #[test]
    fn a_claim_that_narrows_the_groups_and_fails_tells_none_of_them() {
        let scopes = ["groups".to_owned()];
        for (value, expected) in [
            ("user.groups.filter(one, one != 'staff')", Some(json!(["admins"]))),
            ("user.groups.filter(one, one == session.team)", None),
            ("user.groups.filter(", None),
            ("null", None),
        ] {
            let (claims, _) = claims(&[("groups", value)]);
            let own = claims.compute(&ada(), &Data::new(), |_, _| {});
            let told = idflow_oidc::claims::of(&ada(), &scopes, Some(own));
            assert_eq!(told.get("groups").cloned(), expected, "{value}");
        }
    }
}
