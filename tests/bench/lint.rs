//! How long `idflow lint` takes over a generated flow of 100 steps, its own start included.

use std::process::Command;
use std::time::Duration;

use idflow_test_support::wait;

const RUNS: usize = 21;

pub(crate) fn measure() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("flow.yaml");
    std::fs::write(&file, manifest(100)).expect("the flow");
    let lint = |path: &std::path::Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_idflow"));
        wait::timed(|| command.arg("lint").arg(path).output().expect("idflow lint"))
    };
    let (_, output) = lint(&file);
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let median = |path: &std::path::Path| {
        let mut times: Vec<Duration> = (0..RUNS).map(|_| lint(path).0).collect();
        times.sort();
        times[RUNS / 2].as_secs_f64() * 1e3
    };
    let small = folder.path().join("small.yaml");
    std::fs::write(&small, manifest(2)).expect("the flow");
    println!("lint, compile and digest, process included  {:8.1} ms     (aim < 50)", median(&file));
    println!("the same for a flow of two steps            {:8.1} ms", median(&small));
}

/// A login of `steps` steps: forms in a chain, each read by the next, with a password at the end.
fn manifest(steps: usize) -> String {
    use std::fmt::Write as _;
    let mut text = HEAD.replace("START", if steps > 2 { "form0" } else { "password" });
    let forms = steps - 2;
    for step in 0..forms {
        let next = if step + 1 == forms { "password".to_owned() } else { format!("form{}", step + 1) };
        write!(
            text,
            "    - id: form{step}\n      form: {{ fields: [{{ name: answer{step}, type: String }}] }}\n"
        )
        .expect("a string");
        writeln!(text, "      outcomes: {{ next: {next} }}").expect("a string");
    }
    text.push_str("    - id: password\n      password: { identify: true }\n      outcomes: { next: done }\n    - id: done\n      complete: {}\n");
    text
}

const HEAD: &str = "apiVersion: idflow.dev/v1alpha1
kind: Directory
metadata: { name: people }
spec:
  default: true
  attributes: [{ name: username, type: String, unique: true }]
  identifiers: [username]
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: long }
spec:
  type: Login
  start: START
  steps:
";
