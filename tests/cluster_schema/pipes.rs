//! `kubectl kustomize … | idflow lint -`: what a real kustomize renders, mapped back to the files it came from.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::installed;

const BASE: &str = "apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: greet }
spec:
  type: Custom
  start: nowhere
  steps: [{ id: done, complete: {} }]
";
const PATCH: &str = "apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: greet }
spec: { lifetime: 9000h }
";

fn lint(arguments: &[&str], folder: &Path, input: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_idflow"));
    command.arg("lint").args(arguments).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().expect("idflow lint");
    process.stdin.take().expect("its input").write_all(input.as_bytes()).expect("the manifests");
    let output = process.wait_with_output().expect("idflow lint");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), said)
}

#[test]
fn what_kustomize_renders_is_judged_and_shown_in_its_sources() {
    let Some(cluster) = installed("what_kustomize_renders_is_judged_and_shown_in_its_sources") else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    for (file, text) in [
        ("base/kustomization.yaml", "resources: [flow.yaml]\n"),
        ("base/flow.yaml", BASE),
        (
            "prod/kustomization.yaml",
            "namespace: prod\nresources: [../base]\npatches: [{ path: lifetime.yaml }]\n",
        ),
        ("prod/lifetime.yaml", PATCH),
    ] {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    let overlay = folder.path().join("prod").display().to_string();
    let rendered = cluster.kubectl(&["kustomize", &overlay]).expect("kustomize");
    let (code, said) = lint(&["-", "base", "prod", "--output", "json"], folder.path(), &rendered);
    assert_eq!(code, Some(1), "{said}");
    let report: Value = serde_json::from_str(&said).expect("JSON");
    let place = |code: &str| {
        let findings = report["findings"].as_array().expect("findings");
        let finding = findings.iter().find(|finding| finding["code"] == code);
        finding.unwrap_or_else(|| panic!("no {code}: {said}"))["place"].clone()
    };
    let (start, lifetime) = (place("unknown-step"), place("invalid-lifetime"));
    assert_eq!((&start["file"], &start["line"]), (&"base/flow.yaml".into(), &6.into()));
    assert_eq!((&start["object"], &start["namespace"]), (&"Flow/greet".into(), &"prod".into()));
    assert_eq!((&lifetime["file"], &lifetime["line"]), (&"prod/lifetime.yaml".into(), &4.into()));
    // Without the sources the object is named.
    let (_, said) = lint(&["-"], folder.path(), &rendered);
    assert!(said.contains("<standard input>:") && said.contains("Flow/prod/greet spec.start"), "{said}");
    // The tree itself: the patch is no Flow of its own.
    let (_, said) = lint(&["."], folder.path(), "");
    assert!(said.contains("names it as a patch") && !said.contains("missing-field"), "{said}");
    // Whatever was to render it failed.
    let (code, said) = lint(&["-"], folder.path(), "");
    assert!(code == Some(2) && said.contains("nothing came in by standard input"), "{said}");
}
