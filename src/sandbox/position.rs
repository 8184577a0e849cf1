//! Places inside a source text.

use std::fmt;

/// A place inside a source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Bytes of UTF-8 before it.
    pub offset: usize,
    /// Its line, counted from 1.
    pub line: usize,
    /// Its column in Unicode code points, counted from 1.
    pub column: usize,
}

impl Position {
    /// The place after `offset` bytes of `source`; an offset inside a character means that character.
    pub fn at(source: &str, offset: usize) -> Self {
        let mut end = offset.min(source.len());
        while !source.is_char_boundary(end) {
            end -= 1;
        }
        let before = &source[..end];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            offset: end,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// The place of a line and column, both counted from 1; beyond the text means its end.
    pub(crate) fn of(source: &str, line: usize, column: usize) -> Self {
        let line_start =
            source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
        let rest = &source[line_start.min(source.len())..];
        let inside = rest.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum::<usize>();
        Self::at(source, line_start + inside)
    }

    /// The place after `characters` code points of `source`.
    pub(crate) fn of_character(source: &str, characters: usize) -> Self {
        Self::at(source, source.chars().take(characters).map(char::len_utf8).sum())
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}
