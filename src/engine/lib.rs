//! The journey: one synchronous loop over a compiled revision.
//!
//! Events go in; asks and, at the end, one commit come out. Nothing here reads a clock, a store or a socket, and
//! nothing here knows HTML. So every order of events can be tried without a server.
//!
//! ```text
//!   post ─▶ run ─ event ─▶ node ─ turn ─▶ run ─ ask ─▶ (executor) ─ answer ─▶ run … ─▶ commit, reply inside
//! ```
//!
//! Two rules hold throughout. Wrong input leaves the journey where it was. And what a step has proven counts for
//! this journey, this visit of the step, this attempt and this user only (design 2).
#![deny(missing_docs)]

pub mod bind;
pub mod context;
mod data;
pub mod node;
pub mod run;
pub mod surroundings;
pub mod turn;

#[cfg(test)]
mod tests;
