//! Rules about the repository itself that no compiler checks: what may be linked, who may know whom, lists that agree
//! with folders, sizes, and nothing in the text that belongs to one machine.
#![allow(clippy::expect_used, clippy::panic, reason = "a panic is the failure report of a test")]

mod awaited;
mod checklist;
mod circles;
mod dependencies;
mod layers;
mod lists;
mod sizes;
mod sources;
mod text;
