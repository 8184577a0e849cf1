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

const LISTS: [Listed; 0] = [];

/// Names of the files directly in `folder`, without ending.
fn stems(folder: &str) -> BTreeSet<String> {
    let prefix = format!("{folder}/");
    let paths: Vec<String> = sources::all().into_iter().map(|source| source.path).collect();
    let inside = paths.iter().filter_map(|path| path.strip_prefix(&prefix)?.strip_suffix(".rs"));
    inside.filter(|stem| !stem.contains('/') && !["lib", "mod"].contains(stem)).map(str::to_owned).collect()
}

#[test]
fn every_file_of_a_listed_folder_stands_in_its_list() {
    for Listed { what, folder, list, besides } in &LISTS {
        let text = repository::text(list);
        let entries: Vec<String> =
            stems(folder).into_iter().filter(|stem| !besides.contains(&stem.as_str())).collect();
        assert!(entries.len() > 1, "{folder} holds no {what}s: the table of lists is out of date");
        for stem in entries {
            let listed = text.lines().any(|line| !line.contains("mod ") && names(line, &stem));
            assert!(listed, "{folder}/{stem}.rs is no entry of the list of {what}s in {list}");
        }
    }
}

/// Whether a line of code uses the module `stem`.
fn names(line: &str, stem: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == stem)
}

#[test]
fn every_source_file_is_part_of_a_module_tree() {
    for source in sources::all() {
        let (folder, name) = source.path.rsplit_once('/').expect("a path");
        let stem = name.strip_suffix(".rs").expect("a Rust file");
        if matches!(stem, "lib" | "main" | "build") {
            continue;
        }
        let (parents, child) = match stem {
            "mod" => {
                let (above, own) = folder.rsplit_once('/').expect("a path");
                (vec![format!("{above}/lib.rs"), format!("{above}/mod.rs"), format!("{above}.rs")], own)
            }
            _ => (vec![format!("{folder}/lib.rs"), format!("{folder}/mod.rs"), format!("{folder}.rs")], stem),
        };
        let declares = |parent: &String| {
            let text = std::fs::read_to_string(repository::path(parent)).unwrap_or_default();
            text.lines().any(|line| line.trim_end().ends_with(&format!("mod {child};")) || names(line, child))
        };
        assert!(
            parents.iter().any(declares),
            "{}: no `mod {child};` anywhere, so it is never compiled",
            source.path
        );
    }
}
