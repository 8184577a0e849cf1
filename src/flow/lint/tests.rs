//! The list of rules. That every rule's documentation is true is tried with the real kinds, in `src/nodes/tests/flow`.

use std::collections::BTreeSet;

use crate::lint::RULES;

#[test]
fn the_list_and_the_folder_hold_the_same_rules_and_codes_are_file_names() {
    let folder = std::path::Path::new("lint");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "mod" && name != "tests")
        .collect();
    let listed: BTreeSet<String> = RULES.iter().map(|lint| lint.module.to_owned()).collect();
    assert_eq!(listed, files);
    for lint in RULES {
        assert_eq!(lint.rule.code, lint.module.replace('_', "-"));
    }
}
