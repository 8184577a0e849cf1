//! Controllers that turn tenants and flows into running executors.
//!
//! ```text
//!   watches ─▶ World (one cache per kind) ─ route ─▶ one queue per controller ─▶ load ▸ plan ▸ apply ▸ observe
//! ```
//!
//! Each controller decides in a pure `plan` and meets the others only through the status of objects: `flow` makes
//! revisions, `catalog` offers them, `executor` says which of them every pod has loaded, `collector` removes those
//! nobody needs. Every watch is guarded, every queue is per object, so one bad object stops nobody else.

mod applied;
mod apply;
mod built_in;
mod cache;
#[cfg(test)]
mod calm_tests;
mod catalog;
mod collector;
mod context;
mod executor;
mod failure;
#[cfg(test)]
mod finding_tests;
#[cfg(test)]
mod fixtures;
mod flow;
#[cfg(test)]
mod harness;
mod lease;
mod loaded;
mod metrics;
#[cfg(test)]
mod mint_tests;
mod object;
#[cfg(test)]
mod old_words_tests;
#[cfg(test)]
mod policy_tests;
mod probes;
mod queue;
#[cfg(test)]
mod readers;
mod reference;
#[cfg(test)]
mod refusal_tests;
pub mod rights;
mod route;
mod run;
#[cfg(test)]
mod secret_tests;
mod status;
mod tenant;
mod tolerance;
#[cfg(test)]
mod tolerance_tests;
mod versioned;
mod watch;
mod work;
mod world;

pub use context::{Environment, Settings};
pub use run::run;
pub use tenant::keys::SigningKeys;
