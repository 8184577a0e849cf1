//! One change of what was written, as a value: made in a tree here, and in a text by `text`.

use idflow_core::{Data, Value};

use crate::diagnostic::token;

/// One change. Every pointer leads to where things stand before any change is made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Edit {
    /// JSON pointer of what is changed.
    pub(crate) at: String,
    /// What becomes of it.
    pub(crate) change: Change,
    /// What to tell the author.
    pub(crate) says: String,
}

/// What becomes of a node.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// This member of a mapping gets another name.
    Rename(&'static str),
    /// This member of a mapping gets another name and another value.
    Restate(&'static str, Value),
    /// This value becomes another one.
    Replace(Value),
    /// This mapping gets more members.
    Insert {
        /// Behind which one, if it has it.
        after: Option<&'static str>,
        /// The members.
        members: Data,
    },
    /// Members of this mapping move into a new one that stands among them.
    Gather {
        /// Their names.
        members: Vec<&'static str>,
        /// The name of the new mapping.
        into: &'static str,
    },
}

impl Edit {
    /// The same edit in something larger.
    pub(crate) fn within(self, base: &str) -> Self {
        Self { at: format!("{base}{}", self.at), ..self }
    }
}

/// Makes the changes: first of values, then of their places, the deepest first.
pub(crate) fn apply(value: &mut Value, edits: &[Edit]) {
    for edit in edits {
        edit.change.apply(value.pointer_mut(&edit.at));
    }
    for (edit, name) in deepest_first(edits) {
        rename(value, &edit.at, name);
    }
}

impl Change {
    fn apply(&self, node: Option<&mut Value>) {
        let Some(node) = node else { return };
        match (self, node) {
            (Self::Replace(value) | Self::Restate(_, value), node) => node.clone_from(value),
            (Self::Insert { members, .. }, Value::Object(object)) => object.extend(members.clone()),
            (Self::Gather { members, into }, Value::Object(object)) => gather(object, members, into),
            _ => {}
        }
    }
}

fn deepest_first(edits: &[Edit]) -> Vec<(&Edit, &'static str)> {
    let renamed = edits.iter().filter_map(|edit| match edit.change {
        Change::Rename(name) | Change::Restate(name, _) => Some((edit, name)),
        _ => None,
    });
    let mut renamed: Vec<_> = renamed.collect();
    renamed.sort_by_key(|(edit, _)| std::cmp::Reverse(depth(&edit.at)));
    renamed
}

fn depth(pointer: &str) -> usize {
    pointer.matches('/').count()
}

fn rename(value: &mut Value, at: &str, name: &str) {
    let Some((above, old)) = at.rsplit_once('/') else { return };
    let Some(object) = value.pointer_mut(above).and_then(Value::as_object_mut) else { return };
    if let Some(member) = object.remove(&old.replace("~1", "/").replace("~0", "~")) {
        object.insert(name.to_owned(), member);
    }
}

fn gather(object: &mut Data, members: &[&str], into: &str) {
    let taken = members.iter().filter_map(|name| Some(((*name).to_owned(), object.remove(*name)?)));
    let taken: Data = taken.collect();
    object.insert(into.to_owned(), Value::Object(taken));
}

/// Where something stands that these edits have moved: from a pointer behind them to one before.
pub(crate) fn authored(edits: &[Edit], pointer: &str) -> String {
    let mut moves: Vec<(String, &str)> = edits.iter().filter_map(moved).collect();
    moves.sort_by_key(|(_, before)| depth(before));
    let mut pointer = pointer.to_owned();
    for (behind, before) in moves {
        if let Some(rest) = below(&pointer, &behind) {
            pointer = format!("{before}{rest}");
        }
    }
    pointer
}

/// Where what an edit moves is behind it, and where before.
fn moved(edit: &Edit) -> Option<(String, &str)> {
    match &edit.change {
        Change::Gather { into, .. } => Some((format!("{}/{}", edit.at, token(into)), &edit.at)),
        Change::Rename(name) | Change::Restate(name, _) => {
            Some((format!("{}/{}", edit.at.rsplit_once('/')?.0, token(name)), &edit.at))
        }
        Change::Insert { .. } | Change::Replace(_) => None,
    }
}

/// The rest of a pointer below another one, that one itself included.
fn below<'a>(pointer: &'a str, above: &str) -> Option<&'a str> {
    pointer.strip_prefix(above).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}
