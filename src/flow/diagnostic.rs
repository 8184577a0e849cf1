//! Findings: what is wrong, why that matters, what to do, and where, resolved to lines only when a text exists.

use std::fmt;
use std::ops::Range;

pub use idflow_api::diagnostic::{MAX_PROBLEMS, Problem, Severity};
use serde::Serialize;

/// One check: its stable name, how bad its findings are, and why they matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The stable kebab-case code. Never reused for another meaning.
    pub code: &'static str,
    /// How bad a finding is.
    pub severity: Severity,
    /// Why a finding matters, as a sentence.
    pub why: &'static str,
}

impl Rule {
    /// A finding of this rule.
    pub fn at(&self, place: Place, title: impl Into<String>, help: impl Into<String>) -> Finding {
        Finding {
            code: self.code,
            severity: self.severity,
            place,
            title: title.into(),
            why: self.why,
            help: help.into(),
            related: Vec::new(),
            is_absence: false,
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's code.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// What is wrong.
    pub title: String,
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub help: String,
    /// Other places that explain it.
    pub related: Vec<Related>,
    /// Whether it is that another object does not exist: no finding while that object may stand where nothing can be
    /// read.
    pub is_absence: bool,
}

/// A place that explains a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub place: Place,
    /// What is to be seen there.
    pub note: String,
}

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ObjectId {
    /// Its kind, for example `Flow`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// Where something is: inside an object, so that it holds with and without a text, or in a text that is no object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Inside an object.
    Object {
        /// Which one.
        object: ObjectId,
        /// JSON pointer (RFC 6901) inside it.
        pointer: String,
        /// Whether the key is meant and not its value.
        key: bool,
        /// The part of a text that is meant, for example `form.emial` in an expression.
        within: Option<String>,
    },
    /// Somewhere in a file.
    File {
        /// The file, as it was named to [`crate::source::read`].
        file: String,
        /// Bytes of its text.
        span: Range<usize>,
    },
}

/// A place in a text, for people and editors.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Location {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// Bytes of the text.
    pub span: Range<usize>,
}

impl ObjectId {
    /// An object of this kind and name.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: kind.into(), name: name.into() }
    }

    /// A place inside it.
    pub fn at(&self, pointer: impl Into<String>) -> Place {
        Place::Object { object: self.clone(), pointer: pointer.into(), key: false, within: None }
    }

    /// A key inside it.
    pub fn at_key(&self, pointer: impl Into<String>) -> Place {
        Place::Object { object: self.clone(), pointer: pointer.into(), key: true, within: None }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

impl Place {
    /// The JSON pointer inside the object; empty in a file.
    pub fn pointer(&self) -> &str {
        match self {
            Self::Object { pointer, .. } => pointer,
            Self::File { .. } => "",
        }
    }

    /// The object, if the place is inside one.
    pub fn object(&self) -> Option<&ObjectId> {
        match self {
            Self::Object { object, .. } => Some(object),
            Self::File { .. } => None,
        }
    }

    /// The same place, narrowed to a part of its text.
    #[must_use]
    pub fn narrowed(mut self, part: impl Into<String>) -> Self {
        if let Self::Object { within, .. } = &mut self {
            *within = Some(part.into());
        }
        self
    }
}

impl Finding {
    /// The same finding with another place that explains it.
    #[must_use]
    pub fn with(mut self, place: Place, note: impl Into<String>) -> Self {
        self.related.push(Related { place, note: note.into() });
        self
    }

    /// The same finding, as bad as this.
    #[must_use]
    pub fn graded(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The same finding, which is that another object does not exist.
    #[must_use]
    pub fn of_absence(mut self) -> Self {
        self.is_absence = true;
        self
    }

    /// The form that `status.problems` shows. `value` is the object the finding is about; steps are named by id.
    pub fn problem(&self, value: &serde_json::Value) -> Problem {
        let problem = Problem {
            code: self.code.to_owned(),
            severity: self.severity,
            path: path(value, self.place.pointer()),
            message: format!("{}. {}", self.title, self.why),
            fix: Some(self.help.clone()),
        };
        problem.clipped()
    }
}

/// A JSON pointer as people write paths; list items that have an `id` or a `name` are named by it:
/// `/spec/steps/3/form` is `spec.steps[identify].form`.
pub fn path(value: &serde_json::Value, pointer: &str) -> String {
    let mut text = String::new();
    let mut at = Some(value);
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        if let Some(items) = at.and_then(serde_json::Value::as_array) {
            let item = token.parse::<usize>().ok().and_then(|index| items.get(index));
            let named = item.and_then(|item| item.get("id").or_else(|| item.get("name")));
            let name = named.and_then(serde_json::Value::as_str).unwrap_or(&token);
            text.extend(["[", name, "]"]);
            at = item;
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(&token);
            at = at.and_then(|value| value.get(&token));
        }
    }
    text
}

/// A pointer token with `~` and `/` escaped (RFC 6901 section 3).
pub fn token(text: &str) -> String {
    text.replace('~', "~0").replace('/', "~1")
}

/// Longer words are no typing errors, and comparing them would take long.
const LONGEST_WORD: usize = 64;

/// The candidate that a typing error may have turned into `word`, if one is near enough.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST_WORD {
        return None;
    }
    // Of a word of two letters, one that differs in one has little left.
    let limit = (word.chars().count() / 3).min(3);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many single-character edits, or swaps of neighbours, lie between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, right) in b.iter().enumerate() {
            let change = last.get(j).copied().unwrap_or_default() + usize::from(left != right);
            let remove = last.get(j + 1).copied().unwrap_or_default() + 1;
            let insert = row.get(j).copied().unwrap_or_default() + 1;
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(right) && b.get(j - 1) == Some(left);
            let swap = if swapped { before.get(j - 1).copied().unwrap_or_default() + 1 } else { usize::MAX };
            row.push(change.min(remove).min(insert).min(swap));
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_name_steps_by_id() {
        let flow = json!({"spec": {"steps": [{"id": "identify", "form": {"fields": [{"name": "mail"}]}}]}});
        assert_eq!(
            path(&flow, "/spec/steps/0/form/fields/0/name"),
            "spec.steps[identify].form.fields[mail].name"
        );
        assert_eq!(path(&flow, "/spec/steps/7"), "spec.steps[7]");
        assert_eq!(path(&flow, "/metadata/annotations/a~1b"), "metadata.annotations.a/b");
    }

    #[test]
    fn a_typing_error_is_recognised_and_a_different_word_is_not() {
        let fields = ["fields", "actions", "title"];
        assert_eq!(nearest("feilds", fields), Some("fields"));
        assert_eq!(nearest("Actions", fields), Some("actions"));
        assert_eq!(nearest("colour", fields), None);
        for (short, expected) in [("b", None), ("ab", None), ("DE", Some("de")), ("nxt", Some("next"))] {
            assert_eq!(nearest(short, ["a", "de", "next"]), expected, "{short}");
        }
    }
}
