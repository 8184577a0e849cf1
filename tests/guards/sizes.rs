//! How long functions and files may be. The ledger names what was longer when the rule came; it may only shrink.

use std::collections::BTreeMap;

use idflow_test_support::repository;

use crate::sources::{self, Source, indentation};

const LONGEST_FUNCTION: usize = 80;
const LONGEST_FILE: usize = 500;
const LEDGER: &str = "tests/guards/ledger.txt";

/// Every function of a file as name and number of lines. rustfmt ends each at the indentation where it began.
fn functions(source: &Source) -> Vec<(String, usize)> {
    let code = source.code();
    let mut found = Vec::new();
    for (index, (start, line)) in code.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let end = format!("{}}}", indentation(line));
        let signature_only =
            |line: &str| line.ends_with(';') && indentation(line) == indentation(code[index].1);
        let last = code[index..].iter().find(|(_, line)| *line == end || signature_only(line));
        let lines = last.map_or(0, |(last, _)| last - start + 1);
        found.push((format!("{}::{name}", source.path), lines));
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let words = line.trim_start();
    let before = words.split("fn ").next()?;
    let qualifiers = ["pub", "pub(crate)", "pub(super)", "const", "async", "extern", "\"C\""];
    if !words.contains("fn ") || !before.split_whitespace().all(|word| qualifiers.contains(&word)) {
        return None;
    }
    // One-liners end where they begin.
    if words.ends_with('}') && words.contains('{') {
        return None;
    }
    words[before.len() + 3..].split(['(', '<']).next()
}

fn ledger() -> BTreeMap<String, usize> {
    let text = repository::text(LEDGER);
    let entries = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entry = |line: &str| {
        let (name, lines) = line.rsplit_once(' ').expect("`name lines`");
        (name.to_owned(), lines.parse().expect("a number of lines"))
    };
    entries.map(entry).collect()
}

#[test]
fn no_function_and_no_file_grows_beyond_its_limit() {
    let sources = sources::all();
    let long_functions = sources.iter().flat_map(functions).filter(|(_, lines)| *lines > LONGEST_FUNCTION);
    let files = sources.iter().map(|source| (source.path.clone(), source.code().len()));
    let long: BTreeMap<_, _> =
        long_functions.chain(files.filter(|(_, lines)| *lines > LONGEST_FILE)).collect();
    let ledger = ledger();

    let grown = long.iter().filter(|(name, lines)| ledger.get(*name).is_none_or(|allowed| *lines > allowed));
    let grown: Vec<String> =
        grown.map(|(name, lines)| format!("{name} has {lines} lines: split it")).collect();
    assert!(
        grown.is_empty(),
        "functions end at {LONGEST_FUNCTION}, files at {LONGEST_FILE}:\n{}",
        grown.join("\n")
    );
    let shrunk = ledger.iter().filter(|(name, allowed)| long.get(*name).is_none_or(|lines| lines < allowed));
    let shrunk: Vec<String> = shrunk.map(|(name, _)| name.clone()).collect();
    assert!(shrunk.is_empty(), "shorter than {LEDGER} says, so correct it: {shrunk:?}");
}

#[test]
fn functions_are_measured_without_their_tests() {
    let text = "pub(crate) fn a(\n    b: u8,\n) -> u8 {\n    b\n}\n\n#[cfg(test)]\nmod tests {\n    fn t() {\n    }\n}\n";
    let source = Source { path: "x.rs".into(), text: text.into() };
    assert_eq!(functions(&source), [("x.rs::a".to_owned(), 5)]);
    assert_eq!(source.code().len(), 6);
}
