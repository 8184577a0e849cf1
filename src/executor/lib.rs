//! The asynchronous heart: configuration, catalog, HTTP, driving the engine.
//!
//! ```text
//!   folder or cluster ─▶ Snapshot ─▶ Configuration, Revisions     (replaced as a whole, last good one kept)
//!                                        │
//!   socket ─▶ http ─▶ drive ─▶ engine ─ asks ─▶ store, pool, outside
//!                       └─ commit ─▶ store ─▶ mails, reply
//! ```
//!
//! No function here decides *whether*, only *when*: decisions are the engine's and the provider's.

pub mod app;
pub mod asks;
mod binding;
pub mod claims;
pub mod configuration;
pub mod cookies;
mod devices;
pub mod drive;
pub mod http;
pub mod indices;
mod leaving;
pub mod limiter;
pub mod mail_queue;
pub mod mails;
pub mod metrics;
pub mod observer;
mod opening;
mod own_session;
pub mod pool;
pub mod report;
pub mod resealing;
pub mod revisions;
pub mod runtime;
mod signed_in;
pub mod source;
mod switches;
pub mod users;
mod verified;
pub mod visitor;
