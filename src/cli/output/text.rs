//! Findings for people: the source underlined, then why and what to do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::IsTerminal as _;

use idflow_flow::Manifest;
use idflow_flow::diagnostic::{Finding, Location, Severity};
use idflow_flow::shown::{Shown, Spot, shown};

use super::{Count, word};

/// The most findings that are shown of one file: the first ones are mostly the cause of the rest.
const MAX_PER_FILE: usize = 20;

/// The most characters of a source line that are shown.
const MAX_LINE: usize = 120;

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Letters only.
    Plain,
    /// ANSI colours.
    Colour,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// Findings for standard error, in colour on a terminal.
pub(crate) fn findings(findings: &[Finding], manifests: &[Manifest]) -> String {
    let style = if std::io::stderr().is_terminal() { Style::Colour } else { Style::Plain };
    report(&shown(findings, manifests, &[]), manifests, style)
}

/// Findings by file and line, and a line that counts them.
pub(crate) fn report(findings: &[Shown], manifests: &[Manifest], style: Style) -> String {
    let mut by_file: BTreeMap<&str, Vec<&Shown>> = BTreeMap::new();
    for finding in findings {
        let file = finding.spot.location.as_ref().map_or("", |location| &location.file);
        by_file.entry(file).or_default().push(finding);
    }
    let writer = Writer { manifests, style };
    let mut text = String::new();
    for (file, mut found) in by_file {
        found.sort_by_key(|finding| finding.severity);
        let left_out = found.len().saturating_sub(MAX_PER_FILE);
        found.truncate(MAX_PER_FILE);
        found.sort_by_key(|finding| finding.spot.location.as_ref().map(|location| location.span.start));
        for finding in found {
            text += &writer.finding(finding);
            text.push('\n');
        }
        if left_out > 0 {
            let _ = write!(text, "… and {left_out} more in {}\n\n", printable(file));
        }
    }
    text += &summary(findings, manifests, style);
    text
}

fn summary(findings: &[Shown], manifests: &[Manifest], style: Style) -> String {
    let Count { errors, warnings, notes } = Count::of(findings);
    let counted = [(errors, "error", "31;1"), (warnings, "warning", "33;1"), (notes, "note", "36;1")];
    let parts: Vec<String> = counted
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, word, colour)| style.paint(colour, &plural(count, word)))
        .collect();
    let files = plural(manifests.len(), "file");
    if parts.is_empty() {
        return format!("{} in {files}\n", style.paint("32;1", "nothing is wrong"));
    }
    format!("{} in {files}\n", parts.join(", "))
}

fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

struct Writer<'a> {
    manifests: &'a [Manifest],
    style: Style,
}

impl Writer<'_> {
    fn finding(&self, finding: &Shown) -> String {
        let colour = match finding.severity {
            Severity::Error => "31;1",
            Severity::Warning => "33;1",
            Severity::Info => "36;1",
        };
        let head = format!("{}[{}]", word(finding.severity), finding.code);
        let head = self.style.paint(colour, &head);
        let mut text = format!("{head}: {}\n", self.style.paint("1", &printable(&finding.title)));
        text += &self.place(&finding.spot, colour);
        for (note, spot) in &finding.related {
            let _ = writeln!(text, "  note: {}", printable(note));
            text += &self.place(spot, "36;1");
        }
        let _ = writeln!(text, "  why:  {}", finding.why);
        let _ = writeln!(text, "  help: {}", printable(&finding.help));
        text
    }

    /// Where it is, and the line with the place underlined.
    fn place(&self, spot: &Spot, colour: &str) -> String {
        let object = spot.object.as_ref().map(|object| match &spot.namespace {
            Some(namespace) => printable(&format!("{}/{namespace}/{}", object.kind, object.name)),
            None => printable(&object.to_string()),
        });
        let (object, path) = (object.unwrap_or_default(), printable(&spot.path));
        let Some(location) = &spot.location else { return format!("  --> {object} {path}\n") };
        let arrow = self.style.paint("34;1", "-->");
        let place = format!("{}:{}:{}", printable(&location.file), location.line, location.column);
        let mut text = format!("  {arrow} {place}  {object} {path}").trim_end().to_owned();
        text.push('\n');
        let Some((line, begin, length)) = self.line(location) else { return text };
        let number = location.line.to_string();
        let bar = self.style.paint("34;1", "|");
        let margin = " ".repeat(number.len());
        let indent = " ".repeat(begin);
        let underline = self.style.paint(colour, &"^".repeat(length));
        let _ = writeln!(text, " {margin} {bar}");
        let _ = writeln!(text, " {} {bar} {line}", self.style.paint("34;1", &number));
        let _ = writeln!(text, " {margin} {bar} {indent}{underline}");
        text
    }

    /// The line of a place as it can be shown, with the first column and the length to underline.
    fn line(&self, location: &Location) -> Option<(String, usize, usize)> {
        let manifest = self.manifests.iter().find(|manifest| manifest.file == location.file)?;
        let before = manifest.text.get(..location.span.start)?;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = manifest.text.get(start..)?.lines().next().unwrap_or_default();
        let column = location.column.saturating_sub(1);
        let marked = manifest.text.get(location.span.clone()).unwrap_or_default();
        let length = marked.lines().next().unwrap_or_default().chars().count().max(1);
        // A long line is shown from a little before the place.
        let skipped = if line.chars().count() > MAX_LINE { column.saturating_sub(MAX_LINE / 4) } else { 0 };
        let shown: String = line.chars().skip(skipped).take(MAX_LINE).collect();
        let begin = column - skipped;
        Some((printable(&shown), begin, length.min(MAX_LINE.saturating_sub(begin)).max(1)))
    }
}

/// A text without what a terminal would obey. Each character stays one column wide, so that underlines fit.
fn printable(text: &str) -> String {
    let shown = text.chars().map(|character| match character {
        '\t' => ' ',
        _ if character.is_control() || is_directional(character) => '\u{fffd}',
        _ => character,
    });
    shown.collect()
}

/// Characters that reorder the text around them: a manifest must not look like another one.
fn is_directional(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use idflow_flow::Folder;

    use super::*;

    fn shown(text: &str) -> String {
        let folder =
            Folder::read([("flows/a.yaml".to_owned(), text.to_owned())], idflow_flow::kinds::Kinds(&[]));
        report(&super::shown(&folder.findings, &folder.manifests, &[]), &folder.manifests, Style::Plain)
    }

    #[test]
    fn a_finding_shows_the_line_with_its_place_underlined() {
        let text =
            "apiVersion: idflow.dev/v1alpha1\nkind: Theme\nmetadata: { name: brand }\nspec: { raduis: 4 }\n";
        let expected = "\
error[unknown-field]: there is no field raduis here
  --> flows/a.yaml:4:9  Theme/brand spec.raduis
   |
 4 | spec: { raduis: 4 }
   |         ^^^^^^
  why:  A field that does not exist has no effect, and the API server drops it or refuses the object
  help: did you mean radius?

1 error in 1 file
";
        assert_eq!(shown(text), expected);
    }

    #[test]
    fn related_places_are_shown_too() {
        let text = "apiVersion: idflow.dev/v1alpha1\nkind: Theme\nmetadata: { name: brand }\nspec:\n  radius: 4\n  radius: 5\n";
        let shown = shown(text);
        assert!(shown.contains("flows/a.yaml:6:3"), "{shown}");
        assert!(shown.contains("  note: first written here\n  --> flows/a.yaml:5:3"), "{shown}");
    }

    #[test]
    fn nothing_in_a_manifest_can_command_the_terminal_or_turn_its_text_around() {
        let text = "apiVersion: idflow.dev/v1alpha1\nkind: Theme\nmetadata: { name: brand }\nspec: { \"a\u{202e}\\e[2J\": 4 }\n";
        let shown = shown(text);
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
    }

    #[test]
    fn a_file_shows_its_first_twenty_findings_and_counts_the_rest() {
        let fields: String = (0..25).map(|n| format!("  unknown{n}: 1\n")).collect::<Vec<_>>().concat();
        let text = format!(
            "apiVersion: idflow.dev/v1alpha1\nkind: Theme\nmetadata: {{ name: brand }}\nspec:\n{fields}"
        );
        let shown = shown(&text);
        assert_eq!(shown.matches("error[").count(), 20);
        assert!(shown.contains("… and 5 more in flows/a.yaml") && shown.ends_with("25 errors in 1 file\n"));
    }
}
