//! An object whose fields do not fit together.
//!
//! Rules that concern several fields stand in the schema of the kind, and the API server refuses the object with the
//! same words.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop }
//! spec:
//!   authentication: ClientSecretBasic
//!   redirectURIs: ["https://shop.example.com/callback"]
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
//! Do what the message asks for.

use crate::diagnostic::{Rule, Severity};

pub(crate) const RULE: Rule =
    Rule { code: "broken-rule", severity: Severity::Error, why: "The API server refuses the object" };
