//! The audit records of `idflow dev`, as JSON lines beside the accounts, for `idflow why`.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use idflow_core::audit::AuditEvent;

/// How large the file grows before it becomes the earlier one.
const MOST_BYTES: u64 = 8 << 20;

/// Where the records are, the earlier ones first.
pub(crate) fn files(data: &Path) -> [PathBuf; 2] {
    ["audit.1.jsonl", "audit.jsonl"].map(|name| data.join(name))
}

/// Appends records.
pub(super) struct Audit {
    data: PathBuf,
    file: Mutex<Option<Open>>,
}

struct Open {
    lines: BufWriter<File>,
    bytes: u64,
}

impl Audit {
    pub(super) fn in_folder(data: &Path) -> Self {
        Self { data: data.to_owned(), file: Mutex::new(None) }
    }

    /// Writes a record. One that somebody may ask about is there at once, with all before it. That it cannot be
    /// written stops nobody.
    pub(super) fn write(&self, event: &AuditEvent) {
        let Ok(mut file) = self.file.lock() else { return };
        if let Err(error) = self.append(&mut file, event) {
            tracing::warn!(%error, "an audit record could not be written to {}", self.data.display());
            *file = None;
        }
    }

    fn append(&self, file: &mut Option<Open>, event: &AuditEvent) -> std::io::Result<()> {
        if file.as_ref().is_some_and(|open| open.bytes > MOST_BYTES) {
            *file = None;
        }
        let open = match file {
            Some(open) => open,
            None => file.insert(self.open()?),
        };
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        open.bytes += line.len() as u64;
        open.lines.write_all(&line)?;
        if event.reference.is_some() { open.lines.flush() } else { Ok(()) }
    }

    fn open(&self) -> std::io::Result<Open> {
        let [earlier, current] = files(&self.data);
        if std::fs::metadata(&current).is_ok_and(|known| known.len() > MOST_BYTES) {
            std::fs::rename(&current, earlier)?;
        }
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(current)?;
        let bytes = file.metadata()?.len();
        Ok(Open { lines: BufWriter::new(file), bytes })
    }
}
