//! Where things are in the repository, and the small programs in it that prepare what tests need.

use std::path::PathBuf;
use std::process::Command;

/// A file that only the top folder has at this place.
const MARK: &str = "tests/run.sh";

/// The top folder of the clone that this process runs in. Not the one it was built in: clones may share what is built.
pub fn root() -> PathBuf {
    let here = std::env::current_dir().expect("a current folder");
    let top = here.ancestors().find(|folder| folder.join(MARK).is_file());
    top.unwrap_or_else(|| panic!("{} is in no clone", here.display())).to_owned()
}

/// A file or folder below the top folder.
pub fn path(relative: &str) -> PathBuf {
    root().join(relative)
}

/// The text of a file below the top folder.
pub fn text(relative: &str) -> String {
    std::fs::read_to_string(path(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
}

/// Runs a preparing script and returns the folder it prints; the error is the script's last words.
pub fn prepared_folder(script: &str) -> Result<PathBuf, String> {
    let run = Command::new("bash").arg(path(script)).output().map_err(|error| format!("bash: {error}"))?;
    let last_line =
        |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().lines().last().unwrap_or("").to_owned();
    if run.status.success() { Ok(last_line(&run.stdout).into()) } else { Err(last_line(&run.stderr)) }
}

/// The first of `names` that PATH holds; an absolute name needs only to exist.
pub fn program(names: &[&str]) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = std::env::split_paths(&std::env::var_os("PATH")?).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}
