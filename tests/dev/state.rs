//! Where state is kept: never in a folder that people commit.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use idflow_test_support::process::{Process, free_port};

use crate::manifests;

/// `idflow dev` as a newcomer starts it, in a home of its own, until it says its addresses.
fn run(home: &Path, folder: &Path) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_idflow"));
    let [listen, demo] = [(); 2].map(|()| format!("127.0.0.1:{}", free_port()));
    command.arg("dev").arg(folder).args(["--listen", &listen, "--demo", &demo]);
    command.env("HOME", home).env_remove("XDG_STATE_HOME");
    let mut process = Process::start("idflow dev", command);
    process.wait_for_line(Duration::from_secs(30), "its addresses", |line| {
        line.contains("(issuer)").then_some(())
    });
    process
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut found: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    found.sort();
    found
}

#[test]
fn a_folder_of_manifests_stays_as_it_was_and_what_an_earlier_version_left_there_is_only_named() {
    let (home, folder) = (tempfile::tempdir().expect("a home"), tempfile::tempdir().expect("a folder"));
    std::fs::write(folder.path().join("tenant.yaml"), manifests(9)).expect("the manifests");
    run(home.path(), folder.path());
    assert_eq!(files(folder.path()), [folder.path().join("tenant.yaml")]);
    let states: Vec<PathBuf> = files(&home.path().join(".local/state/idflow/dev"));
    let named = |name: &str| states.iter().filter(|path| path.ends_with(name)).count();
    assert_eq!((named("keys.json"), named("store.redb")), (1, 1), "{states:?}");

    let former = folder.path().join(".idflow");
    std::fs::create_dir(&former).expect("a folder");
    std::fs::write(former.join("keys.json"), "not even JSON").expect("a file");
    let before = files(folder.path());
    let process = run(home.path(), folder.path());
    let told =
        process.lines().iter().filter(|line| line.contains(".idflow is from an earlier version")).count();
    assert_eq!(told, 1, "{}", process.log());
    assert_eq!(files(folder.path()), before);
    assert_eq!(
        files(&home.path().join(".local/state/idflow/dev")).len(),
        states.len(),
        "the same state again"
    );
}
