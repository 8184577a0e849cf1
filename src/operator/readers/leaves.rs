//! The fields of a kind, as its schema lists them, and where an object sets them.

use serde_json::Value;

/// One step on the way to a field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Member(String),
    /// Any item of a list, any entry of a mapping.
    Any,
}

/// A field that has no fields of its own.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    path: Vec<Segment>,
    pub(super) schema: Value,
}

impl Leaf {
    /// The path with `*` for any item or entry, such as `/spec/steps/*/id`.
    pub(super) fn path(&self) -> String {
        let word = |segment: &Segment| match segment {
            Segment::Member(name) => format!("/{name}"),
            Segment::Any => "/*".to_owned(),
        };
        self.path.iter().map(word).collect()
    }

    /// JSON pointers of every place where the object sets it.
    pub(super) fn places(&self, object: &Value) -> Vec<String> {
        let mut places = vec![(String::new(), object)];
        for segment in &self.path {
            places = places.into_iter().flat_map(|(at, value)| below(&at, value, segment)).collect();
        }
        places.into_iter().map(|(at, _)| at).collect()
    }
}

fn below<'a>(at: &str, value: &'a Value, segment: &Segment) -> Vec<(String, &'a Value)> {
    let entry = |(name, value): (&String, &'a Value)| (format!("{at}/{}", escaped(name)), value);
    match (segment, value) {
        (Segment::Member(name), _) => {
            value.get(name).map(|value| (format!("{at}/{name}"), value)).into_iter().collect()
        }
        (Segment::Any, Value::Array(items)) => {
            items.iter().enumerate().map(|(index, item)| (format!("{at}/{index}"), item)).collect()
        }
        (Segment::Any, Value::Object(entries)) => entries.iter().map(entry).collect(),
        (Segment::Any, _) => Vec::new(),
    }
}

/// RFC 6901 section 3.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Every field below `spec`.
pub(super) fn leaves(schema: &Value) -> Vec<Leaf> {
    let mut found = Vec::new();
    walk(&schema["properties"]["spec"], &mut vec![Segment::Member("spec".to_owned())], &mut found);
    found
}

fn walk(schema: &Value, path: &mut Vec<Segment>, found: &mut Vec<Leaf>) {
    let members = schema["properties"].as_object().into_iter().flatten();
    let members = members.map(|(name, schema)| (Segment::Member(name.clone()), schema));
    let repeated = ["items", "additionalProperties"].iter().filter_map(|key| schema.get(key));
    let repeated = repeated.filter(|schema| schema.is_object()).map(|schema| (Segment::Any, schema));
    let inner: Vec<_> = members.chain(repeated).collect();
    // A mapping without members says all by being there, and has to be there where there is no alternative to it.
    if inner.is_empty() && schema["type"] != "object" {
        found.push(Leaf { path: path.clone(), schema: schema.clone() });
    }
    for (segment, schema) in inner {
        path.push(segment);
        walk(schema, path, found);
        path.pop();
    }
}
