//! The network, with limits in both directions.
//!
//! ```text
//!   visitor ──▶ listen ──▶ (router)      cap on connections, time-outs, sizes, graceful end
//!                address                 whose request it is, told by trusted proxies only
//!
//!   steps   ──▶ client ──▶ guard ──▶     only hosts and addresses that are allowed; the address that
//!   mails   ──▶ mail   ──▶ guard ──▶     was checked is the address that is dialled
//! ```
//!
//! [`entropy`] is here because randomness comes from the same library as TLS.
#![deny(missing_docs)]

pub mod address;
pub mod client;
pub mod entropy;
pub mod guard;
pub mod listen;
pub mod mail;

/// Makes aws-lc-rs the TLS provider of the process. Called once at start by every binary and test; later calls
/// change nothing.
pub fn install_crypto() {
    // An error means that a provider is installed already, which is what is wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}
