//! Where every node of a text begins and ends, and in which style it is written: what an edit of the text must know.

use std::ops::Range;

use granit_parser::{Event, Parser, StructureStyle};

use crate::diagnostic::token;

/// A node of a text.
#[derive(Debug)]
pub(super) struct Node {
    /// Its bytes; of what is written in lines of its own, to the end of the last thing in it.
    pub(super) span: Range<usize>,
    /// What it is.
    pub(super) body: Body,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Body {
    /// A value, or a name that stands for what was written elsewhere.
    Leaf,
    /// A list.
    List(Vec<Node>),
    /// A mapping.
    Mapping {
        /// Whether it stands in braces.
        is_flow: bool,
        /// Its members in the order they are written.
        members: Vec<Member>,
    },
}

/// A member of a mapping.
#[derive(Debug)]
pub(super) struct Member {
    /// Its name.
    pub(super) name: String,
    /// The bytes of its name, quotes included.
    pub(super) key: Range<usize>,
    /// Its value.
    pub(super) value: Node,
}

impl Node {
    /// The node that a JSON pointer leads to, if it is written out there.
    pub(super) fn find(&self, pointer: &str) -> Option<&Self> {
        let Some(rest) = pointer.strip_prefix('/') else { return pointer.is_empty().then_some(self) };
        let (first, below) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let next = match &self.body {
            Body::Leaf => None,
            Body::List(items) => items.get(first.parse::<usize>().ok()?),
            Body::Mapping { members, .. } => {
                members.iter().find(|member| token(&member.name) == first).map(|member| &member.value)
            }
        };
        next?.find(below)
    }
}

/// A list or mapping whose end was not read yet.
struct Open {
    start: usize,
    is_flow: bool,
    body: Body,
    key: Option<(String, Range<usize>)>,
}

/// The documents of a text that can be read; nothing if some cannot.
pub(super) fn documents(text: &str) -> Option<Vec<Node>> {
    let mut documents = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let options = granit_parser::options! { emit_comments: false };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.ok()?;
        let span = span.byte_range().unwrap_or_default();
        let done = match event {
            Event::SequenceStart(style, ..) => {
                open.push(begun(span.start, style, Body::List(Vec::new())));
                None
            }
            Event::MappingStart(style, ..) => {
                let is_flow = matches!(style, StructureStyle::Flow);
                open.push(begun(span.start, style, Body::Mapping { is_flow, members: Vec::new() }));
                None
            }
            Event::SequenceEnd | Event::MappingEnd => Some(ended(open.pop()?, span.end)),
            Event::Scalar(name, ..) => {
                if let Some(key) = key_expected(&mut open) {
                    *key = Some((name.into_owned(), span));
                    None
                } else {
                    Some(leaf(text, &span))
                }
            }
            Event::Alias(_) => Some(Node { span, body: Body::Leaf }),
            _ => None,
        };
        if let Some(root) = done.and_then(|node| placed(&mut open, node)) {
            documents.push(root);
        }
    }
    Some(documents)
}

/// Where the name of the next member goes, if one comes next.
fn key_expected(open: &mut [Open]) -> Option<&mut Option<(String, Range<usize>)>> {
    match open.last_mut() {
        Some(Open { body: Body::Mapping { .. }, key: key @ None, .. }) => Some(key),
        _ => None,
    }
}

/// A value. A text in lines of its own ends where the parser sees what comes next.
fn leaf(text: &str, span: &Range<usize>) -> Node {
    let written = text.get(span.clone()).unwrap_or_default().trim_end().len();
    Node { span: span.start..span.start + written, body: Body::Leaf }
}

fn begun(start: usize, style: StructureStyle, body: Body) -> Open {
    Open { start, is_flow: matches!(style, StructureStyle::Flow), body, key: None }
}

/// In lines of its own, what was begun ends with the last thing in it; the parser says so only where the next begins.
fn ended(open: Open, end: usize) -> Node {
    let last = match &open.body {
        Body::Leaf => None,
        Body::List(items) => items.last().map(|item| item.span.end),
        Body::Mapping { members, .. } => members.last().map(|member| member.value.span.end),
    };
    let end = if open.is_flow { end } else { last.unwrap_or(open.start) };
    Node { span: open.start..end, body: open.body }
}

/// Puts a node where it belongs; gives it back if it is a document.
fn placed(open: &mut [Open], node: Node) -> Option<Node> {
    match open.last_mut() {
        None => return Some(node),
        Some(Open { body: Body::List(items), .. }) => items.push(node),
        Some(Open { body: Body::Mapping { members, .. }, key, .. }) => {
            if let Some((name, key)) = key.take() {
                members.push(Member { name, key, value: node });
            }
        }
        Some(Open { body: Body::Leaf, .. }) => {}
    }
    None
}
