use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::*;

/// Shows a form.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only the schema is looked at")]
struct ToyForm {
    /// The fields, in the order shown.
    #[schemars(length(max = 50))]
    fields: Vec<ToyField>,
    /// How wide it is, in columns. Absent means 1.
    columns: Option<u8>,
    /// What it looks like. Absent means Plain.
    layout: Option<Layout>,
    /// Fixed values by name. Absent: none.
    #[schemars(extend("maxProperties" = 8))]
    #[schemars(with = "BTreeMap<String, crate::bounds::Text<10>>")]
    #[serde(default)]
    fixed: BTreeMap<String, String>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only the schema is looked at")]
struct ToyField {
    /// Its name.
    #[schemars(with = "crate::bounds::Name")]
    name: String,
    /// Where its value comes from; exactly one.
    from: Origin,
}

/// What a form looks like.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only the schema is looked at")]
enum Layout {
    /// In one column.
    Plain,
    /// On a card.
    Card,
}

/// Where a value comes from.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only the schema is looked at")]
enum Origin {
    /// From an expression.
    Expression(#[schemars(length(max = 100))] String),
    /// From the visitor, with this hint.
    Visitor {
        /// The hint.
        #[schemars(length(max = 100))]
        hint: String,
    },
}

fn with_toy() -> Vec<CustomResourceDefinition> {
    all(&[KindSchema::of::<ToyForm>("form")]).unwrap()
}

#[test]
fn every_schema_is_bounded_documented_and_free_of_defaults() {
    let found: Vec<String> = with_toy().iter().flat_map(violations).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn every_kind_has_category_short_name_and_age_as_the_last_column() {
    for crd in with_toy() {
        let kind = &crd.spec.names.kind;
        assert_eq!(crd.spec.names.categories, Some(vec!["idflow".to_owned()]), "{kind}");
        assert!(crd.spec.names.short_names.as_ref().is_some_and(|names| names.len() == 1), "{kind}");
        let columns = crd.spec.versions[0].additional_printer_columns.clone().unwrap();
        assert_eq!(columns.last().unwrap().name, "Age", "{kind}");
        for column in &columns {
            let long = ["Message", "Digest", "Revision", "Issuer"].contains(&column.name.as_str());
            assert_eq!(long, column.priority == Some(1), "{kind} {}", column.name);
        }
    }
}

#[test]
fn nobody_has_seen_a_new_object() {
    for crd in with_toy() {
        let schema = serde_json::to_value(&crd).unwrap();
        let status = schema.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/status/default");
        assert_eq!(status, Some(&json!({ "observedGeneration": -1 })), "{}", crd.spec.names.kind);
    }
}

#[test]
fn a_node_kind_is_joined_into_the_steps_of_flows_and_flow_nodes() {
    for crd in with_toy() {
        let schema = serde_json::to_value(&crd).unwrap();
        let root = "/spec/versions/0/schema/openAPIV3Schema";
        let kind = ResourceKind::named(&crd.spec.names.kind).unwrap();
        let Some(pointer) = kind.steps() else { continue };
        let step = schema.pointer(&format!("{root}{pointer}")).unwrap();
        assert_eq!(step["properties"]["form"]["description"], "Shows a form.");
        assert_eq!(step["required"], json!(["id"]));
        let rule = step["x-kubernetes-validations"][0]["rule"].as_str().unwrap();
        assert_eq!(rule, "[has(self.form)].filter(x, x).size() == 1");
    }
}

#[test]
fn what_each_word_of_a_choice_means_is_explained() {
    let flow = schema(ResourceKind::Flow, &[]);
    let type_ = &flow["properties"]["spec"]["properties"]["type"];
    assert_eq!(type_["enum"][0], "Login");
    let described = type_["description"].as_str().unwrap();
    assert!(described.contains(" Login: Signs a user in. Logout: Ends sessions. "), "{described}");
}

#[test]
fn settings_become_structural() {
    let form = KindSchema::of::<ToyForm>("form").schema;
    let properties = &form["properties"];
    assert_eq!(form["required"], json!(["fields"]));
    assert_eq!(properties["layout"]["enum"], json!(["Plain", "Card"]));
    assert_eq!(properties["layout"]["type"], "string");
    assert_eq!(properties["columns"]["type"], "integer");
    assert_eq!(properties["columns"].get("format"), None);
    let from = &properties["fields"]["items"]["properties"]["from"];
    assert_eq!(from["oneOf"], json!([{ "required": ["expression"] }, { "required": ["visitor"] }]));
    assert_eq!(from["properties"]["expression"]["description"], "From an expression.");
    assert_eq!(from["properties"]["visitor"]["properties"]["hint"]["maxLength"], 100);
}

#[test]
fn what_the_rules_forbid_is_reported() {
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only the schema is looked at")]
    struct Loose {
        text: String,
        /// A list.
        list: Vec<bool>,
        /// A map.
        map: BTreeMap<String, bool>,
        /// A float.
        share: f64,
        /// Anything.
        any: Value,
        /// Misread.
        on: bool,
        /// Riddles.
        #[schemars(length(max = 2), inner(length(max = 2), regex(pattern = "^a?b$")))]
        riddles: Vec<String>,
    }
    let crds = all(&[KindSchema::of::<Loose>("loose")]).unwrap();
    let flow = crds.iter().find(|crd| crd.spec.names.kind == "Flow").unwrap();
    let step = "Flow spec.steps[].loose";
    let mut found = violations(flow);
    found.sort();
    assert_eq!(
        found,
        [
            format!("{step}.any: no type, so any value is accepted"),
            format!("{step}.list: a list without maxItems"),
            format!("{step}.map: a map without maxProperties"),
            format!("{step}.on: a name that YAML 1.1 misreads, or not lowerCamelCase"),
            format!("{step}.riddles[]: a pattern that no description puts into words"),
            format!("{step}.share: type number: use a string or an integer"),
            format!("{step}.text: a string without maxLength"),
            format!("{step}.text: no description"),
            format!("{step}: no description"),
        ]
    );
}

#[test]
fn the_manifest_reads_back_as_the_same_resource() {
    for crd in with_toy() {
        let yaml = render_yaml(&crd).unwrap();
        let read: Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(
            serde_json::from_value::<CustomResourceDefinition>(read).unwrap(),
            crd,
            "{}",
            file_name(&crd)
        );
    }
}
#[test]
fn forty_five_node_kinds_fit_into_a_client_side_apply() {
    let kinds: Vec<KindSchema> = (0..45).map(|n| KindSchema::of::<ToyForm>(format!("form{n}"))).collect();
    for crd in all(&kinds).unwrap() {
        println!("{}: {} bytes", crd.spec.names.kind, size(&crd));
        assert!(size(&crd) < MAX_SIZE, "{}", crd.spec.names.kind);
    }
}
