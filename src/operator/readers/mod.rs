//! Every field that users can write has a reader: changed alone, in objects where everything is set, it changes what
//! the operator makes or what executors serve by.

mod absent;
mod change;
mod leaves;
mod reading;

use idflow_api::ResourceKind;
use idflow_api::crd::{self, KindSchema};
use idflow_flow::diagnostic::Severity;
use idflow_flow::kinds::Kind;
use idflow_flow::schema::Schemas;
use serde_json::{Value, json};

use change::others;
use leaves::{Leaf, leaves};
use reading::{Reading, read};

const EVERY_FIELD: &str = include_str!("every_field.yaml");

/// What a change of a field makes different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    Nothing,
    /// Something is not accepted any more, or is now.
    Verdict,
    /// With everything accepted as before, something else is made or served.
    Made,
}

/// Fields that are there to be judged or named, so that one alone only changes what is accepted.
const JUDGED: &[(&str, &str)] = &[
    ("Tenant /spec/limits/flows", "more flows than that are not accepted"),
    ("Tenant /spec/limits/steps", "longer flows are not accepted"),
    ("Tenant /spec/namespace", "everything else stands in the old one"),
    ("Tenant /spec/policy/forbiddenNodeKinds/*", "flows with such nodes are not accepted"),
    ("Tenant /spec/policy/guests", "flows that open a session for a guest are not accepted"),
    ("Tenant /spec/policy/login/factors/*", "flows that prove less are not accepted"),
    ("Tenant /spec/policy/login/identified", "flows that prove less are not accepted"),
    ("Tenant /spec/policy/login/minimumFactors", "flows that prove less are not accepted"),
    ("Flow /spec/inputs/*/name", "callers name it"),
    ("Flow /spec/inputs/*/type", "callers that pass another type are not accepted"),
    ("Flow /spec/inputs/*/required", "callers that do not pass it are not accepted"),
    ("Flow /spec/steps/*/http/secret", "flows that show or keep a secret are not accepted"),
    ("Flow /spec/steps/*/id", "wires name it"),
    ("FlowNode /spec/implementation/graph/steps/*/id", "wires name it"),
    ("FlowNode /spec/outcomes/*", "wires of its callers name it"),
    ("FlowNode /spec/outputs/*/type", "a value of another type is not accepted"),
    ("FlowNode /spec/inputs/*/name", "callers name it"),
    ("FlowNode /spec/inputs/*/type", "callers that pass another type are not accepted"),
    ("FlowNode /spec/inputs/*/required", "callers that do not pass it are not accepted"),
    ("Directory /spec/attributes/*/name", "flows name it"),
    (
        "Directory /spec/attributes/*/editableBy/*",
        "flows that prove a factor over what users edit are not accepted",
    ),
    ("Directory /spec/default", "flows that name none wait for one"),
];

/// Fields whose effect takes more than other objects: source and name of the test that shows it.
const SHOWN_BY: &[(&str, &str, &str)] = &[(
    "Tenant /spec/policy/grace",
    include_str!("../catalog/tests.rs"),
    "what_the_policy_does_not_accept_goes_on_for_the_grace_and_then_the_newest_that_it_accepts_serves",
)];

/// Fields that wait for the part of the product that reads them; the list only shrinks.
const AWAITED: &[(&str, &str)] = &[
    ("Flow /spec/description", "the designer shows it"),
    ("Flow /spec/inputs/*/description", "the designer shows it"),
    ("FlowNode /spec/description", "the designer shows it"),
    ("FlowNode /spec/inputs/*/description", "the designer shows it"),
    ("Directory /spec/attributes/*/description", "the designer shows it"),
    ("Directory /spec/attributes/*/visibleTo/*", "the pages of a person who is signed in"),
    ("OIDCClient /spec/flows/resetPassword", "the way to it from a client's sign-in"),
];

/// What a change of the field must make different.
fn wanted(field: &str) -> Effect {
    let is_in = |list: &[(&str, &str)]| list.iter().any(|(one, _)| *one == field);
    let is_shown = SHOWN_BY.iter().any(|(one, _, _)| *one == field);
    match (is_in(AWAITED) || is_shown, is_in(JUDGED)) {
        (true, _) => Effect::Nothing,
        (false, true) => Effect::Verdict,
        (false, false) => Effect::Made,
    }
}

fn objects() -> Vec<Value> {
    let manifest = idflow_flow::source::read("every_field.yaml", EVERY_FIELD);
    let namespace =
        |name: &str| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    let namespaces = ["full", "loose"].into_iter().map(namespace);
    namespaces.chain(manifest.objects.into_iter().map(|object| object.value)).collect()
}

/// The fields of a kind. What stands in a step is read by the same code in a `Flow` and in a `FlowNode`.
fn fields(kind: ResourceKind) -> Vec<Leaf> {
    let node = |kind: &&'static Kind| KindSchema::new(kind.name, kind.summary, (kind.schema)());
    let nodes: Vec<KindSchema> = match kind {
        ResourceKind::Flow => idflow_nodes::kinds().0.iter().map(node).collect(),
        _ => Vec::new(),
    };
    let leaves = leaves(&crd::schema(kind, &nodes));
    let is_old = |leaf: &Leaf| old_places(kind).any(|old| leaf.path().starts_with(&format!("{old}/")));
    leaves.into_iter().filter(|leaf| !is_old(leaf)).collect()
}

/// Where what has another name now stood: the same code reads it.
fn old_places(kind: ResourceKind) -> impl Iterator<Item = String> {
    kind.old_names().iter().map(|(new, old)| {
        let new = new.replace("/properties", "");
        new.rsplit_once('/').map_or_else(String::new, |(above, _)| format!("{above}/{old}"))
    })
}

/// One object with one field changed: its place among the others, and what it is then.
type Change = (usize, Value);

/// Every change of a field for which places and values are known.
fn changes(objects: &[Value], kind: ResourceKind, leaf: &Leaf) -> Vec<Change> {
    let mut changes = Vec::new();
    for (index, object) in objects.iter().enumerate().filter(|(_, object)| object["kind"] == kind.as_str()) {
        for place in leaf.places(object) {
            let value = object.pointer(&place).expect("a value");
            for other in others(&leaf.path(), &leaf.schema, value) {
                changes.push((index, with(object, &place, other)));
            }
        }
    }
    changes
}

fn with(object: &Value, place: &str, value: Value) -> Value {
    let mut object = object.clone();
    let (parent, member) = place.rsplit_once('/').expect("a pointer");
    match (object.pointer_mut(parent), value) {
        (Some(Value::Object(members)), Value::Null) => drop(members.remove(member)),
        (_, value) => *object.pointer_mut(place).expect("a value") = value,
    }
    object
}

async fn effect(before: &Reading, objects: &[Value]) -> Effect {
    let after = read(objects).await;
    match (before.verdicts == after.verdicts, before.made == after.made) {
        (true, true) => Effect::Nothing,
        (true, false) => Effect::Made,
        (false, _) => Effect::Verdict,
    }
}

/// Why the API server does not take an object.
fn refusal(schemas: &Schemas, object: &Value) -> Option<String> {
    let manifest = idflow_flow::source::read("changed", &object.to_string());
    let is_error = |finding: &idflow_flow::Finding| finding.severity == Severity::Error;
    let found = manifest.objects.iter().find_map(|object| schemas.check(object).into_iter().find(is_error));
    found.map(|finding| finding.title)
}

async fn read_every_field(kind: ResourceKind) {
    let objects = objects();
    let schemas = Schemas::new(idflow_nodes::kinds());
    for object in &objects {
        assert_eq!(refusal(&schemas, object), None, "{object}");
    }
    let before = read(&objects).await;
    for (id, verdict) in &before.verdicts {
        assert!(
            !verdict.contains("Stalled") && !verdict.contains("\"Accepted\" \"False\""),
            "{id}: {verdict}"
        );
        assert!(!verdict.contains("\"ResolvedRefs\" \"False\""), "{id}: {verdict}");
    }
    let mut faults = Vec::new();
    for leaf in fields(kind) {
        let name = format!("{kind} {}", leaf.path());
        let changes = changes(&objects, kind, &leaf);
        let (wanted, found) = (wanted(&name), strongest(&before, &objects, &schemas, changes).await);
        if found != Ok(wanted) {
            faults.push(format!("{name}: {found:?} instead of {wanted:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The strongest effect of any of the changes.
async fn strongest(
    before: &Reading,
    objects: &[Value],
    schemas: &Schemas,
    changes: Vec<Change>,
) -> Result<Effect, String> {
    let unknown = "set it in every_field.yaml, and say in change.rs what may stand in its place";
    let mut strongest = Err(unknown.to_owned());
    for (index, changed) in changes {
        if let Some(problem) = refusal(schemas, &changed) {
            strongest = strongest.map_err(|_| problem);
            continue;
        }
        let mut world = objects.to_vec();
        world[index] = changed;
        let found = effect(before, &world).await;
        strongest = Ok(strongest.map_or(found, |strongest: Effect| strongest.max(found)));
        if found == Effect::Made {
            break;
        }
    }
    strongest
}

#[test]
fn what_other_tests_show_they_show() {
    for (field, source, test) in SHOWN_BY {
        assert!(source.contains(&format!("fn {test}(")), "{field}: where is {test}?");
    }
}

macro_rules! every_field_has_a_reader {
    ($($test:ident $Kind:ident),+) => {
        $(#[tokio::test]
        async fn $test() {
            read_every_field(ResourceKind::$Kind).await;
        })+

        #[test]
        fn no_kind_is_left_out() {
            let tested = [$(ResourceKind::$Kind),+];
            let mut written = ResourceKind::written_by_users();
            assert_eq!(written.find(|kind| !tested.contains(kind)), None);
        }
    };
}
every_field_has_a_reader!(
    every_field_of_a_tenant_has_a_reader Tenant,
    every_field_of_a_flow_has_a_reader Flow,
    every_field_of_a_flow_node_has_a_reader FlowNode,
    every_field_of_a_directory_has_a_reader Directory,
    every_field_of_a_connection_has_a_reader Connection,
    every_field_of_a_client_has_a_reader OIDCClient,
    every_field_of_a_theme_has_a_reader Theme
);
