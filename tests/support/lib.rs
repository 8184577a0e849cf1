//! What the whole-system tests stand on: a real Kubernetes control plane, real processes, and a browser without script.
//! It exists so that a test reads as what a user does, and so that nothing a test started outlives it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::disallowed_methods,
    reason = "test support: a panic is the failure report, and tests run on the real clock and environment"
)]

pub mod amount;
pub mod browser;
pub mod chromium;
pub mod cluster;
pub mod dev;
pub mod form;
pub mod helm;
pub mod http;
pub mod kubelet;
pub mod oidc;
pub mod person;
pub mod process;
pub mod repository;
pub mod revision;
pub mod service;
pub mod skip;
pub mod smtp;
pub mod wait;
pub mod world;
