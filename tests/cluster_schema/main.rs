//! The custom resources on a real API server: every definition installs, every rule refuses what it should in the
//! user's words, and every example is accepted as `kubectl` reads it.
#![allow(clippy::expect_used, clippy::panic, reason = "a panic is the failure report of a test")]

use std::time::Duration;

use idflow_api::flow::HISTORY_LIMIT;
use idflow_api::tenant::DEFAULT_FLOWS;
use idflow_test_support::cluster::Cluster;
use idflow_test_support::{repository, wait, world};
use serde_json::{Value, json};

mod pipes;
mod refusals;
mod releases;
mod rules;
mod samples;

/// The control plane with our definitions installed as a user installs them.
fn installed(test: &str) -> Option<&'static Cluster> {
    Cluster::shared(test).inspect(|cluster| world::install(cluster))
}

#[test]
fn every_definition_installs_with_names_columns_and_category() {
    let Some(cluster) = installed("every_definition_installs_with_names_columns_and_category") else {
        return;
    };
    let definitions = cluster.kubectl(&["get", "crd", "-o", "json"]).json("definitions");
    for definition in definitions["items"].as_array().expect("items") {
        let (spec, name) = (&definition["spec"], &definition["metadata"]["name"]);
        let problems: Vec<&Value> = definition["status"]["conditions"]
            .as_array()
            .expect("conditions")
            .iter()
            .filter(|one| one["type"] == "NonStructuralSchema" || one["status"] == "False")
            .collect();
        assert!(problems.is_empty(), "{name}: {problems:?}");
        assert_eq!(spec["names"]["categories"][0], "idflow", "{name}");
        assert!(spec["names"]["shortNames"].is_array(), "{name} has no short name");
        let columns = spec["versions"][0]["additionalPrinterColumns"].as_array().expect("columns");
        assert_eq!(columns.last().expect("a column")["name"], "Age", "{name}");
    }
}

#[test]
fn every_field_of_a_flow_explains_itself() {
    let Some(cluster) = installed("every_field_of_a_flow_explains_itself") else { return };
    for field in
        ["flow", "flow.spec.lifetime", "flow.spec.steps.password", "tenant.spec.issuer", "directory.spec"]
    {
        let text = wait::until(Duration::from_secs(30), field, || {
            let answer = cluster.kubectl(&["explain", field]);
            if answer.ok { Ok(answer.stdout) } else { Err(answer.stderr) }
        });
        let description = text.split("DESCRIPTION:").nth(1).expect("a description");
        assert!(!description.contains("<empty>"), "{field}: {text}");
    }
}

#[test]
fn every_valid_sample_is_accepted() {
    let Some(cluster) = installed("every_valid_sample_is_accepted") else { return };
    for sample in samples::all() {
        create(cluster, &sample.to_string()).expect("a valid sample");
    }
}

#[test]
fn every_rule_refuses_what_it_should_and_says_why() {
    let Some(cluster) = installed("every_rule_refuses_what_it_should_and_says_why") else { return };
    let mut wrong = Vec::new();
    for refusal in refusals::TABLE {
        let answer = create(cluster, &refusal.manifest().to_string());
        if answer.ok {
            wrong.push(format!("accepted: {}", refusal.what));
        } else if !answer.stderr.contains(refusal.message) {
            wrong.push(format!("{}: not «{}» but {}", refusal.what, refusal.message, answer.stderr));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lint_and_so_dev_refuses_what_the_api_server_refuses_and_nothing_valid() {
    let is_read =
        |manifest: &&Value| !["FlowRevision", "Catalog"].iter().any(|kind| manifest["kind"] == *kind);
    let accepted: Vec<String> = refusals::TABLE
        .iter()
        .filter(|refusal| lint(&refusal.manifest()).is_ok())
        .map(|refusal| refusal.what.to_owned())
        .collect();
    assert!(accepted.is_empty(), "lint accepts: {accepted:#?}");
    let said = refusals::TABLE.iter().filter_map(|refusal| lint(&refusal.manifest()).err());
    let riddles: Vec<String> = said.filter(|said| said.contains("it must match ^")).collect();
    assert!(riddles.is_empty(), "lint helps by regular expressions: {}", riddles.join("\n"));
    let refused: Vec<String> =
        samples::all().iter().filter(is_read).filter_map(|sample| lint(sample).err()).collect();
    assert!(refused.is_empty(), "lint refuses valid samples: {}", refused.join("\n"));
}

/// What `idflow lint` says to one object, if it finds an error.
fn lint(manifest: &Value) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("object.json");
    std::fs::write(&file, manifest.to_string()).expect("the object");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_idflow")).arg("lint").arg(&file).output();
    let output = output.expect("idflow lint");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}

#[test]
fn words_that_yaml_reads_as_booleans_are_refused_as_kubectl_reads_them() {
    let Some(cluster) = installed("words_that_yaml_reads_as_booleans_are_refused_as_kubectl_reads_them")
    else {
        return;
    };
    for (what, step) in [
        ("outcome on", "{ id: a, message: {}, outcomes: { on: done } }"),
        ("outcome no", "{ id: a, message: {}, outcomes: { no: done } }"),
        ("id yes", "{ id: yes, message: {}, outcomes: { next: done } }"),
        ("id off, quoted", "{ id: 'off', message: {}, outcomes: { next: done } }"),
    ] {
        let manifest = format!(
            "{{ apiVersion: idflow.dev/v1alpha1, kind: Flow, metadata: {{ name: words }},\n spec: {{ type: Custom, \
             start: done, steps: [ {step}, {{ id: done, complete: {{}} }} ] }} }}"
        );
        create(cluster, &manifest).expect_refusal(what);
    }
}

#[test]
fn what_must_not_change_does_not_change() {
    let Some(cluster) = installed("what_must_not_change_does_not_change") else { return };
    let namespace = cluster.namespace("frozen");
    for (object, sample, patch, message) in [
        (
            "tenant/acme",
            samples::of("Tenant"),
            r#"{"spec":{"issuer":"https://other.example"}}"#,
            "issuer cannot be changed",
        ),
        (
            "tenant/acme",
            samples::of("Tenant"),
            r#"{"spec":{"namespace":"other"}}"#,
            "namespace cannot be changed",
        ),
        (
            "flowrevision/sign-in-g1-aaaaaaaa",
            samples::of("FlowRevision"),
            r#"{"spec":{"generation":2}}"#,
            "a revision never changes",
        ),
        (
            "flowrevision/sign-in-g1-aaaaaaaa",
            samples::of("FlowRevision"),
            r#"{"spec":{"content":"{}x"}}"#,
            "a revision never changes",
        ),
    ] {
        cluster.apply(&namespace, &sample.to_string()).expect("the object");
        let answer = cluster.kubectl(&["patch", "-n", &namespace, object, "--type=merge", "-p", patch]);
        let refusal = answer.expect_refusal(patch);
        assert!(refusal.contains(message), "{patch}: {refusal}");
    }
}

#[test]
fn every_example_is_accepted_by_the_api_server() {
    let Some(cluster) = installed("every_example_is_accepted_by_the_api_server") else { return };
    for example in examples() {
        let text = example.display().to_string();
        // The namespaces an example brings must exist for its other objects to be judged; so `apply`, as `create`
        // would refuse them a second time.
        for namespace in namespaces_of(cluster, &text) {
            cluster.kubectl(&["create", "namespace", &namespace]);
        }
        cluster.kubectl(&["apply", "--dry-run=server", "-f", &text]).expect(&text);
    }
}

/// Folders of manifests; of applications, which bring files of their own, the manifest of each.
fn examples() -> Vec<std::path::PathBuf> {
    let below = |folder: &std::path::Path| {
        let entries =
            std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
        entries.filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let is_of_applications = |folder: &std::path::PathBuf| folder.ends_with("clients");
    let (clients, folders): (Vec<_>, Vec<_>) =
        below(&repository::path("examples")).into_iter().partition(is_of_applications);
    let manifests = clients.iter().flat_map(|folder| below(folder)).map(|client| client.join("client.yaml"));
    folders.into_iter().chain(manifests.filter(|manifest| manifest.exists())).collect()
}

/// The namespaces that the objects of a folder name.
fn namespaces_of(cluster: &Cluster, folder: &str) -> Vec<String> {
    let answer = cluster.kubectl(&["create", "--dry-run=client", "-f", folder, "-o", "json"]);
    let stream = serde_json::Deserializer::from_str(&answer.stdout).into_iter::<Value>();
    let objects = stream.flat_map(|one| {
        let one = one.expect("JSON");
        one["items"].as_array().cloned().unwrap_or_else(|| vec![one.clone()])
    });
    let mut names: Vec<String> =
        objects.filter_map(|object| Some(object["metadata"]["namespace"].as_str()?.to_owned())).collect();
    names.sort();
    names.dedup();
    names
}

fn create(cluster: &Cluster, manifest: &str) -> idflow_test_support::cluster::Answer {
    cluster.kubectl_with(&["create", "--dry-run=server", "--validate=strict", "-f", "-"], manifest)
}

/// As many flows as a tenant may have when its limits say nothing, each with its history, all in a grace.
fn largest_catalog(end: &str) -> String {
    let name = |flow: usize| format!("a-flow-with-a-long-name-{flow:03}");
    let entry = |flow: usize, generation: usize| {
        let digest = format!("{:064x}", flow * 100 + generation);
        let revision = format!("{}-g{generation:02}-{:08x}", name(flow), flow * 100 + generation);
        json!({ "revision": revision, "digest": digest, "weight": 0, "policyGraceUntil": end })
    };
    let flows = (0..DEFAULT_FLOWS.unsigned_abs() as usize).map(|flow| {
        let entries: Vec<_> = (0..=HISTORY_LIMIT).map(|generation| entry(flow, generation)).collect();
        json!({ "flow": name(flow), "type": "Login", "entries": entries })
    });
    let tenant = json!({ "name": "acme", "issuer": "https://login.acme.example" });
    let spec = json!({ "tenant": tenant, "flows": flows.collect::<Vec<_>>() });
    let (version, metadata) = ("idflow.dev/v1alpha1", json!({ "name": "idflow" }));
    json!({ "apiVersion": version, "kind": "Catalog", "metadata": metadata, "spec": spec }).to_string()
}

#[test]
fn the_catalog_of_as_many_flows_as_a_tenant_may_have_can_be_written() {
    let Some(cluster) = installed("the_catalog_of_as_many_flows_as_a_tenant_may_have_can_be_written") else {
        return;
    };
    let namespace = cluster.namespace("largest");
    for end in ["2026-11-27T17:08:16Z", "2026-11-28T17:08:16Z"] {
        let apply = ["apply", "--server-side", "--namespace", namespace.as_str(), "-f", "-"];
        cluster.kubectl_with(&apply, &largest_catalog(end)).expect("a Catalog that fits");
    }
}
