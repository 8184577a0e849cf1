//! One file and one line in a list: the two must agree.

use std::collections::BTreeSet;

use idflow_test_support::repository;

use crate::sources;

/// Folders whose every file is an entry of a list, and the file with that list. Files in `besides` are no entries.
struct Listed {
    what: &'static str,
    folder: &'static str,
    list: &'static str,
    besides: &'static [&'static str],
}

const LISTS: [Listed; 6] = [
    Listed { what: "node kind", folder: "src/nodes", list: "src/nodes/lib.rs", besides: &[] },
    Listed { what: "lint rule", folder: "src/flow/lint", list: "src/flow/lint/mod.rs", besides: &[] },
    Listed {
        what: "rewrite",
        folder: "src/flow/formats/rewrite",
        list: "src/flow/formats/rewrite/mod.rs",
        besides: &[],
    },
    Listed { what: "endpoint", folder: "src/oidc/endpoint", list: "src/oidc/endpoint/mod.rs", besides: &[] },
    Listed { what: "record kind", folder: "src/store/record", list: "src/store/record.rs", besides: &[] },
    Listed { what: "command", folder: "src/cli", list: "src/cli/lib.rs", besides: &[] },
];

/// Names of the files directly in `folder`, without ending.
fn stems(folder: &str) -> BTreeSet<String> {
    let prefix = format!("{folder}/");
    let paths: Vec<String> = sources::all().into_iter().map(|source| source.path).collect();
    let inside = paths.iter().filter_map(|path| path.strip_prefix(&prefix)?.strip_suffix(".rs"));
    inside.filter(|stem| !stem.contains('/') && !["lib", "mod"].contains(stem)).map(str::to_owned).collect()
}

#[test]
fn every_file_of_a_listed_folder_stands_in_its_list() {
    let missing: Vec<String> = LISTS.iter().flat_map(unlisted).collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

fn unlisted(Listed { what, folder, list, besides }: &Listed) -> Vec<String> {
    let text = repository::text(list);
    let mut entries = stems(folder);
    entries.retain(|stem| !besides.contains(&stem.as_str()));
    assert!(entries.len() > 1, "{folder} holds no {what}s: the table of lists is out of date");
    let is_listed = |stem: &str| {
        let mut lines = text.lines().filter(|line| !line.contains("mod "));
        lines.any(|line| names(line, stem) || names(line, &camel_case(stem)))
    };
    let missing = entries.iter().filter(|stem| !is_listed(stem));
    missing.map(|stem| format!("{folder}/{stem}.rs is no entry of the list of {what}s in {list}")).collect()
}

fn camel_case(stem: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    stem.split('_').map(capital).collect()
}

/// Whether a line of code uses the module `stem`.
fn names(line: &str, stem: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == stem)
}

#[test]
fn every_source_file_is_part_of_a_module_tree() {
    let sources = sources::all();
    let orphans: Vec<&str> =
        sources.iter().map(|source| source.path.as_str()).filter(|path| !is_declared(path)).collect();
    assert!(orphans.is_empty(), "no `mod` declares these, so they are never compiled: {orphans:?}");
}

/// Whether the module above a file declares it.
fn is_declared(path: &str) -> bool {
    let (mut folder, name) = path.rsplit_once('/').expect("a path");
    let mut child = name.strip_suffix(".rs").expect("a Rust file");
    if matches!(child, "lib" | "main" | "build") {
        return true;
    }
    if child == "mod" {
        (folder, child) = folder.rsplit_once('/').expect("a path");
    }
    let parents = [format!("{folder}/lib.rs"), format!("{folder}/mod.rs"), format!("{folder}.rs")];
    parents.iter().any(|parent| {
        let text = std::fs::read_to_string(repository::path(parent)).unwrap_or_default();
        text.lines().any(|line| line.trim_end().ends_with(&format!("mod {child};")) || names(line, child))
    })
}
