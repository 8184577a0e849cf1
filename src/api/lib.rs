//! The custom resources: types, field documentation, CEL rules, conditions, reasons.
//!
//! One file per kind, and the table of them below. A field's documentation is what `kubectl explain` prints, so it
//! says what the field does, its default and its unit. Nothing here decides or performs anything; `crd` turns the
//! types into the manifests of the `crds` folder.
#![deny(missing_docs)]
#![expect(clippy::doc_markdown, reason = "kubectl explain prints the documentation as plain text")]
#![expect(
    clippy::duplicated_attributes,
    reason = "clippy reads the keys of two printer columns as one attribute"
)]
#![expect(unreachable_pub, reason = "KubeSchema repeats each struct, with its visibility, inside a function")]

/// The table of the custom resources: type, and the word for many of them. Whatever is needed once per kind follows
/// from it: definitions, samples, caches, watches, mirrors, role rules. A name of a macro gets the whole table.
///
/// `source` kinds are written by users and reach executors through what the operator makes of them; `live` kinds are
/// written by users and followed by executors as they are; `product` kinds are written by the operator for executors.
#[macro_export]
macro_rules! custom_resources {
    ($callback:ident) => {
        $callback! {
            source { Tenant tenants, Flow flows, FlowNode nodes }
            live { Directory directories, Connection connections, OIDCClient clients, Theme themes }
            product { FlowRevision revisions, Catalog catalogs }
        }
    };
}

mod address;
pub mod bounds;
pub mod catalog;
pub mod claim;
pub mod condition;
pub mod connection;
pub mod crd;
pub mod diagnostic;
pub mod directory;
pub mod flow;
pub mod flow_node;
pub mod flow_revision;
pub mod name;
pub mod oidc_client;
pub mod reason;
pub mod resource;
pub mod tenant;
pub mod theme;
pub mod value_type;
pub mod workload;

pub use catalog::{Catalog, CatalogSpec};
pub use connection::{Connection, ConnectionSpec};
pub use diagnostic::Problem;
pub use directory::{Directory, DirectorySpec};
pub use flow::{Flow, FlowSpec, FlowType, Step};
pub use flow_node::{FlowNode, FlowNodeSpec};
pub use flow_revision::{FlowRevision, FlowRevisionSpec};
pub use oidc_client::{OIDCClient, OIDCClientSpec};
pub use reason::Reason;
pub use resource::{HasKind, ResourceFacts, ResourceKind};
pub use tenant::{Tenant, TenantSpec};
pub use theme::{Theme, ThemeSpec};

/// The API group of every kind.
pub const GROUP: &str = "idflow.dev";

/// The API version of every kind.
pub const VERSION: &str = "v1alpha1";

/// The label a Secret's owner sets to `true` so that idflow may use the Secret (design 8).
pub const USABLE_LABEL: &str = "idflow.dev/usable";

/// The annotation of a shared Secret that lists the hosts it may be sent to: names or addresses without a port,
/// separated by commas; `*.example.com` is every name below.
pub const HOSTS_ANNOTATION: &str = "idflow.dev/hosts";
