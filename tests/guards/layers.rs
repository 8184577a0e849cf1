//! Who may know whom: the table of rooms, checked on the manifests. The compiler enforces what they say.

use idflow_test_support::repository;

use crate::dependencies::metadata;

/// Libraries that speak to the outside.
const OUTSIDE: [&str; 12] = [
    "axum",
    "hyper",
    "hyper-util",
    "kube",
    "lettre",
    "notify",
    "redb",
    "reqwest",
    "rustls",
    "tokio",
    "tokio-rustls",
    "tower",
];

struct Room {
    name: &'static str,
    /// The rooms it may import.
    knows: &'static [&'static str],
    /// The libraries of `OUTSIDE` it may import.
    touches: &'static [&'static str],
}

const ROOMS: [Room; 15] = [
    Room { name: "core", knows: &[], touches: &[] },
    Room { name: "sandbox", knows: &["core"], touches: &[] },
    // For the derive macros; its client feature belongs to others.
    Room { name: "api", knows: &["core"], touches: &["kube"] },
    Room { name: "flow", knows: &["core", "sandbox", "api", "pages"], touches: &[] },
    Room { name: "engine", knows: &["core", "sandbox", "flow"], touches: &[] },
    Room { name: "nodes", knows: &["core", "sandbox", "flow", "engine"], touches: &[] },
    Room { name: "store", knows: &["core"], touches: &["redb", "tokio"] },
    Room {
        name: "net",
        knows: &["core"],
        touches: &["hyper", "hyper-util", "lettre", "reqwest", "rustls", "tokio", "tokio-rustls", "tower"],
    },
    Room { name: "factor", knows: &["core"], touches: &[] },
    Room { name: "oidc", knows: &["core"], touches: &[] },
    Room { name: "pages", knows: &["core"], touches: &[] },
    Room {
        name: "executor",
        knows: &[
            "core", "sandbox", "api", "flow", "engine", "nodes", "store", "net", "factor", "oidc", "pages",
        ],
        touches: &["axum", "hyper", "kube", "tokio", "tower"],
    },
    Room {
        name: "operator",
        knows: &["core", "api", "flow"],
        // For probes and metrics.
        touches: &["hyper", "hyper-util", "kube", "reqwest", "tokio"],
    },
    Room {
        name: "cli",
        knows: &[
            "core", "sandbox", "api", "flow", "nodes", "store", "net", "factor", "oidc", "pages", "executor",
            "operator",
        ],
        // `idflow dev` serves a demo application and a mail catcher of its own.
        touches: &["axum", "kube", "reqwest", "rustls", "tokio"],
    },
    Room { name: "test-support", knows: &[], touches: &[] },
];

/// What a room's manifest imports outside its tests.
fn imports(room: &str) -> Vec<&'static str> {
    let packages = metadata()["packages"].as_array().expect("packages");
    let name = format!("idflow-{room}");
    let package = packages.iter().find(|package| package["name"] == name.as_str());
    let dependencies = package.unwrap_or_else(|| panic!("no package {name}"))["dependencies"].as_array();
    let normal = dependencies.expect("dependencies").iter().filter(|one| one["kind"].is_null());
    normal.filter_map(|one| one["name"].as_str()).collect()
}

#[test]
fn every_room_imports_only_what_its_row_names() {
    for room in &ROOMS {
        for import in imports(room.name) {
            let inside = import.strip_prefix("idflow-");
            let refused = match inside {
                Some(other) => !room.knows.contains(&other),
                None => OUTSIDE.contains(&import) && !room.touches.contains(&import),
            };
            assert!(!refused, "src/{} must not know {import}", room.name);
        }
    }
}

#[test]
fn every_folder_of_src_is_a_room_of_the_table() {
    let folders =
        std::fs::read_dir(repository::path("src")).expect("src").map(|entry| entry.expect("an entry"));
    for folder in folders.filter(|entry| entry.path().is_dir()) {
        let name = folder.file_name().into_string().expect("a plain name");
        // Where proptest keeps the cases that once failed, for all rooms.
        if name == "proptest-regressions" {
            continue;
        }
        assert!(ROOMS.iter().any(|room| room.name == name), "src/{name} has no row in the table of rooms");
    }
}

#[test]
fn main_stays_under_forty_lines() {
    let lines = repository::text("src/main.rs").lines().count();
    assert!(lines < 40, "src/main.rs has {lines} lines");
}
