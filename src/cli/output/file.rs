//! Writing a file whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;

/// Puts a text where a file is or may be: it is there whole or not at all, whenever the process or the machine stops.
/// It is written beside the file first, with these rights.
pub(crate) fn replace(file: &Path, beside: &Path, text: &str, rights: u32) -> anyhow::Result<()> {
    // Left behind by a run that was stopped.
    if beside.symlink_metadata().is_ok() {
        std::fs::remove_file(beside).with_context(|| format!("cannot remove {}", beside.display()))?;
    }
    let written = || {
        let mut new = OpenOptions::new().write(true).create_new(true).mode(rights).open(beside)?;
        new.write_all(text.as_bytes())?;
        new.sync_all()?;
        std::fs::rename(beside, file)?;
        let folder =
            file.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
        folder.map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    written().with_context(|| format!("cannot write {}", file.display()))
}
