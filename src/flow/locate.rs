//! From a symbolic place to line and column, where a text exists.

use std::ops::Range;

use crate::diagnostic::{Location, Place};
use crate::source::Manifest;

impl Place {
    /// The place in the text of one of these manifests.
    pub fn locate(&self, manifests: &[Manifest]) -> Option<Location> {
        match self {
            Self::File { file, span } => {
                let manifest = manifests.iter().find(|manifest| manifest.file == *file)?;
                Some(location(manifest, span.clone()))
            }
            Self::Object { object, pointer, key, within } => manifests.iter().find_map(|manifest| {
                let found = manifest.objects.iter().find(|candidate| candidate.id() == *object)?;
                let span = found.span(pointer, *key);
                let part = within.as_ref().and_then(|part| part_of(manifest, &span, part));
                Some(location(manifest, part.unwrap_or(span)))
            }),
        }
    }
}

/// Where a part of a text stands, if it stands there literally.
fn part_of(manifest: &Manifest, span: &Range<usize>, part: &str) -> Option<Range<usize>> {
    let start = span.start + manifest.text.get(span.clone())?.find(part)?;
    Some(start..start + part.len())
}

/// Line and column of some bytes of a manifest's text.
fn location(manifest: &Manifest, span: Range<usize>) -> Location {
    let before = manifest.text.get(..span.start).unwrap_or(&manifest.text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Location {
        file: manifest.file.clone(),
        line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        span,
    }
}
