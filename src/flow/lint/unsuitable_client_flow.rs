//! An application that names a flow of another type, or none that exists.
//!
//! `flows.login` names a flow of type Login, `flows.registration` one of type Registration, and so on.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop }
//! spec:
//!   authentication: None
//!   redirectURIs: ["https://shop.example.com/callback"]
//!   flows: { login: verify-email }
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop }
//! spec:
//!   authentication: None
//!   redirectURIs: ["https://shop.example.com/callback"]
//! ```
//!
//! Name a flow of the right type.

use idflow_api::FlowType;
use idflow_api::oidc_client::ClientFlows;

use crate::diagnostic::{Finding, ObjectId, Rule, Severity, nearest};
use crate::objects::Objects;

pub(super) const RULE: Rule = Rule {
    code: "unsuitable-client-flow",
    severity: Severity::Error,
    why: "The application's users could not sign in",
};

pub(super) fn find(objects: &Objects) -> Vec<Finding> {
    let clients = objects.clients.iter().filter_map(|(name, client)| Some((name, client.spec.flows.as_ref()?)));
    clients.flat_map(|(name, flows)| of_client(objects, name, flows)).collect()
}

fn of_client(objects: &Objects, client: &str, flows: &ClientFlows) -> Vec<Finding> {
    let named = [
        ("login", &flows.login, FlowType::Login),
        ("registration", &flows.registration, FlowType::Registration),
        ("resetPassword", &flows.reset_password, FlowType::ResetPassword),
        ("logout", &flows.logout, FlowType::Logout),
    ];
    let found = named.into_iter().filter_map(|(field, flow, wanted)| {
        let flow = flow.as_deref()?;
        let place = ObjectId::new("OIDCClient", client).at(format!("/spec/flows/{field}"));
        match objects.flows.get(flow) {
            None => {
                let help = match nearest(flow, objects.flows.keys().map(String::as_str)) {
                    Some(near) => format!("did you mean {near}?"),
                    None => "apply the flow too, or correct the name".to_owned(),
                };
                let finding = RULE.at(place, format!("there is no Flow {flow} in this namespace"), help);
                Some(finding.graded(Severity::Warning).of_absence())
            }
            Some(found) if found.spec.type_ != wanted => {
                let title = format!("the Flow {flow} is of type {}, and {field} needs one of type {wanted}", found.spec.type_);
                Some(RULE.at(place, title, format!("name a flow of type {wanted}")))
            }
            Some(_) => None,
        }
    });
    found.collect()
}
