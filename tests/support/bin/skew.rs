//! One version's operator with another's executors: `skew RELEASED PRESENT`, the two programs. While a cluster is
//! upgraded both happen: the operator comes first, and a rolled-back operator finds newer executors.
#![allow(clippy::expect_used, clippy::panic, reason = "a panic is the failure report of this program")]

use idflow_test_support::cluster::Cluster;
use idflow_test_support::repository;
use idflow_test_support::world::{self, World};

const ADDRESS: &str = "ada@test.example";

/// What people who have not edited anything since the release have: both versions read it.
fn manifests() -> String {
    let last = repository::text("tests/releases/LAST");
    let commit = last.trim().get(..12).expect("a commit");
    repository::text(&format!("tests/releases/{commit}/world.yaml"))
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [released, present] = arguments.as_slice() else { panic!("usage: skew RELEASED PRESENT") };
    let assets = || repository::prepared_folder("tests/cluster/build.sh").expect("the test servers");
    for (what, operator, executor) in [
        ("the released operator with the present executor", released, present),
        ("the present operator with the released executor", present, released),
    ] {
        println!("{what}");
        // It lives as long as the process, and its servers end with that.
        let cluster: &'static Cluster = Box::leak(Box::new(Cluster::start(assets())));
        world::install(cluster);
        let operator = if operator == released {
            world::start_operator_as_admin(cluster, operator)
        } else {
            world::start_operator(cluster, operator)
        };
        let world = World::start_of(manifests(), cluster, executor, "skew");
        world.wait_until_ready();
        world.sign_up(ADDRESS);
        println!("  ok  every object is Ready, and somebody signs up");
        world.apply(&world.manifest_of("Flow", "sign-in").replace("First title", "Second title"));
        world.wait_for("flow/sign-in", "Ready", "True");
        assert_eq!(world.revisions("sign-in").len(), 2, "{}", operator.log());
        let mut browser = world.browser();
        let first = world.relying_party().begin(&mut browser, "skew").expect("the sign-in").page();
        let form = world.person(ADDRESS).fill(&first);
        let second = browser.submit(&first, &form).expect("the password").page();
        assert!(second.text().contains("Second title"), "{}", second.text());
        world.sign_in(ADDRESS);
        println!("  ok  an edit rolls over, and somebody signs in on it");
    }
}
