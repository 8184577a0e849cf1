use super::*;
use crate::kinds::Kinds;
use crate::source;

/// What is said of a manifest, with its help.
fn said(manifest: &str) -> Vec<(String, String)> {
    let manifest = source::read("object.yaml", manifest);
    let schemas = Schemas::new(Kinds(&[]));
    let found = manifest.objects.iter().flat_map(|object| schemas.check(object));
    found.map(|finding| (finding.title, finding.help)).collect()
}

fn object(kind: &str, spec: &str) -> String {
    format!("apiVersion: idflow.dev/v1alpha1\nkind: {kind}\nmetadata: {{ name: a }}\nspec:\n{spec}")
}

#[test]
fn help_says_what_to_write() {
    let flow = |field: &str| object("Flow", &format!("  {{ type: Login, start: a, steps: [], {field} }}\n"));
    let theme = |color: &str| object("Theme", &format!("  colors: {{ light: {{ primary: {color} }} }}\n"));
    let tenant = |egress: &str| {
        object("Tenant", &format!("  {{ namespace: a, issuer: 'https://a.example', egress: {egress} }}\n"))
    };
    let cases = [
        ("a number that is no length of time in quotes either", flow("lifetime: 30"), "for example `20m`"),
        (
            "a number where a text is wanted",
            object("Theme", "  productName: 12\n"),
            "put it in quotes: \"12\"",
        ),
        (
            "a word where true or false is wanted",
            flow("suspend: nope"),
            "write true or false, without quotes",
        ),
        (
            "a comment where a colour is wanted",
            object("Theme", "  colors:\n    light:\n      primary: #0f5257\n"),
            "in quotes if it begins with #",
        ),
        ("a colour by name", theme("teal"), "#"),
        ("nothing in a list", flow("locales: [null]"), "write an item, or remove the dash"),
        (
            "an address where a range is wanted",
            tenant("{ privateRanges: [127.0.0.1] }"),
            "one address is `10.1.2.3/32`",
        ),
    ];
    for (what, manifest, expected) in cases {
        let said = said(&manifest);
        assert!(said.iter().any(|(_, help)| help.contains(expected)), "{what}: {said:?}");
        assert!(said.iter().all(|(_, help)| !help.contains('^')), "{what}: {said:?}");
    }
}
