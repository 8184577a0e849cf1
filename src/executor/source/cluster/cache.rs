//! The last good configuration on the pod's memory-backed volume, for a start without the API server (design 2).
//!
//! ```text
//!   <folder>/configuration.json     the Snapshot without contents; its modification time is when it was confirmed
//!   <folder>/revisions/<digest>     one content
//! ```
//!
//! The files hold Secrets: they are readable by the executor alone and must not lie on a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use idflow_core::digest::Digest;
use idflow_core::time::Timestamp;

use crate::source::Snapshot;

/// The folder of the last good configuration.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    folder: PathBuf,
}

/// What an earlier process left.
pub(super) struct Kept {
    pub(super) snapshot: Snapshot,
    pub(super) confirmed: Timestamp,
}

impl Cache {
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("configuration.json")
    }

    fn revisions(&self) -> PathBuf {
        self.folder.join("revisions")
    }

    /// What an earlier process left. What cannot be read is as good as absent.
    pub(super) fn read(&self) -> Option<Kept> {
        match self.try_read() {
            Ok(kept) => Some(kept),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(%error, "the last good configuration cannot be read and is ignored");
                None
            }
        }
    }

    fn try_read(&self) -> io::Result<Kept> {
        let text = fs::read(self.configuration())?;
        // The message of a parser may quote a Secret; the place does not.
        let mut snapshot: Snapshot = serde_json::from_slice(&text).map_err(|error| {
            let place = format!("damaged at line {}, column {}", error.line(), error.column());
            io::Error::new(io::ErrorKind::InvalidData, place)
        })?;
        let modified = fs::metadata(self.configuration())?.modified()?;
        let age = modified.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        snapshot.contents = self.contents();
        Ok(Kept { snapshot, confirmed: Timestamp(i64::try_from(age).unwrap_or(i64::MAX)) })
    }

    fn revision(&self, digest: &Digest) -> PathBuf {
        self.revisions().join(digest.to_string())
    }

    /// Whether the content of a revision is kept.
    pub(super) fn holds(&self, digest: &Digest) -> bool {
        self.revision(digest).exists()
    }

    /// Contents by the digest in their name; loading them compares it.
    fn contents(&self) -> BTreeMap<Digest, String> {
        let files = self.kept().unwrap_or_default();
        let read = |(digest, path): (Digest, PathBuf)| Some((digest, fs::read_to_string(path).ok()?));
        files.into_iter().filter_map(read).collect()
    }

    fn kept(&self) -> io::Result<Vec<(Digest, PathBuf)>> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(self.revisions())? {
            let entry = entry?;
            if let Some(digest) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
                kept.push((digest, entry.path()));
            }
        }
        Ok(kept)
    }

    /// Keeps a snapshot, and of the revisions kept before those that are still wanted. Contents come first, so
    /// that a process that ends in between leaves no configuration without its revisions.
    pub(super) fn write(&self, mut snapshot: Snapshot, wanted: &BTreeSet<Digest>) -> io::Result<()> {
        fs::create_dir_all(self.revisions())?;
        for (digest, content) in std::mem::take(&mut snapshot.contents) {
            if wanted.contains(&digest) {
                replace(&self.revision(&digest), content.as_bytes())?;
            }
        }
        replace(&self.configuration(), &serde_json::to_vec(&snapshot)?)?;
        for (_, path) in self.kept()?.into_iter().filter(|(digest, _)| !wanted.contains(digest)) {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    /// The kept configuration is still the current one.
    pub(super) fn confirm(&self, now: Timestamp) -> io::Result<()> {
        let since = Duration::from_millis(u64::try_from(now.0).unwrap_or(0));
        File::options().write(true).open(self.configuration())?.set_modified(UNIX_EPOCH + since)
    }
}

/// Readers see the old file or the new one, never a part of one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    // One that was left half-written may have other rights.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::super::assemble::assemble;
    use super::super::assemble::tests::objects;
    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path());
        (folder, cache)
    }

    fn all() -> BTreeSet<Digest> {
        BTreeSet::from([Digest::of("content")])
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (_folder, cache) = cache();
        assert!(cache.read().is_none());
        cache.write(assemble(objects()), &all()).unwrap();
        // The next snapshot brings only contents that are new.
        let next = Snapshot { contents: BTreeMap::new(), ..assemble(objects()) };
        cache.write(next, &all()).unwrap();
        let kept = cache.read().unwrap().snapshot;
        assert_eq!(serde_json::to_value(&kept).unwrap(), serde_json::to_value(assemble(objects())).unwrap());
    }

    #[test]
    fn revisions_that_nobody_needs_any_more_are_removed() {
        let (_folder, cache) = cache();
        cache.write(assemble(objects()), &all()).unwrap();
        cache.write(assemble(objects()), &BTreeSet::new()).unwrap();
        assert!(cache.read().unwrap().snapshot.contents.is_empty());
    }

    #[test]
    fn the_time_of_the_last_confirmation_outlives_the_process() {
        let (_folder, cache) = cache();
        cache.write(assemble(objects()), &all()).unwrap();
        cache.confirm(Timestamp(1_234_000)).unwrap();
        assert_eq!(cache.read().unwrap().confirmed, Timestamp(1_234_000));
    }

    #[test]
    fn nobody_else_may_read_the_files() {
        let (_folder, cache) = cache();
        cache.write(assemble(objects()), &all()).unwrap();
        let revision = cache.revision(&Digest::of("content"));
        for path in [cache.configuration(), revision] {
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        }
    }

    #[test]
    fn a_damaged_cache_is_ignored_and_its_secrets_are_not_told() {
        let (_folder, cache) = cache();
        for text in ["", "{", "[]", r#"{"catalog": "s3cret"}"#, "\u{0}"] {
            fs::write(cache.configuration(), text).unwrap();
            assert!(cache.read().is_none(), "{text:?}");
            let error = cache.try_read().err().unwrap().to_string();
            assert!(error.starts_with("damaged at line"), "{error}");
        }
        cache.write(assemble(objects()), &all()).unwrap();
        assert!(cache.read().is_some(), "the next configuration replaces it");
    }

    #[test]
    fn a_damaged_revision_costs_only_itself() {
        let (_folder, cache) = cache();
        cache.write(assemble(objects()), &all()).unwrap();
        fs::write(cache.revisions().join("no digest"), "x").unwrap();
        fs::write(cache.revision(&Digest::of("content")), [0xff]).unwrap();
        assert!(cache.read().unwrap().snapshot.contents.is_empty());
    }
}
