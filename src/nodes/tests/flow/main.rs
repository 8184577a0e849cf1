//! Flows of the real kinds, read and judged as `idflow lint`, `idflow dev` and the operator do.
//!
//! The rules and the compiler live in `flow`, which knows no kind. What they say is tried here, where the kinds are.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is the failure report of a test")]

mod absent;
mod compile;
mod formats;
mod rules;
mod schema;
mod trees;
mod types;
mod values;
mod world;
