//! A whole executor without sockets: real flows, real pages, a simulated clock, a seeded chance, a store that fails on
//! demand and outlives crashes. One file per promise of the design's section 2; a seed is a whole run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is the failure report of a test"
)]

mod acknowledged_step;
mod applications;
mod blocks;
mod browser_rules;
mod clients;
mod codes;
mod content_types;
mod contention;
mod dead_ends;
mod endpoints;
mod evidence;
mod fail_closed;
mod faults;
mod guest;
mod guest_sessions;
mod hints;
mod host;
mod indices;
mod internal_errors;
mod languages;
mod leaving;
mod leaving_always;
mod logs;
mod names;
mod no_double_effect;
mod person;
mod pinned_revision;
mod policy;
mod refresh;
mod releases;
mod requests;
mod reservations;
mod rotation;
mod round_trips;
mod second_port;
mod standing;
mod succession;
mod throttles;
mod updates;
mod visitor;
mod world;
