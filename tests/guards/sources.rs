//! The Rust files of the rooms, with their tests cut out.

use std::path::{Path, PathBuf};

use idflow_test_support::repository;

/// One file of `src`.
pub(crate) struct Source {
    /// Relative to the repository, with slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// The lines without inline test modules, each with its number from 1.
    pub(crate) fn code(&self) -> Vec<(usize, &str)> {
        let mut code = Vec::new();
        let mut lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line)).peekable();
        while let Some((number, line)) = lines.next() {
            let opens_tests = line.trim() == "#[cfg(test)]"
                && lines
                    .peek()
                    .is_some_and(|(_, next)| next.trim().starts_with("mod ") && next.ends_with('{'));
            if opens_tests {
                let end = format!("{}}}", indentation(line));
                lines.by_ref().find(|(_, inner)| *inner == end);
            } else {
                code.push((number, line));
            }
        }
        code
    }
}

/// The blanks a line begins with.
pub(crate) fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

/// Every Rust file below `src` that is not a test.
pub(crate) fn all() -> Vec<Source> {
    let root = repository::root();
    let mut paths = Vec::new();
    collect(&root.join("src"), &mut paths);
    paths.sort();
    let read = |path: PathBuf| Source {
        text: std::fs::read_to_string(&path).expect("a source file"),
        path: path.strip_prefix(&root).expect("below the root").to_string_lossy().into_owned(),
    };
    let sources: Vec<Source> = paths.into_iter().map(read).collect();
    let tests: Vec<String> = sources.iter().flat_map(test_modules).collect();
    let is_test = |source: &Source| tests.iter().any(|test| source.path.starts_with(test.as_str()));
    sources.into_iter().filter(|source| !is_test(source)).collect()
}

/// Where the modules live that a file declares for tests only: `folder/name.` and `folder/name/`.
fn test_modules(source: &Source) -> Vec<String> {
    let (folder, file) = source.path.rsplit_once('/').expect("a path");
    let folder = match file {
        "lib.rs" | "mod.rs" | "main.rs" => folder.to_owned(),
        other => format!("{folder}/{}", other.trim_end_matches(".rs")),
    };
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]");
    let names = declared.filter_map(|pair| pair[1].strip_suffix(';')?.split("mod ").nth(1));
    names.flat_map(|name| [format!("{folder}/{name}."), format!("{folder}/{name}/")]).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
        if path.is_dir() && name != "tests" && name != "target" && name != "node_modules" {
            collect(&path, paths);
        } else if path.extension().is_some_and(|ending| ending == "rs") && name != "tests.rs" {
            paths.push(path);
        }
    }
}
