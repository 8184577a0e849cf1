//! Where the state of a folder of manifests is kept: in the user's state folder and never beside the manifests, because
//! it holds keys and accounts, and people commit manifests.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use idflow_core::digest::Digest;

use crate::output::file::replace;

/// What earlier versions kept beside the manifests.
const FORMER: &str = ".idflow";

/// Makes the folder that holds the state of `manifests`: the chosen one, else its own in the user's state folder.
pub(super) fn folder(manifests: &Path, chosen: Option<&Path>) -> anyhow::Result<PathBuf> {
    let folder = match chosen {
        Some(folder) => folder.to_owned(),
        None => user_state(std::env::var_os("XDG_STATE_HOME").map(PathBuf::from), std::env::home_dir())
            .context("there is no home folder to keep accounts and keys in: name a folder with --data")?
            .join("idflow/dev")
            .join(key(manifests)?),
    };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    made.with_context(|| format!("cannot create {}", folder.display()))?;
    let former = manifests.join(FORMER);
    if former.exists() && former != folder {
        let former = former.display();
        eprintln!("note: {former} is from an earlier version and is not read; it holds accounts and keys: do not commit it");
    }
    Ok(folder)
}

/// Keeps a secret in a file that is there whole or not at all, whenever the process or the machine stops.
pub(super) fn keep(file: &Path, text: &str) -> anyhow::Result<()> {
    replace(file, &file.with_extension("new"), text, 0o600)
}

/// `$XDG_STATE_HOME`, which counts only when it is absolute (XDG Base Directory 0.8), else `~/.local/state`.
fn user_state(xdg: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let home = home.filter(|home| home.is_absolute());
    xdg.filter(|folder| folder.is_absolute()).or_else(|| Some(home?.join(".local/state")))
}

/// One name for every way to write the folder's path.
fn key(manifests: &Path) -> anyhow::Result<String> {
    let path = manifests.canonicalize().with_context(|| format!("cannot read {}", manifests.display()))?;
    Ok(Digest::of(path.as_os_str().as_encoded_bytes()).short(16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_folder_is_the_one_that_xdg_names_else_the_one_of_the_home() {
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(user_state(path("/state"), path("/home/ada")), path("/state"));
        assert_eq!(user_state(path("state"), path("/home/ada")), path("/home/ada/.local/state"));
        assert_eq!(user_state(None, path("/home/ada")), path("/home/ada/.local/state"));
        assert_eq!(user_state(None, None), None);
        assert_eq!(user_state(None, path("")), None);
    }

    #[test]
    fn a_folder_has_one_key_however_its_path_is_written_and_no_other_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        std::fs::create_dir_all(&one).unwrap();
        std::fs::create_dir_all(&other).unwrap();
        assert_eq!(key(&one).unwrap(), key(&other.join("../one/.")).unwrap());
        assert_ne!(key(&one).unwrap(), key(&other).unwrap());
    }

    #[test]
    fn what_is_kept_is_the_users_own_and_whole() {
        use std::os::unix::fs::PermissionsExt as _;
        let rights = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let base = tempfile::tempdir().unwrap();
        let made = folder(base.path(), Some(&base.path().join("a/b"))).unwrap();
        assert_eq!(rights(&made), 0o700);
        // A start that was stopped while it wrote: what it left is neither read nor in the way.
        std::fs::write(made.join("keys.new"), "{").unwrap();
        keep(&made.join("keys.json"), "{}").unwrap();
        assert_eq!(std::fs::read_to_string(made.join("keys.json")).unwrap(), "{}");
        assert_eq!(rights(&made.join("keys.json")), 0o600);
        assert_eq!(std::fs::read_dir(&made).unwrap().count(), 1);
    }
}
