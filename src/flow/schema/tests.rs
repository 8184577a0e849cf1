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
        (
            "true where there are choices",
            tenant("{}, policy: { guests: true }"),
            "write one of Refused, Allowed",
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

#[test]
fn an_address_that_can_never_match_is_refused_with_its_cure() {
    let said = |manifest: &str| {
        let manifest = source::read("object.yaml", manifest);
        let (schemas, object) = (Schemas::new(Kinds(&[])), &manifest.objects[0]);
        schemas.check(object).into_iter().map(|finding| finding.title).collect::<Vec<_>>()
    };
    let tenant = |issuer: &str| {
        object("Tenant", &format!("  {{ namespace: a, issuer: '{issuer}', store: {{ embedded: {{}} }} }}\n"))
    };
    let client = |field: &str, address: &str| {
        let redirect = if field == "redirectURIs" { address } else { "https://app.example/" };
        let more = if field == "redirectURIs" { String::new() } else { format!(", {field}: ['{address}']") };
        object("OIDCClient", &format!("  {{ authentication: None, redirectURIs: ['{redirect}']{more} }}\n"))
    };
    let never = [
        ("https://app.example:443", "delete :443"),
        ("http://localhost:80", "delete :443 (of http: :80)"),
        ("http://[::1]:80", "delete :443 (of http: :80)"),
        ("https://app.example:0", "from 1 to 65535"),
        ("https://app.example:08443", "from 1 to 65535"),
        ("https://app.example:65536", "from 1 to 65535"),
        ("https://App.example", "small letters"),
        ("https://bücher.example", "xn--"),
    ];
    for (address, cure) in never {
        let place = format!("{address}/callback");
        let lists =
            [("redirectURIs", &*place), ("postLogoutRedirectURIs", &*place), ("allowedOrigins", address)];
        let clients = lists.map(|(field, address)| client(field, address));
        for manifest in clients.into_iter().chain([tenant(address)]) {
            let said = said(&manifest);
            assert!(!said.is_empty(), "{manifest}");
            // A pattern that refuses it already says so in its own words.
            let is_plain = address.is_ascii() && !address.contains('A');
            assert!(!is_plain || said.iter().any(|title| title.contains(cure)), "{manifest}: {said:?}");
        }
        let said = said(&client("redirectURIs", &place));
        assert!(said.iter().any(|title| title.contains(cure)), "{place}: {said:?}");
    }
    for (place, cure) in [
        ("https://a@app.example/", "no user before it"),
        ("https://app.example/é", "as %XX"),
        ("https://app.example/a\\b", "as %XX"),
        ("com.example.app:/é", "as %XX"),
    ] {
        let said = said(&client("redirectURIs", place));
        assert!(said.iter().any(|title| title.contains(cure)), "{place}: {said:?}");
    }
    for place in [
        "https://app.example/cb:443/x?y=:80",
        "https://app.example:4430/",
        "https://app.example:65535",
        "https://my_app.example/A/%C3%A9?B=ü".replace('ü', "%C3%BC").as_str(),
        "http://localhost:8080/",
        "http://127.0.0.1/cb",
        "http://[::1]/cb",
        "http://[::1]:8081/cb",
        "com.example.app:/Done",
    ] {
        assert_eq!(said(&client("redirectURIs", place)), Vec::<String>::new(), "{place}");
    }
    for issuer in ["https://xn--bcher-kva.example", "https://app.example:8443", "http://127.0.0.1:8080"] {
        assert_eq!(said(&tenant(issuer)), Vec::<String>::new(), "{issuer}");
    }
}
