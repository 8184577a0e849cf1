//! The charts: rendered by a real helm, within its rules, and with the definitions and rights that follow from the
//! code.
#![allow(clippy::expect_used, clippy::panic, reason = "a panic is the failure report of a test")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use idflow_operator::rights::{self, TENANT_ROLE};
use idflow_test_support::helm::Helm;
use idflow_test_support::repository;
use serde_json::{Value, json};

const RIGHTS: &str = "charts/idflow/files/rights.yaml";

/// The documents that helm made.
fn documents(text: &str) -> Vec<Value> {
    let documents = text.split("\n---\n").filter(|text| text.lines().any(|line| line.starts_with("kind:")));
    documents.map(|text| serde_saphyr::from_str(text.trim_start_matches("---\n")).expect("YAML")).collect()
}

fn rendered(test: &str, chart: &str, more: &[&str]) -> Option<Vec<Value>> {
    Some(documents(&Helm::found(test)?.render(chart, more).expect("helm template")))
}

fn one<'a>(documents: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let found = documents.iter().find(|one| one["kind"] == kind && one["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}"))
}

#[test]
fn helm_finds_nothing_to_complain_about() {
    let Some(helm) = Helm::found("helm_finds_nothing_to_complain_about") else { return };
    for chart in ["idflow-crds", "idflow"] {
        helm.run(&["lint", "--strict", &repository::path("charts").join(chart).display().to_string()])
            .expect("helm lint");
    }
}

#[test]
fn charts_are_of_the_version_of_the_program_and_install_its_image() {
    let version = env!("CARGO_PKG_VERSION");
    for chart in ["idflow-crds", "idflow"] {
        let about = repository::text(&format!("charts/{chart}/Chart.yaml"));
        let about: Value = serde_saphyr::from_str(&about).expect("YAML");
        assert_eq!((&about["version"], &about["appVersion"]), (&json!(version), &json!(version)), "{chart}");
    }
    let Some(made) = rendered("charts_are_of_the_version_of_the_program", "idflow", &[]) else { return };
    let container = one(&made, "Deployment", "idflow-operator");
    let container = &container["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], format!("ghcr.io/idflow/idflow:{version}"));
}

#[test]
fn k_5_the_rights_of_the_chart_are_those_that_follow_from_what_the_operator_does() {
    let needed = rights::rights();
    let needed = json!({ "cluster": needed.cluster, "tenant": needed.tenant, "own": needed.own });
    let fresh = format!(
        "# Generated from src/operator/rights.rs: IDFLOW_WRITE=1 cargo test --test charts\n{}",
        serde_saphyr::to_string(&needed).expect("YAML")
    );
    if std::env::var_os("IDFLOW_WRITE").is_some() {
        std::fs::write(repository::path(RIGHTS), &fresh).expect("the rights");
    }
    assert!(repository::text(RIGHTS) == fresh, "{RIGHTS} is stale: IDFLOW_WRITE=1 cargo test --test charts");

    let Some(made) = rendered("the_rights_of_the_chart", "idflow", &[]) else { return };
    assert_eq!(one(&made, "ClusterRole", "idflow-operator")["rules"], needed["cluster"]);
    assert_eq!(one(&made, "ClusterRole", TENANT_ROLE)["rules"], needed["tenant"]);
    assert_eq!(one(&made, "Role", "idflow-operator")["rules"], needed["own"]);
}

#[test]
fn the_chart_of_the_definitions_holds_them_as_they_are_and_leaves_them_when_it_is_uninstalled() {
    let Some(made) = rendered("the_chart_of_the_definitions", "idflow-crds", &[]) else { return };
    let folder = std::fs::read_dir(repository::path("crds")).expect("crds");
    let texts =
        folder.map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("a definition"));
    let kept = |text: String| {
        let mut definition: Value = serde_saphyr::from_str(&text).expect("YAML");
        definition["metadata"]["annotations"] = json!({ "helm.sh/resource-policy": "keep" });
        definition
    };
    let mut own: Vec<Value> = texts.map(kept).collect();
    own.sort_by_key(|one| one["metadata"]["name"].to_string());
    assert_eq!(made, own);
}

#[test]
fn values_set_image_replicas_and_resources_and_nothing_else_is_taken() {
    let test = "values_set_image_replicas_and_resources";
    let set = ["--set", "image=example.test/idflow:9,replicas=2,resources.limits.memory=1Gi"];
    let Some(made) = rendered(test, "idflow", &set) else { return };
    let deployment = one(&made, "Deployment", "idflow-operator");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(deployment["spec"]["replicas"], 2);
    assert_eq!(container["image"], "example.test/idflow:9");
    assert_eq!(container["resources"]["limits"]["memory"], "1Gi");
    let runs_executors_of_it = json!("--executor-image=example.test/idflow:9");
    assert!(container["args"].as_array().expect("arguments").contains(&runs_executors_of_it), "{container}");

    let helm = Helm::found(test).expect("it was found before");
    for wrong in ["replica=2", "replicas=many", "resources.request.cpu=1", "nodeSelector.a=b"] {
        helm.render("idflow", &["--set", wrong]).expect_err(wrong);
    }
}

/// A chart as a team writes one: its flow differs by the values of an environment.
const TEAM_CHART: [(&str, &str); 5] = [
    ("Chart.yaml", "apiVersion: v2\nname: team\nversion: 0.1.0\n"),
    ("values.yaml", "factors: []\n"),
    ("staging.yaml", "connection: mail\n"),
    ("prod.yaml", "factors: [pwd, hwk]\nconnection: mail\n"),
    (
        "templates/flow.yaml",
        r"apiVersion: idflow.dev/v1alpha1
kind: Directory
metadata: { name: people, namespace: {{ .Release.Namespace }} }
spec: { default: true, attributes: [{ name: email, type: Email, unique: true, required: true }], identifiers: [email] }
---
apiVersion: idflow.dev/v1alpha1
kind: Connection
metadata: { name: mail, namespace: {{ .Release.Namespace }} }
spec: { smtp: { host: mail.acme.example, from: no-reply@acme.example } }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata:
  name: {{ .Release.Name }}-sign-in
  namespace: {{ .Release.Namespace }}
spec:
  type: Login
  {{- with .Values.factors }}
  guarantees: { factors: {{ toJson . }} }
  {{- end }}
  start: password
  steps:
    - { id: password, password: { identify: true }, outcomes: { next: code } }
    - { id: code, oneTimeCode: { email: { connection: {{ .Values.connection }} } }, outcomes: { next: done } }
    - { id: done, complete: {} }
",
    ),
];

/// Findings of `idflow lint - MORE…`, as JSON, and its exit code.
fn linted(chart: &Path, rendered: &str, more: &[&str]) -> (Option<i32>, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_idflow"));
    command.args(["lint", "-", "--output", "json"]).args(more).current_dir(chart);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = command.spawn().expect("idflow lint");
    process.stdin.take().expect("its input").write_all(rendered.as_bytes()).expect("the manifests");
    let output = process.wait_with_output().expect("idflow lint");
    (output.status.code(), serde_json::from_slice(&output.stdout).expect("JSON"))
}

#[test]
fn what_helm_renders_of_a_teams_chart_is_judged_by_environment_and_named_by_object() {
    let Some(helm) = Helm::found("what_helm_renders_of_a_teams_chart_is_judged") else { return };
    let chart = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(chart.path().join("templates")).expect("a folder");
    for (file, text) in TEAM_CHART {
        std::fs::write(chart.path().join(file), text).expect("a file");
    }
    let folder = chart.path().display().to_string();
    for (environment, code, expected) in
        [("staging", 0, vec![]), ("prod", 1, vec![("weak-assurance", "spec.steps[done]")])]
    {
        let values = format!("{folder}/{environment}.yaml");
        let arguments =
            ["template", environment, &folder, "--namespace", &format!("acme-{environment}"), "-f", &values];
        let rendered = helm.run(&arguments).expect("helm template");
        // The templates are no manifests: naming them beside the pipe shows nothing else.
        for more in [&[][..], &["templates"]] {
            let (exit, report) = linted(chart.path(), &rendered, more);
            let findings = report["findings"].as_array().expect("findings");
            let told: Vec<_> = findings
                .iter()
                .filter(|finding| finding["severity"] == "error")
                .map(|finding| (finding["code"].as_str().expect("a code"), &finding["place"]))
                .collect();
            let places: Vec<_> =
                told.iter().map(|(code, place)| (*code, place["path"].as_str().expect("a path"))).collect();
            assert_eq!((exit, places), (Some(code), expected.clone()), "{environment} {more:?}: {report}");
            for (_, place) in told {
                assert_eq!(place["object"], format!("Flow/{environment}-sign-in"), "{report}");
                assert_eq!(place["namespace"], format!("acme-{environment}"), "{report}");
            }
        }
    }
}
