//! What stands in the product and has no use yet, because a later issue gives it one. The list only shrinks: an entry
//! that has got its use fails here until it is taken off, and at the end the list is empty.

use crate::sources;

/// How to tell that an entry still has no use.
enum Idle {
    /// The one place that would fill it still writes nothing there.
    Placeholder { file: &'static str, text: &'static str },
    /// Only its own definition, or a check that it exists, names it.
    NamedOnlyIn { word: &'static str, files: &'static [&'static str] },
}

const AWAITED: [(&str, Idle); 6] = [
    (
        "withdrawn revisions of a Catalog",
        Idle::Placeholder { file: "src/operator/catalog/plan.rs", text: "withdrawn: Vec::new()" },
    ),
    (
        "a client that is switched off",
        Idle::Placeholder { file: "src/executor/source/live.rs", text: "disabled: false" },
    ),
    (
        "headers of an HTTP call",
        Idle::Placeholder { file: "src/nodes/http.rs", text: "headers: BTreeMap::new()" },
    ),
    (
        "flows.resetPassword of an OIDCClient",
        Idle::NamedOnlyIn {
            word: "flows.reset_password",
            files: &["src/flow/lint/unsuitable_client_flow.rs", "src/operator/reference/plan.rs"],
        },
    ),
    ("setting an off switch", Idle::NamedOnlyIn { word: ".block(", files: &[] }),
    ("lifting an off switch", Idle::NamedOnlyIn { word: ".unblock(", files: &[] }),
];

#[test]
fn what_waits_for_its_use_is_on_the_list_only_as_long_as_it_waits() {
    let sources = sources::all();
    for (what, idle) in &AWAITED {
        let waits = match idle {
            Idle::Placeholder { file, text } => {
                let source = sources.iter().find(|source| source.path == *file);
                let source =
                    source.unwrap_or_else(|| panic!("{what}: {file} is gone; say where it is filled"));
                source.code().iter().any(|(_, line)| line.contains(text))
            }
            Idle::NamedOnlyIn { word, files } => {
                let named =
                    |source: &&sources::Source| source.code().iter().any(|(_, line)| line.contains(word));
                sources.iter().filter(named).all(|source| files.contains(&source.path.as_str()))
            }
        };
        assert!(waits, "{what}: it has got its use, take it off the list");
    }
}
