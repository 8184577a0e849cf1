//! Where state is kept: never in a folder that people commit.

use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use idflow_test_support::process::{Process, free_port};

use crate::{Served, manifests};

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

/// Every file below a folder with a digest of its content; nothing where there is no folder.
fn contents(folder: &Path) -> Vec<(PathBuf, u64)> {
    let digest = |file: &PathBuf| {
        let mut hasher = std::hash::DefaultHasher::new();
        std::fs::read(file).expect("a file").hash(&mut hasher);
        hasher.finish()
    };
    let found = if folder.exists() { files(folder) } else { Vec::new() };
    found.into_iter().map(|file| (file.clone(), digest(&file))).collect()
}

/// What it is, keys and store in the data folder, further arguments, and what is said.
type Start<'a> = (&'a str, Option<&'a [u8]>, Option<&'a [u8]>, &'a [&'a str], &'a str);

#[test]
fn a_start_that_is_refused_writes_nothing() {
    let home = tempfile::tempdir().expect("a home");
    let path = |name: &str| home.path().join(name);
    let folder = path("manifests");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("tenant.yaml"), manifests(9)).expect("the manifests");
    std::fs::write(path("users.json"), "[{").expect("a file");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().map(|address| (taken, address.to_string())).expect("an address");
    run(home.path(), &folder);
    let [state] = std::fs::read_dir(home.path().join(".local/state/idflow/dev"))
        .expect("states")
        .map(|entry| entry.expect("an entry").path())
        .collect::<Vec<_>>()
        .try_into()
        .expect("one state");
    let good: Vec<_> =
        ["keys.json", "store.redb"].map(|name| std::fs::read(state.join(name)).expect(name)).into();
    let users = path("users.json").display().to_string();
    let cases: [Start<'_>; 8] = [
        ("no folder", None, None, &["--folder"], "cannot serve"),
        ("a port that is taken", None, None, &["--listen", &taken.1], "in use"),
        ("users that are none", None, None, &["--users", &users], "no JSON array of users"),
        ("a store without its keys", None, Some(&good[1]), &[], "keys.json is missing"),
        ("keys of nothing", Some(b""), Some(&good[1]), &[], "keys.json is empty"),
        ("keys that are damaged", Some(b"{"), None, &[], "keys.json is damaged"),
        ("a store that is empty", Some(&good[0]), Some(b""), &[], "whatever it held is lost"),
        ("a store that is none", Some(&good[0]), Some(&[7; 9000]), &[], "is not an idflow store"),
    ];
    for (number, (what, keys, store, arguments, said)) in cases.into_iter().enumerate() {
        let data = path(&format!("data-{number}"));
        for (name, bytes) in [("keys.json", keys), ("store.redb", store)] {
            if let Some(bytes) = bytes {
                std::fs::create_dir_all(&data).expect("a folder");
                std::fs::write(data.join(name), bytes).expect("a file");
            }
        }
        let before = contents(&data);
        let mut command = Command::new(env!("CARGO_BIN_EXE_idflow"));
        let [listen, demo] = [(); 2].map(|()| format!("127.0.0.1:{}", free_port()));
        let (arguments, manifests) = match arguments {
            ["--folder"] => (&[][..], path("nowhere")),
            others => (others, folder.clone()),
        };
        command.arg("dev").arg(manifests).args(["--demo", &demo, "--data"]).arg(&data).args(arguments);
        if !arguments.contains(&"--listen") {
            command.args(["--listen", &listen]);
        }
        let output = command.output().expect("idflow dev");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(said), "{what}: {told}");
        assert_eq!(contents(&data), before, "{what}");
    }
}

/// Puts a value of an unknown format in place of every user.
fn spoil_users(store: &Path) {
    const USER: u8 = 4;
    let records = redb::TableDefinition::<&[u8], &[u8]>::new("records");
    let database = redb::Database::open(store).expect("the store");
    let transaction = database.begin_write().expect("a transaction");
    {
        let mut table = transaction.open_table(records).expect("the records");
        let keys: Vec<Vec<u8>> = redb::ReadableTable::iter(&table)
            .expect("keys")
            .map(|entry| entry.expect("an entry").0.value().to_vec())
            .filter(|key| key.first() == Some(&USER))
            .collect();
        assert!(!keys.is_empty(), "nobody to spoil");
        for key in keys {
            table.insert(key.as_slice(), &[9_u8, 9, 9][..]).expect("a spoilt record");
        }
    }
    transaction.commit().expect("a commit");
}

#[test]
fn a_record_that_cannot_be_decoded_costs_its_person_and_nobody_else() {
    let served = Served::start();
    served.sign_up("ada@example.com");
    let served = served.restarted(|data| spoil_users(&data.join("store.redb")));
    served.sign_up("bob@example.com");
    served.sign_up("eve@example.com");
}
