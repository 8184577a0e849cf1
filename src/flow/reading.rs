//! What is found while files are read and flows compiled, beside the rules of lint: each can be asked for by its code.

use crate::diagnostic::Rule;
use crate::{check, objects, source, tree, yaml};

/// All of them.
pub static FOUND_WHILE_READING: [&Rule; 11] = [
    &yaml::INVALID_YAML,
    &source::TOO_LARGE,
    &source::NOT_AN_OBJECT,
    &source::UNKNOWN_KIND,
    &source::SKIPPED,
    &objects::DUPLICATE_OBJECT,
    &objects::UNREADABLE,
    &tree::TREE_TOO_LARGE,
    &check::TOO_LARGE,
    &check::BROKEN_CALLEE,
    &check::INTERNAL,
];

#[cfg(test)]
mod tests {
    use super::FOUND_WHILE_READING;

    /// A finding whose code nobody can look up says half of what it knows.
    #[test]
    fn every_code_outside_of_lint_is_listed() {
        let files = std::fs::read_dir(".").unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
        let texts: String = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
        let marked = texts.match_indices("    code: \"").map(|(at, mark)| &texts[at + mark.len()..]);
        let mut written: Vec<&str> = marked.map(|rest| rest.split('"').next().unwrap()).collect();
        let mut listed: Vec<&str> = FOUND_WHILE_READING.iter().map(|rule| rule.code).collect();
        written.sort_unstable();
        listed.sort_unstable();
        assert_eq!(written, listed);
    }
}
