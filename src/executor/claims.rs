//! Claims that an application's registration computes: compiled when it is loaded, evaluated over a user and a session.

use std::sync::Arc;

use idflow_api::oidc_client::CustomClaim;
use idflow_core::claim::RESERVED;
use idflow_core::user::User;
use idflow_core::{Data, Value};
use idflow_sandbox::{Budget, Expression};

/// The most that the computed claims of one application may take, in bytes of JSON: ID tokens travel in headers.
const MAX_CLAIMS: usize = 4 * 1024;

/// The claims of one application.
#[derive(Debug, Clone, Default)]
pub struct Claims(Arc<[(String, Expression)]>);

/// What is computed, and which claims could not be.
#[derive(Debug, Default, PartialEq)]
pub struct Computed {
    /// Name and value.
    pub claims: Data,
    /// Why a claim is absent that is not simply null. Without values.
    pub dropped: Vec<String>,
}

impl Claims {
    /// Compiles claims. One that cannot be is left out, and told.
    pub fn compile(specs: &[CustomClaim]) -> (Self, Vec<String>) {
        let (mut compiled, mut problems) = (Vec::new(), Vec::new());
        for CustomClaim { name, value } in specs {
            match Expression::compile(value) {
                _ if RESERVED.contains(&name.as_str()) => {
                    problems.push(format!("claim {name}: the name is reserved"));
                }
                Ok(expression) => compiled.push((name.clone(), expression)),
                Err(error) => problems.push(format!("claim {name}: {error}; {}", error.help)),
            }
        }
        (Self(compiled.into()), problems)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Computes them. Whatever goes wrong with one drops that one: an application sees less, never something else.
    pub fn compute(&self, user: &User, session: &Data) -> Computed {
        let roots = [("user", user.data()), ("session", session.clone())];
        let roots: Data = roots.into_iter().map(|(name, data)| (name.to_owned(), data.into())).collect();
        let (mut computed, mut size) = (Computed::default(), 0);
        for (name, expression) in self.0.iter() {
            let value = match expression.evaluate(&roots, Budget::default()) {
                Ok(Value::Null) => continue,
                Ok(value) => value,
                Err(error) => {
                    computed.dropped.push(format!("{name}: {error}"));
                    continue;
                }
            };
            let more = name.len() + value.to_string().len();
            if size + more > MAX_CLAIMS {
                computed
                    .dropped
                    .push(format!("{name}: together the claims take more than {MAX_CLAIMS} bytes"));
                continue;
            }
            size += more;
            computed.claims.insert(name.clone(), value);
        }
        computed
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
        Claims::compile(&pairs.iter().map(claim).collect::<Vec<_>>())
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
        let computed = claims.compute(&ada(), &session);
        let expected = json!({ "mail_domain": "example.com", "roles": ["admins"], "org": "acme" });
        assert_eq!((Value::Object(computed.claims), computed.dropped), (expected, Vec::new()));
    }

    #[test]
    fn o_41_a_claim_that_fails_is_absent_and_takes_no_other_with_it() {
        let (claims, problems) = claims(&[
            ("sub", "'somebody else'"),
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
        let computed = claims.compute(&ada(), &Data::new());
        assert_eq!(Value::Object(computed.claims), json!({ "kept": "yes" }));
        assert_eq!(computed.dropped.len(), 3, "{:?}", computed.dropped);
        assert!(!computed.dropped.iter().any(|told| told.contains("ada@")), "{:?}", computed.dropped);
    }
}
