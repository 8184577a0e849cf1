//! What is linked into the program: one crypto provider, and licences that a company can live with.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::OnceLock;

use idflow_test_support::repository;
use serde_json::Value;

/// A second crypto provider, or a system library in place of ours. `openssl-probe` only finds certificate files.
const BANNED: [&str; 6] = ["ring", "openssl", "openssl-sys", "openssl-src", "native-tls", "tokio-native-tls"];

/// Licences that ask for no more than keeping their text.
const LICENCES: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

/// `cargo metadata` for the platform the tests run on.
pub(crate) fn metadata() -> &'static Value {
    static METADATA: OnceLock<Value> = OnceLock::new();
    METADATA.get_or_init(|| {
        let rustc = Command::new("rustc").arg("-vV").output().expect("rustc");
        let version = String::from_utf8_lossy(&rustc.stdout).into_owned();
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host triple");
        let mut command = Command::new(env!("CARGO"));
        command.args(["metadata", "--format-version", "1", "--filter-platform", host]);
        let output = command.current_dir(repository::root()).output().expect("cargo metadata");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
    })
}

/// Name and licence of every package that is really compiled. `cargo tree` knows which features are on; the lock file
/// and `cargo metadata` also name packages of features that are off.
fn linked() -> Vec<(String, String)> {
    let mut command = Command::new(env!("CARGO"));
    command.args([
        "tree",
        "--workspace",
        "--edges",
        "normal,build,dev",
        "--prefix",
        "none",
        "--format",
        "{p}\t{l}",
    ]);
    let output = command.current_dir(repository::root()).output().expect("cargo tree");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let package = |line: &str| {
        let (name, licence) = line.split_once('\t')?;
        Some((name.split(' ').next()?.to_owned(), licence.trim_end_matches(" (*)").to_owned()))
    };
    String::from_utf8_lossy(&output.stdout).lines().filter_map(package).collect()
}

#[test]
fn aws_lc_is_the_only_crypto_library() {
    let linked = linked();
    let banned: Vec<_> = linked.iter().filter(|(name, _)| BANNED.contains(&name.as_str())).collect();
    assert!(banned.is_empty(), "linked: {banned:?}; `cargo tree -i NAME` tells who asks for it");
    assert!(
        linked.iter().any(|(name, _)| name == "aws-lc-rs"),
        "the list of linked packages is not complete"
    );
}

#[test]
fn every_linked_package_has_a_licence_we_accept() {
    let refused: BTreeSet<_> = linked().into_iter().filter(|(_, licence)| !is_accepted(licence)).collect();
    assert!(refused.is_empty(), "not on the list of licences: {refused:?}");
}

#[test]
fn our_own_packages_are_apache_licensed_and_never_published() {
    let own = metadata()["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .filter(|package| package["source"].is_null());
    for package in own {
        assert_eq!(package["license"], "Apache-2.0", "{}", package["name"]);
        assert_eq!(package["publish"], Value::Array(Vec::new()), "{}", package["name"]);
    }
}

/// Whether an SPDX expression can be met with accepted licences.
fn is_accepted(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    let accepted = alternatives(&mut words);
    accepted && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn alternatives(words: &mut Words<'_>) -> bool {
    let mut accepted = together(words);
    while words.next_if_eq(&"OR").is_some() {
        accepted |= together(words);
    }
    accepted
}

fn together(words: &mut Words<'_>) -> bool {
    let mut accepted = licence(words);
    while words.next_if_eq(&"AND").is_some() {
        accepted &= licence(words);
    }
    accepted
}

fn licence(words: &mut Words<'_>) -> bool {
    let Some(word) = words.next() else { return false };
    if word == "(" {
        let accepted = alternatives(words);
        return words.next() == Some(")") && accepted;
    }
    let mut name = word.to_owned();
    if words.next_if_eq(&"WITH").is_some() {
        name = format!("{name} WITH {}", words.next().unwrap_or_default());
    }
    LICENCES.contains(&name.as_str())
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    for accepted in ["MIT", "MIT/Apache-2.0", "Apache-2.0 OR GPL-2.0-only", "(MIT OR GPL-3.0) AND ISC"] {
        assert!(is_accepted(accepted), "{accepted}");
    }
    for refused in
        ["GPL-3.0", "MIT AND GPL-2.0-only", "Apache-2.0 WITH Classpath-exception-2.0", "", "MIT ISC"]
    {
        assert!(!is_accepted(refused), "{refused}");
    }
}

/// Libraries of which only one version is known to do what we rely on, each with the reason beside its requirement.
const EXACT: [&str; 1] = ["cel"];

#[test]
fn a_library_whose_inside_we_rely_on_is_required_exactly() {
    let packages = metadata()["packages"].as_array().expect("packages");
    let dependencies = packages
        .iter()
        .filter(|package| package["name"].as_str().is_some_and(|name| name.starts_with("idflow-")))
        .flat_map(|package| package["dependencies"].as_array().expect("dependencies"));
    let exact: Vec<_> = dependencies.filter(|one| EXACT.iter().any(|name| one["name"] == *name)).collect();
    assert!(!exact.is_empty());
    for one in exact {
        let requirement = one["req"].as_str().unwrap_or_default();
        assert!(requirement.starts_with('='), "{} is required as {requirement}", one["name"]);
    }
}
