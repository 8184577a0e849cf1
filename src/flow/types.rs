//! The types of what expressions of a graph read: `form.age` is an Integer because a form asks for one.

use std::collections::BTreeMap;

use idflow_sandbox::Type;

use crate::facts::{Output, of_value};
use crate::resolve::{Part, Resolved};

/// How often values that are computed from each other are looked at. What is not known then stays unknown.
const ROUNDS: usize = 4;

/// The roots of a graph's expressions.
pub fn roots(resolved: &Resolved<'_>, part: &Part<'_>) -> BTreeMap<String, Type> {
    let mut roots = given(resolved, part);
    for _ in 0..ROUNDS {
        let before = roots.clone();
        for (root, written) in written(part, &before) {
            roots.insert(root.to_owned(), written);
        }
        if roots == before {
            break;
        }
    }
    roots
}

/// What is there before any step.
fn given(resolved: &Resolved<'_>, part: &Part<'_>) -> BTreeMap<String, Type> {
    let texts = |names: &[&str]| object(names.iter().map(|name| ((*name).to_owned(), Type::String)));
    let query = Type::Map(Box::new(Type::String));
    // Nothing stands there while no step has failed, and a journey may have no language.
    let maybe = ["error", "locale"].map(|name| (name.to_owned(), Type::Unknown));
    let flow = ["name", "type"].map(|name| (name.to_owned(), Type::String));
    let flow = flow.into_iter().chain(maybe).chain([("query".to_owned(), query)]);
    let input = part.graph.inputs.iter().map(|(name, input)| (name.clone(), of_value(input.value_type)));
    [
        ("user", user(resolved)),
        ("client", texts(&["id", "name"])),
        ("request", texts(&["locale", "address"])),
        ("flow", object(flow)),
        ("input", object(input)),
    ]
    .map(|(root, of)| (root.to_owned(), of))
    .into()
}

/// A user of any Directory that the flow's users may live in.
fn user(resolved: &Resolved<'_>) -> Type {
    let mut fields: BTreeMap<String, Type> = BTreeMap::new();
    for directory in resolved.directories() {
        for attribute in &directory.spec.attributes {
            add(&mut fields, attribute.name.clone(), of_value(attribute.type_));
        }
    }
    fields.insert("groups".to_owned(), Type::List(Box::new(Type::String)));
    Type::Object(fields)
}

/// What the steps write. A place that several steps write has the type that all of them give it.
fn written(part: &Part<'_>, roots: &BTreeMap<String, Type>) -> BTreeMap<&'static str, Type> {
    let (mut steps, mut form, mut vars, mut session) =
        (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for step in &part.graph.steps {
        let of = |output: &Output| (output.name.clone(), of_output(output, roots));
        steps.insert(step.id.to_owned(), object(step.facts.outputs.iter().map(of)));
        for (fields, outputs) in [
            (&mut form, &step.facts.form),
            (&mut vars, &step.facts.vars),
            (&mut session, &step.facts.session),
        ] {
            outputs.iter().map(of).for_each(|(name, of)| add(fields, name, of));
        }
    }
    // What a browser's session has besides is another flow's.
    let all = [("steps", steps), ("form", form), ("vars", vars), ("session", session)];
    all.map(|(root, fields)| (root, Type::Object(fields))).into()
}

fn of_output(output: &Output, roots: &BTreeMap<String, Type>) -> Type {
    match &output.computed {
        Some(expression) => match expression.check(roots, &Type::Unknown).value {
            Type::Optional(_) | Type::Null | Type::Never => Type::Unknown,
            of => of,
        },
        None => output.value_type.map_or(Type::Unknown, of_value),
    }
}

fn add(fields: &mut BTreeMap<String, Type>, name: String, of: Type) {
    let of = match fields.remove(&name) {
        Some(before) => before.or(of),
        None => of,
    };
    fields.insert(name, of);
}

fn object(fields: impl IntoIterator<Item = (String, Type)>) -> Type {
    Type::Object(fields.into_iter().collect())
}
