//! The data plane stands alone: executors serve without the API server, also after kill -9, and follow it again when it
//! is back. In a control plane of its own, because nobody else can be tested meanwhile.
#![allow(clippy::expect_used, clippy::panic, reason = "a panic is the failure report of a test")]

use std::time::Duration;

use idflow_test_support::cluster::Cluster;
use idflow_test_support::wait;
use idflow_test_support::world::{self, World};

const PROGRAM: &str = env!("CARGO_BIN_EXE_idflow");

#[test]
fn executors_go_on_with_the_api_server_stopped_and_follow_it_again_when_it_is_back() {
    let Some(cluster) = Cluster::shared("executors_go_on_with_the_api_server_stopped") else { return };
    world::install(cluster);
    let _operator = world::start_operator(cluster, PROGRAM);
    let world = World::start(cluster, PROGRAM, "outage");
    world.wait_until_ready();
    world.sign_up("ada@test.example");
    let pod =
        cluster.list(&world.namespace, "pods")[0]["metadata"]["name"].as_str().expect("a name").to_owned();
    // The addresses are looked up while there is somebody to ask.
    let (client, mut browser, mut after_kill) = (world.relying_party(), world.browser(), world.browser());

    cluster.stop_api_server();
    let arrival = client.begin(&mut browser, "outage").expect("a page");
    let callback =
        world.person("ada@test.example").walk(&mut browser, arrival).expect("a sign-in without API server");
    client.tokens(&mut browser, &callback);

    world.kubelet.kill(&pod);
    let arrival =
        wait::until(Duration::from_secs(30), "a killed executor serves its last good configuration", || {
            client
                .begin(&mut after_kill, "killed")
                .map_err(|error| format!("{error}\n{}", world.kubelet.log()))
        });
    let callback =
        world.person("ada@test.example").walk(&mut after_kill, arrival).expect("a sign-in after kill -9");
    client.tokens(&mut after_kill, &callback);

    cluster.start_api_server();
    let edited = world.manifest_of("Flow", "sign-in").replace("First title", "Second title");
    world.apply(&edited);
    world.wait_for("flow/sign-in", "Ready", "True");
    assert_eq!(world.revisions("sign-in").len(), 2);
    world.sign_in("ada@test.example");
}
