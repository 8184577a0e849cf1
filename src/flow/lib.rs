//! Reads, resolves, checks, compiles and digests flows; one file per lint rule.
//!
//! ```text
//!   manifests ─ read ─▶ resolve ─▶ check (one file per rule) ─▶ content ─ canonical JSON ─▶ digest
//!                                                              content ─ compile ─▶ program
//! ```

pub mod kinds;
pub mod program;
