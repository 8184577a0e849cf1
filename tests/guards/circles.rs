//! The files of a room form a line: no file imports one that leads back to it. Modules within a file's own folder,
//! which reach each other by `super`, are one part and do not count. The ledger names the circles that were there
//! when the rule came; it may only shrink.

use std::collections::{BTreeMap, BTreeSet};

use idflow_test_support::repository;

use crate::sources::{self, Source};

const LEDGER: &str = "tests/guards/circles.txt";

/// File → files of the same room that it imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// Every path that begins with `crate::` in a file, groups expanded.
fn paths(source: &Source) -> Vec<String> {
    let code: Vec<&str> = source.code().into_iter().map(|(_, line)| line).collect();
    let code = code.iter().filter(|line| !line.trim_start().starts_with("//")).copied().collect::<Vec<_>>();
    let code = code.join(" ");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        expand("", &code[at + "crate::".len()..], &mut found);
    }
    found
}

/// Reads one path, or a group of them, and gives back what follows.
fn expand<'t>(prefix: &str, text: &'t str, found: &mut Vec<String>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = expand(prefix, rest, found).trim_start();
            match rest.strip_prefix(',') {
                Some(more) if !more.trim_start().starts_with('}') => rest = more,
                _ => return rest.trim_start_matches([',', ' ']).strip_prefix('}').unwrap_or(rest),
            }
        }
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let path = format!("{prefix}{}", &text[..end]);
    if let Some(below) = text[end..].strip_prefix("::") {
        return expand(&format!("{path}/"), below, found);
    }
    found.push(path);
    &text[end..]
}

/// The file a path leads to: the deepest module that is one.
fn target(room: &str, path: &str, files: &BTreeSet<&str>) -> Option<String> {
    let mut path = path;
    loop {
        let candidates = [format!("{room}/{path}.rs"), format!("{room}/{path}/mod.rs")];
        if let Some(found) = candidates.into_iter().find(|candidate| files.contains(candidate.as_str())) {
            return Some(found);
        }
        path = path.rsplit_once('/')?.0;
    }
}

fn imports(sources: &[Source]) -> Imports {
    let files: BTreeSet<&str> = sources.iter().map(|source| source.path.as_str()).collect();
    let mut imports = Imports::new();
    for source in sources {
        let room = source.path.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
        let targets = paths(source).into_iter().filter_map(|path| target(&room, &path, &files));
        let targets = targets.filter(|target| *target != source.path).collect();
        imports.insert(source.path.clone(), targets);
    }
    imports
}

fn reached<'i>(from: &str, imports: &'i Imports) -> BTreeSet<&'i str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = imports.get(from).into_iter().flatten().map(String::as_str).collect();
    while let Some(file) = open.pop() {
        if reached.insert(file) {
            open.extend(imports.get(file).into_iter().flatten().map(String::as_str));
        }
    }
    reached
}

/// Each circle as the names of its files.
fn circles(imports: &Imports) -> BTreeSet<String> {
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        imports.keys().map(|file| (file.as_str(), reached(file, imports))).collect();
    let in_circle = |file: &str| reach[file].contains(file);
    let circle = |file: &str| {
        let members = reach[file].iter().filter(|other| reach[**other].contains(file));
        members.copied().collect::<Vec<_>>().join(" ")
    };
    imports.keys().filter(|file| in_circle(file)).map(|file| circle(file)).collect()
}

#[test]
fn the_files_of_a_room_form_a_line() {
    let found = circles(&imports(&sources::all()));
    let text = repository::text(LEDGER);
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let ledger: Vec<BTreeSet<&str>> = lines.map(|line| line.split(' ').collect()).collect();
    let files = |circle: &'_ String| circle.split(' ').map(str::to_owned).collect::<BTreeSet<String>>();
    let is_known = |circle: &&String| {
        let files = files(circle);
        ledger.iter().any(|known| files.iter().all(|file| known.contains(file.as_str())))
    };
    let new: Vec<&String> = found.iter().filter(|circle| !is_known(circle)).collect();
    assert!(new.is_empty(), "files that import each other; move what both need below both:\n{new:#?}");
    let caught: BTreeSet<String> = found.iter().flat_map(files).collect();
    let free: Vec<&&str> = ledger.iter().flatten().filter(|file| !caught.contains(**file)).collect();
    assert!(free.is_empty(), "in no circle any more, so take them out of {LEDGER}:\n{free:#?}");
}

#[test]
fn circles_are_seen_through_groups_and_over_several_files() {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
    let sources = [
        source("src/room/a.rs", "use crate::{b::{self, X}, d};\n"),
        source("src/room/b.rs", "fn f() { crate::c::inner::g() }\n"),
        source("src/room/c/inner.rs", "use crate::a::{\n    Y,\n    Z,\n};\n"),
        source("src/room/d.rs", "/// See [`crate::a`].\nfn f() {}\n"),
        source("src/other/a.rs", "use crate::b::X;\n"),
    ];
    let wanted = "src/room/a.rs src/room/b.rs src/room/c/inner.rs".to_owned();
    assert_eq!(circles(&imports(&sources)), BTreeSet::from([wanted]));
}
