//! The shared vocabulary of every room: ids, digest, time, chance, secrets, evidence, views, asks, records.
//!
//! Nothing here performs an effect. Rooms above describe what they want as the values defined here; the
//! executor performs it.
//!
//! ```text
//!   nodes ── Turn ──▶ engine ── Ask ──▶ executor ──▶ store, net, factor
//!                            ── Commit ▶            (one conditional batch, then the effects after it)
//! ```
#![deny(missing_docs)]

pub mod audit;
pub mod block;
pub mod chance;
pub mod claim;
pub mod counter;
pub mod dead_end;
pub mod digest;
pub mod effect;
pub mod evidence;
pub mod grant;
pub mod host;
pub mod id;
pub mod journey;
pub mod name;
pub mod secret;
pub mod session;
mod text;
pub mod time;
pub mod user;
pub mod view;
pub mod write;

/// A JSON value: what expressions read and steps put out.
pub type Value = serde_json::Value;

/// Named values, for example the outputs of one step.
pub type Data = serde_json::Map<String, Value>;
