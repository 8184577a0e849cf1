//! The security checklist: each of its ids is shown by tests that carry it in their names (`o_6_a_code_works_once`),
//! or says why not. `docs/checklist.md` is made of the list and the tests (checklist Q-4).

use std::collections::BTreeMap;
use std::path::Path;

use idflow_test_support::repository;

const LIST: &str = "tests/guards/checklist.txt";
const PAGE: &str = "docs/checklist.md";
const RENEW: &str = "IDFLOW_WRITE=1 cargo test --test guards checklist";

/// Ids that a guard or a lint of this repository holds, so that no test of a behaviour can carry them.
const HELD_BY_GUARDS: [(&str, &str); 2] = [("Q-2", "Cargo.toml"), ("Q-4", "tests/guards/checklist.rs")];

/// One line of the list.
struct Row<'l> {
    section: &'l str,
    id: &'l str,
    requirement: &'l str,
    open: Option<Open<'l>>,
}

/// Why no test shows it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open<'l> {
    /// It speaks of a part that does not exist yet.
    Later(&'l str),
    /// The test is owed.
    Missing,
}

/// Id → names of the tests that carry it, each with its file.
type Shown = BTreeMap<String, Vec<(String, String)>>;

fn rows(list: &str) -> Vec<Row<'_>> {
    let mut section = "";
    let mut rows = Vec::new();
    for line in list.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("# ")) {
        match line.strip_prefix("## ") {
            Some(title) => section = title,
            None => rows.push(row(section, line)),
        }
    }
    rows
}

fn row<'l>(section: &'l str, line: &'l str) -> Row<'l> {
    let (id, rest) = line.split_once(' ').unwrap_or_else(|| panic!("{LIST}: `{line}`"));
    let (requirement, state) = rest.split_once(" | ").map_or((rest, None), |(said, open)| (said, Some(open)));
    let open = state.map(|state| match state.strip_prefix("later: ") {
        Some(part) => Open::Later(part),
        None if state == "missing" => Open::Missing,
        None => panic!("{LIST}: `{line}` ends neither in `later: <part>` nor in `missing`"),
    });
    Row { section, id, requirement, open }
}

/// The ids that a test's name begins with: `o_6_o_19_used_twice` carries O-6 and O-19.
fn ids(name: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut words = name.split('_');
    while let (Some(letter), Some(number)) = (words.next(), words.next()) {
        let is_letter = letter.len() == 1 && letter.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        if !(is_letter && is_number) {
            break;
        }
        ids.push(format!("{}-{number}", letter.to_uppercase()));
    }
    ids
}

fn shown() -> Shown {
    let mut shown = Shown::new();
    for folder in ["src", "tests"] {
        visit(&repository::path(folder), &mut shown);
    }
    for (id, file) in HELD_BY_GUARDS {
        shown.entry(id.to_owned()).or_default().push(("a guard".to_owned(), file.to_owned()));
    }
    shown
}

fn visit(folder: &Path, shown: &mut Shown) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder's entry").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            visit(&path, shown);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let file = path.strip_prefix(repository::root()).expect("below the root").display().to_string();
            let text = std::fs::read_to_string(&path).expect("a source file");
            collect(&text, &file, shown);
        }
    }
}

fn collect(text: &str, file: &str, shown: &mut Shown) {
    let names = text.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("fn ")?.split('(').next()
    });
    for name in names {
        for id in ids(name) {
            shown.entry(id).or_default().push((name.to_owned(), file.to_owned()));
        }
    }
}

fn page(rows: &[Row<'_>], shown: &Shown) -> String {
    let count = |is: fn(&Row<'_>) -> bool| rows.iter().filter(|row| is(row)).count();
    let mut lines = vec![
        format!("<!-- Written by `{RENEW}` from {LIST} and the names of the tests. -->\n\n# Checklist\n"),
        format!(
            "What idflow must hold, and the tests that show it. Of {} requirements {} are shown, {} speak of parts \
             that do not exist yet, and of {} the test is owed.",
            rows.len(),
            count(|row| row.open.is_none()),
            count(|row| matches!(row.open, Some(Open::Later(_)))),
            count(|row| row.open == Some(Open::Missing)),
        ),
    ];
    for section in rows.chunk_by(|one, next| one.section == next.section) {
        let title = section.first().map_or("", |row| row.section);
        lines.push(format!("\n## {title}\n\n| Id | Requirement | Shown by |\n|---|---|---|"));
        let row = |row: &Row<'_>| format!("| {} | {} | {} |", row.id, row.requirement, state(row, shown));
        lines.extend(section.iter().map(row));
    }
    lines.join("\n") + "\n"
}

fn state(row: &Row<'_>, shown: &Shown) -> String {
    match row.open {
        Some(Open::Later(part)) => format!("later: {part}"),
        Some(Open::Missing) => "**missing**".to_owned(),
        None => {
            let mut files: BTreeMap<&str, usize> = BTreeMap::new();
            for (_, file) in shown.get(row.id).into_iter().flatten() {
                *files.entry(file).or_default() += 1;
            }
            let tests = files.iter().map(|(file, count)| format!("`{file}` ({count})"));
            tests.collect::<Vec<_>>().join(", ")
        }
    }
}

#[test]
fn checklist_every_id_is_shown_by_a_test_or_says_why_not() {
    let list = repository::text(LIST);
    let (rows, shown) = (rows(&list), shown());
    let unshown: Vec<&str> = rows
        .iter()
        .filter(|row| row.open.is_none() && !shown.contains_key(row.id))
        .map(|row| row.id)
        .collect();
    assert!(unshown.is_empty(), "no test's name begins with {unshown:?}");
    let done: Vec<&str> = rows
        .iter()
        .filter(|row| row.open == Some(Open::Missing) && shown.contains_key(row.id))
        .map(|row| row.id)
        .collect();
    assert!(done.is_empty(), "{LIST}: the tests of {done:?} are not missing any more");
    let unknown: Vec<&String> =
        shown.keys().filter(|id| !rows.iter().any(|row| row.id == id.as_str())).collect();
    assert!(unknown.is_empty(), "tests are named by ids that {LIST} does not know: {unknown:?}");
}

#[test]
fn checklist_page_is_current() {
    let list = repository::text(LIST);
    let fresh = page(&rows(&list), &shown());
    if std::env::var_os("IDFLOW_WRITE").is_some() {
        std::fs::write(repository::path(PAGE), &fresh).expect("written");
    }
    assert!(repository::text(PAGE) == fresh, "{PAGE} is stale: {RENEW}");
}

#[test]
fn checklist_ids_are_read_from_the_beginning_of_a_name() {
    assert_eq!(ids("o_6_a_code_works_once"), ["O-6"]);
    assert_eq!(ids("o_6_o_19_used_twice"), ["O-6", "O-19"]);
    assert_eq!(ids("a_client_of_o_6"), Vec::<String>::new());
}
