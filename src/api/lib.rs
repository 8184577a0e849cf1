//! The custom resources: types, field documentation, CEL rules, conditions, reasons.
//!
//! One file per kind. A field's documentation is what `kubectl explain` prints, so it says what the field does,
//! its default and its unit. Nothing here decides or performs anything; `crd` turns the types into the manifests
//! of the `crds` folder.
#![deny(missing_docs)]
#![expect(clippy::doc_markdown, reason = "kubectl explain prints the documentation as plain text")]
#![expect(
    clippy::duplicated_attributes,
    reason = "clippy reads the keys of two printer columns as one attribute"
)]
#![expect(unreachable_pub, reason = "KubeSchema repeats each struct, with its visibility, inside a function")]

pub mod bounds;
pub mod catalog;
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
pub mod tenant;
pub mod theme;
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
pub use tenant::{Tenant, TenantSpec};
pub use theme::{Theme, ThemeSpec};

/// The API group of every kind.
pub const GROUP: &str = "idflow.dev";

/// The API version of every kind.
pub const VERSION: &str = "v1alpha1";

/// The label a Secret's owner sets to `true` so that idflow may use the Secret (design 8).
pub const USABLE_LABEL: &str = "idflow.dev/usable";

/// The annotation of a shared Secret that lists the hosts it may be sent to, separated by commas.
pub const HOSTS_ANNOTATION: &str = "idflow.dev/hosts";
