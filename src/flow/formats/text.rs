//! The edits made in the text of a manifest: comments stay, and every line that no edit touches stays byte for byte.
//!
//! What was made is read again. Only if it says exactly what the edits make of the values is it handed out; so that
//! whatever a text may be (anchors, merges, odd quotes), it is rewritten rightly or not at all.

use std::ops::Range;

use idflow_core::{Data, Value};

use super::edit::{self, Change, Edit};
use super::layout::{self, Body, Member, Node};
use super::of_object;
use crate::diagnostic::token;
use crate::source::list_items;
use crate::yaml::{self, Document};

/// What becomes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fixed {
    /// It has no old words.
    Nothing,
    /// It is rewritten.
    Rewritten {
        /// The new text.
        text: String,
        /// What was done: the line, from 1, and words.
        done: Vec<(usize, String)>,
    },
    /// It has old words that cannot be rewritten safely; why, and the line of the first.
    Refused(usize, String),
}

/// One part of a text that another one takes the place of.
struct Splice {
    at: Range<usize>,
    text: String,
}

/// A way of writing that is left to the author.
struct Unsafe(&'static str);

/// Rewrites the old words of every object of ours in a file.
pub fn fix(file: &str, text: &str) -> Fixed {
    let (documents, findings) = yaml::documents(file, text);
    let known = faults(&documents);
    let mut values: Vec<Value> = documents.into_iter().map(|document| document.value).collect();
    let edits: Vec<Vec<Edit>> = values.iter().map(of_document).collect();
    if edits.iter().all(Vec::is_empty) {
        return Fixed::Nothing;
    }
    let Some(nodes) =
        layout::documents(text).filter(|nodes| findings.is_empty() && nodes.len() == values.len())
    else {
        return Fixed::Refused(1, "mend first what cannot be read in it".to_owned());
    };
    let (mut splices, mut done) = (Vec::new(), Vec::new());
    for (node, edit) in
        nodes.iter().zip(&edits).flat_map(|(node, edits)| edits.iter().map(move |edit| (node, edit)))
    {
        let line = line_of(text, node.find(&edit.at).map_or(node.span.start, |node| node.span.start));
        match splice(text, node, edit) {
            Ok(made) => splices.extend(made),
            Err(Unsafe(why)) => return Fixed::Refused(line, format!("{}, and {why}", edit.says)),
        }
        done.push((line, edit.says.clone()));
    }
    let rewritten = spliced(text, splices);
    for (value, edits) in values.iter_mut().zip(&edits) {
        edit::apply(value, edits);
    }
    let (again, findings) = yaml::documents(file, &rewritten);
    // A member that stands twice is read as the first: the value is right, and no other reader takes the text.
    let is_sound = findings.is_empty() && faults(&again) == known;
    let is_right = is_sound && again.into_iter().map(|document| document.value).eq(values);
    if !is_right {
        let line = done.first().map_or(1, |(line, _)| *line);
        return Fixed::Refused(line, "the way it is written leaves no certain place for the edit".to_owned());
    }
    Fixed::Rewritten { text: rewritten, done }
}

/// How much is wrong with what can be read.
fn faults(documents: &[Document]) -> usize {
    documents.iter().map(|document| document.issues.len()).sum()
}

fn of_document(value: &Value) -> Vec<Edit> {
    let Some(items) = list_items(value) else { return of_object(value) };
    let within = |(index, item): (usize, &Value)| {
        of_object(item)
            .into_iter()
            .map(move |edit| edit.within(&format!("/items/{index}")))
            .collect::<Vec<_>>()
    };
    items.iter().enumerate().flat_map(within).collect()
}

fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).matches('\n').count() + 1
}

/// The text with its splices; of those at one place the first stays the first.
fn spliced(text: &str, mut splices: Vec<Splice>) -> String {
    splices.sort_by_key(|splice| splice.at.start);
    let (mut made, mut at) = (String::with_capacity(text.len() + 64), 0);
    for splice in splices {
        made.push_str(text.get(at..splice.at.start).unwrap_or_default());
        made.push_str(&splice.text);
        at = splice.at.end.max(at);
    }
    made.push_str(text.get(at..).unwrap_or_default());
    made
}

const ELSEWHERE: Unsafe = Unsafe("it is written elsewhere and only named here");

fn splice(text: &str, document: &Node, edit: &Edit) -> Result<Vec<Splice>, Unsafe> {
    match &edit.change {
        Change::Gather { members, into } => gather(text, document.mapping(&edit.at)?, members, into),
        Change::Insert { after, members } => insert(text, document.mapping(&edit.at)?, *after, members),
        Change::Rename(name) => Ok(vec![key(text, document.member(&edit.at)?, name)]),
        Change::Replace(new) => Ok(vec![value(text, document.member(&edit.at)?, new)]),
        Change::Restate(name, new) => {
            let member = document.member(&edit.at)?;
            Ok(vec![key(text, member, name), value(text, member, new)])
        }
    }
}

fn key(text: &str, member: &Member, name: &str) -> Splice {
    Splice { at: member.key.clone(), text: key_like(text, member, name) }
}

fn value(text: &str, member: &Member, new: &Value) -> Splice {
    Splice { at: member.value.span.clone(), text: in_line(text, member, new) }
}

/// A mapping that is written out.
#[derive(Clone, Copy)]
struct Mapping<'a> {
    is_flow: bool,
    members: &'a [Member],
}

impl Node {
    fn member(&self, pointer: &str) -> Result<&Member, Unsafe> {
        let (above, _) = pointer.rsplit_once('/').ok_or(ELSEWHERE)?;
        let is_it = |member: &&Member| format!("{above}/{}", token(&member.name)) == pointer;
        self.mapping(above)?.members.iter().find(is_it).ok_or(ELSEWHERE)
    }

    fn mapping(&self, pointer: &str) -> Result<Mapping<'_>, Unsafe> {
        match self.find(pointer).map(|node| &node.body) {
            Some(Body::Mapping { is_flow, members }) => Ok(Mapping { is_flow: *is_flow, members }),
            _ => Err(ELSEWHERE),
        }
    }
}

/// Writes members behind the one that is named, else behind the last.
fn insert(text: &str, mapping: Mapping<'_>, after: Option<&str>, more: &Data) -> Result<Vec<Splice>, Unsafe> {
    let Mapping { is_flow, members } = mapping;
    let named = members.iter().find(|member| Some(member.name.as_str()) == after);
    let (Some(first), Some(member)) = (members.first(), named.or(members.last())) else {
        return Err(ELSEWHERE);
    };
    let written: Vec<String> = more
        .iter()
        .map(|(name, value)| format!("{}: {}", key_like(text, first, name), in_line(text, first, value)))
        .collect();
    let end = text.get(..member.value.span.end).unwrap_or_default().trim_end().len();
    if is_flow {
        return Ok(written.iter().map(|one| insertion(end, format!(", {one}"))).collect());
    }
    let rest = text.get(end..).unwrap_or_default().lines().next().unwrap_or_default();
    if !rest.trim_start().is_empty() && !rest.trim_start().starts_with('#') {
        return Err(Unsafe("what follows in the same line leaves no room"));
    }
    let begin = format!("{}{}", line_end(text), " ".repeat(column(text, first.key.start)));
    Ok(written.iter().map(|one| insertion(end + rest.len(), format!("{begin}{one}"))).collect())
}

/// A value as it stands within a line, with names in it as the others of the text.
fn in_line(text: &str, sibling: &Member, value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let written = members.iter().map(|(name, value)| {
                format!("{}: {}", key_like(text, sibling, name), in_line(text, sibling, value))
            });
            format!("{{ {} }}", written.collect::<Vec<_>>().join(", "))
        }
        Value::String(word) => key_like(text, sibling, word),
        other => other.to_string(),
    }
}

fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

fn insertion(at: usize, text: impl Into<String>) -> Splice {
    Splice { at: at..at, text: text.into() }
}

/// A name as the other names of the mapping are written: JSON has them in quotes.
fn key_like(text: &str, sibling: &Member, name: &str) -> String {
    let is_quoted = text.get(sibling.key.clone()).is_some_and(|key| key.starts_with('"'));
    if is_quoted { format!("\"{name}\"") } else { name.to_owned() }
}

fn gather(text: &str, mapping: Mapping<'_>, names: &[&str], into: &str) -> Result<Vec<Splice>, Unsafe> {
    let Mapping { is_flow, members } = mapping;
    let is_moved = |member: &&Member| names.contains(&member.name.as_str());
    let apart = Unsafe("something else stands between: put them next to each other");
    let moved: Vec<&Member> =
        members.iter().skip_while(|member| !is_moved(member)).take_while(|member| is_moved(member)).collect();
    let (Some(first), Some(last)) = (moved.first(), moved.last()) else { return Err(ELSEWHERE) };
    if moved.len() != names.len() {
        return Err(apart);
    }
    let key = key_like(text, first, into);
    let end = last.value.span.end;
    if is_flow {
        return Ok(vec![insertion(first.key.start, format!("{key}: {{ ")), insertion(end, " }")]);
    }
    let start = first.key.start;
    let indentation = " ".repeat(column(text, start) + 2);
    let mut splices = vec![insertion(start, format!("{key}:{}{indentation}", line_end(text)))];
    splices.extend(line_starts(text, start..end).map(|line| insertion(line, "  ")));
    Ok(splices)
}

/// How many characters stand before a place in its line.
fn column(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    before.rsplit('\n').next().unwrap_or_default().chars().count()
}

/// Where the lines of a part of a text begin that are not empty, but for the first.
fn line_starts(text: &str, part: Range<usize>) -> impl Iterator<Item = usize> + '_ {
    let ends = text.get(part.clone()).unwrap_or_default().match_indices('\n').map(|(end, _)| end);
    let starts = ends.map(move |end| part.start + end + 1).filter(move |start| *start < part.end);
    starts.filter(|start| text.get(*start..).is_some_and(|rest| !rest.starts_with(['\n', '\r'])))
}
