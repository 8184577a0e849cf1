//! kill -9 of the executor at random moments under load: no acknowledged step is lost and no effect is doubled.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a panic is the failure report of a test, and visitors wait on the real clock"
)]

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use idflow_test_support::amount;
use idflow_test_support::cluster::Cluster;
use idflow_test_support::world::{self, World};

mod visitor;

use visitor::Visitor;

const PROGRAM: &str = env!("CARGO_BIN_EXE_idflow");
const VISITORS: usize = 6;

#[test]
fn kill_9_again_and_again_loses_no_acknowledged_step_and_doubles_no_effect() {
    let Some(cluster) = Cluster::shared("kill_9_again_and_again") else { return };
    world::install(cluster);
    let _operator = world::start_operator(cluster, PROGRAM);
    let world = World::start(cluster, PROGRAM, "kill");
    world.wait_until_ready();
    let pod =
        cluster.list(&world.namespace, "pods")[0]["metadata"]["name"].as_str().expect("a name").to_owned();

    let kills = amount::of(40, 200);
    let stop = AtomicBool::new(false);
    let next = AtomicUsize::new(0);
    let visitors: Vec<Visitor> = std::thread::scope(|scope| {
        let visit = || {
            let mut done = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let mut visitor = Visitor::new(&world, next.fetch_add(1, Ordering::Relaxed));
                visitor.sign_up();
                done.push(visitor);
            }
            done
        };
        let threads: Vec<_> = (0..VISITORS).map(|_| scope.spawn(visit)).collect();
        for number in 0..kills {
            sleep(moment(number));
            world.kubelet.kill(&pod);
        }
        stop.store(true, Ordering::Relaxed);
        threads.into_iter().flat_map(|thread| thread.join().expect("a visitor")).collect()
    });

    assert!(
        world.kubelet.restarts(&pod) >= kills * 9 / 10,
        "only {} kills hit",
        world.kubelet.restarts(&pod)
    );
    assert!(visitors.len() >= 20, "only {} journeys under load", visitors.len());
    let disturbed = visitors.iter().filter(|visitor| visitor.disturbed > 0).count();
    println!("{} sign-ups, {disturbed} of them disturbed by {kills} kills", visitors.len());
    assert!(disturbed > 0, "no kill hit a journey");
    for visitor in &visitors {
        visitor.check_effects();
        world.sign_in(&visitor.address);
    }
}

/// 0.7 to 1.7 s: the process has come back and serves, and is somewhere in the middle of something.
fn moment(number: u32) -> Duration {
    let mut hasher = DefaultHasher::new();
    (amount::seed(), number).hash(&mut hasher);
    Duration::from_millis(700 + hasher.finish() % 1000)
}
