//! A name that mixes letters of scripts which are not written together.
//!
//! `pаypal` with a Cyrillic а looks like `paypal` and is another word (UTS 39). Applications are shown to visitors by
//! their `displayName`.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop }
//! spec:
//!   displayName: "Sh\u043ep"
//!   authentication: None
//!   redirectURIs: ["https://shop.example.com/callback"]
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop }
//! spec:
//!   displayName: Shop
//!   authentication: None
//!   redirectURIs: ["https://shop.example.com/callback"]
//! ```
//!
//! Write the name in one script.

use idflow_core::name::mixes_scripts;

use crate::diagnostic::{Finding, ObjectId, Rule, Severity};
use crate::objects::Objects;

pub(super) const RULE: Rule = Rule {
    code: "mixed-scripts",
    severity: Severity::Warning,
    why: "Visitors may take it for something else",
};

pub(super) fn find(objects: &Objects) -> Vec<Finding> {
    let names =
        objects.clients.iter().filter_map(|(name, client)| Some((name, client.spec.display_name.as_ref()?)));
    let mixed = names.filter(|(_, shown)| mixes_scripts(shown));
    let finding = |(name, shown): (&String, &String)| {
        let place = ObjectId::new("OIDCClient", name.as_str()).at("/spec/displayName");
        let title = format!("{shown} mixes letters of scripts that are not written together");
        RULE.at(place, title, "write the name in one script")
    };
    mixed.map(finding).collect()
}
