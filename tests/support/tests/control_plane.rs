//! The harness itself: a control plane that comes up, is stopped and comes back, and hands out accounts.
#![allow(clippy::expect_used, reason = "test helpers")]

use idflow_test_support::cluster::Cluster;
use idflow_test_support::wait;

#[test]
fn a_control_plane_survives_a_stopped_api_server_and_gives_accounts_only_their_rights() {
    let Some(cluster) = Cluster::shared("control_plane") else { return };
    let namespace = cluster.namespace("harness");
    cluster
        .kubectl(&["create", "configmap", "-n", &namespace, "kept", "--from-literal=a=b"])
        .expect("a ConfigMap");
    cluster.stop_api_server();
    cluster.kubectl(&["get", "--raw", "/readyz"]).expect_refusal("a call to a stopped API server");
    cluster.start_api_server();
    assert_eq!(cluster.get(&namespace, "configmap/kept")["data"]["a"], "b");

    cluster.kubectl(&["create", "serviceaccount", "-n", &namespace, "reader"]).expect("an account");
    let config = cluster.kubeconfig_for(&namespace, "reader");
    let refused =
        cluster.kubectl(&["--kubeconfig", &config.display().to_string(), "get", "-n", &namespace, "secrets"]);
    assert!(refused.expect_refusal("reading Secrets").contains("system:serviceaccount"));
    wait::until(
        std::time::Duration::from_secs(30),
        "the controller manager makes the default account",
        || {
            let account = cluster.kubectl(&["get", "-n", &namespace, "serviceaccount/default"]);
            if account.ok { Ok(()) } else { Err(account.stderr) }
        },
    );
}
