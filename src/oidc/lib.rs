//! The OpenID Provider's decisions, apart from everything that performs them.
//!
//! Each endpoint is one file of [`endpoint`]: it parses an [`http::Incoming`] into a typed request, decides over
//! facts that the executor loaded (client, session, user, grant, keys, time), and says what to write and what to
//! answer. Nothing here waits, stores or reads a clock, so every refusal of the specifications is a table test.
//!
//! ```text
//!   Incoming ── parse ──▶ Request ── decide(facts, now) ──▶ Decision ── respond ──▶ Response
//!                            │                                 │
//!                            └ names the facts to load         └ the grant to write, if unchanged since loaded
//! ```
#![deny(missing_docs)]

pub mod acr;
pub mod again;
pub mod claims;
pub mod client;
pub mod endpoint;
pub mod handle;
mod header;
pub mod http;
pub mod jws;
pub mod keys;
pub mod parameters;
pub mod pkce;
pub mod provider;
pub mod refusal;
pub mod scope;
pub mod shown;
pub mod tokens;

#[cfg(test)]
mod checklist;
#[cfg(test)]
mod fixture;
