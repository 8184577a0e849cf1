//! The stand-in for the kubelet runs a `StatefulSet`'s pod as its spec says. A shell stands in for the program.
#![allow(clippy::expect_used, clippy::panic, reason = "a panic is the failure report of a test")]

use std::time::Duration;

use idflow_test_support::cluster::Cluster;
use idflow_test_support::kubelet::Kubelet;
use idflow_test_support::wait;

const MANIFEST: &str = r#"
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: web }
spec:
  serviceName: web
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: executor
          image: example.test/none:1
          command: [/bin/sh]
          args: [-c, 'echo "$POD listens on 0.0.0.0 with $KUBECONFIG"; echo $(KEY) > /data/file; exec sleep 600']
          env:
            - { name: POD, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
            - { name: KEY, value: content }
          volumeMounts: [{ name: data, mountPath: /data }]
      volumes: [{ name: data, emptyDir: {} }]
"#;

#[test]
fn a_pod_runs_as_its_spec_says_and_comes_back_after_kill_9() {
    let Some(cluster) = Cluster::shared("kubelet") else { return };
    let namespace = cluster.namespace("kubelet");
    let kubelet = Kubelet::start(cluster, &namespace, "/bin/sh");
    cluster.apply(&namespace, MANIFEST).expect("a StatefulSet");
    let address = kubelet.address("web-0");
    wait::until(Duration::from_secs(30), "the StatefulSet counts the pod as ready", || {
        let ready = cluster.get(&namespace, "statefulset/web")["status"]["readyReplicas"].clone();
        if ready == 1 { Ok(()) } else { Err(format!("readyReplicas: {ready}\n{}", kubelet.log())) }
    });
    assert!(kubelet.log().contains(&format!("web-0 listens on {address} with ")), "{}", kubelet.log());
    kubelet.kill("web-0");
    wait::until(Duration::from_secs(30), "the process is started again", || {
        let count =
            cluster.get(&namespace, "pod/web-0")["status"]["containerStatuses"][0]["restartCount"].clone();
        if count == 1 { Ok(()) } else { Err(format!("restartCount: {count}")) }
    });
}
