//! The definitions in `crds/`: current, within the rules for schemas, and small enough for a client-side apply.

use std::process::Command;

use idflow_api::crd::{self, KindSchema, MAX_SIZE};
use idflow_flow::schema::node_schemas;
use idflow_test_support::repository;

/// How many node kinds the catalogue of the design has.
const PLANNED_KINDS: usize = 45;

fn kinds() -> Vec<KindSchema> {
    node_schemas(idflow_nodes::kinds())
}

#[test]
fn the_committed_definitions_are_what_the_types_say() {
    let fresh = tempfile::tempdir().expect("a folder");
    let status = Command::new(env!("CARGO_BIN_EXE_idflow")).arg("crds").arg(fresh.path()).status();
    assert!(status.expect("idflow crds").success());
    let names = |folder: &std::path::Path| {
        let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    let committed = repository::path("crds");
    assert_eq!(names(&committed), names(fresh.path()), "run `cargo run -- crds crds`");
    for name in names(&committed) {
        let text = |folder: &std::path::Path| std::fs::read_to_string(folder.join(&name)).expect("a file");
        assert!(text(&committed) == text(fresh.path()), "{name:?} is stale: run `cargo run -- crds crds`");
    }
}

#[test]
fn k_3_no_definition_has_defaults_odd_formats_free_form_objects_or_undocumented_fields() {
    for definition in crd::all(&kinds()).expect("definitions") {
        let violations = crd::violations(&definition);
        assert!(violations.is_empty(), "{}:\n{}", definition.spec.names.kind, violations.join("\n"));
    }
}

#[test]
fn the_flow_definition_leaves_room_for_every_planned_kind() {
    let size = |kinds: &[KindSchema]| {
        let all = crd::all(kinds).expect("definitions");
        for definition in &all {
            println!("{:<14} {:>7} bytes", definition.spec.names.kind, crd::size(definition));
        }
        all.iter().map(crd::size).max().unwrap_or_default()
    };
    let kinds = kinds();
    let (with, without) = (size(&kinds), size(&kinds[..1]));
    let each = (with - without) / (kinds.len() - 1);
    let planned = without + each * (PLANNED_KINDS - 1);
    println!(
        "{} kinds: {with} bytes; {PLANNED_KINDS} kinds would come to {planned} of {MAX_SIZE}",
        kinds.len()
    );
    assert!(planned < MAX_SIZE, "{PLANNED_KINDS} kinds would come to {planned} bytes");
}
