//! The operator and the executor on a real API server, from the manifest to the signed-in person. Only the kubelet is
//! stood in for: it runs the pod that the operator asked for, with nothing but that pod's own account.
#![allow(clippy::expect_used, clippy::panic, reason = "a panic is the failure report of a test")]

use std::sync::Mutex;

use idflow_test_support::cluster::Cluster;
use idflow_test_support::process::Process;
use idflow_test_support::world::{self, World};

mod calm;
mod convergence;
mod directories;
mod guests;
mod journeys;
mod policy;
mod quickstart;
mod revisions;
mod rights;
mod upgrade;

const PROGRAM: &str = env!("CARGO_BIN_EXE_idflow");

/// The one operator of this control plane; a test may replace it while others wait for their objects.
static OPERATOR: Mutex<Option<Process>> = Mutex::new(None);

/// The control plane with our definitions and a running operator.
fn operated(test: &str) -> Option<&'static Cluster> {
    let cluster = Cluster::shared(test)?;
    world::install(cluster);
    let mut operator = OPERATOR.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    operator.get_or_insert_with(|| world::start_operator(cluster, PROGRAM));
    Some(cluster)
}

/// A tenant whose every object is Ready.
fn ready_world(test: &str, prefix: &str) -> Option<World> {
    let world = World::start(operated(test)?, PROGRAM, prefix);
    world.wait_until_ready();
    Some(world)
}
