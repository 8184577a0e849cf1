//! Reads, resolves, checks, compiles and digests flows; one file per lint rule.
//!
//! ```text
//!   manifests ─ read ─▶ resolve ─▶ check (one file per rule) ─▶ content ─ canonical JSON ─▶ digest
//!                                                              content ─ compile ─▶ program
//! ```
//!
//! The files form a line; a guard of the repository finds circles:
//! theme, roots, policy, secret, diagnostic, facts, pinned, plan, kinds, program · scalar, yaml, source, locate, objects · formats · proofs,
//! graph, edge, dataflow, summary, resolve, assurance · `proven_order`, canonical, content, pin, compile · lint, schema, check ·
//! kustomize, folder, shown, tree.
//! A rule that is found while a text is read (its file stands in lint and imports only diagnostic) is named by the reader.

pub mod assurance;
pub mod canonical;
mod check;
pub mod compile;
pub mod content;
pub mod dataflow;
pub mod diagnostic;
pub mod edge;
pub mod facts;
mod folder;
mod formats;
pub mod graph;
pub mod kinds;
mod kustomize;
pub mod lint;
mod locate;
pub mod objects;
mod pin;
pub mod pinned;
pub mod plan;
pub mod policy;
pub mod program;
pub mod proofs;
mod proven_order;
pub mod reading;
pub mod resolve;
pub mod roots;
mod scalar;
pub mod schema;
pub mod secret;
pub mod shown;
pub mod source;
pub mod summary;
pub mod theme;
mod tree;
pub mod types;
mod ways;
mod yaml;

pub use check::{
    Compiled, KindUse, Revision, check_client, check_node, check_secret, check_theme, compile_flow,
};
pub use compile::LoadError;
pub use content::Content;
pub use diagnostic::Finding;
pub use folder::Folder;
pub use formats::text::{Fixed, fix};
pub use objects::Objects;
pub use source::Manifest;
pub use tree::{Files, Tree};
