//! `idflow lint --fix`: rewrites old words where manifests stand, and says what it did.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use idflow_flow::{Files, Fixed};

use crate::output::file;

/// Rewrites the files that have old words. A file that cannot be rewritten stays as it is, and that is said.
pub(super) fn fix(files: &[(String, String)]) -> anyhow::Result<()> {
    for (name, fixed) in Files::read(files.iter().cloned()).fixed() {
        match fixed {
            Fixed::Nothing => {}
            Fixed::Refused(line, why) => eprintln!("{name}:{line}: not rewritten: {why}"),
            Fixed::Rewritten { text, done } => {
                let old = files.iter().find(|(file, _)| *file == name).map_or("", |(_, text)| text);
                if let Some(why) = refusal(Path::new(&name), old)? {
                    eprintln!("{name}: not rewritten: {why}");
                    continue;
                }
                write(Path::new(&name), &text)?;
                for (line, says) in done {
                    eprintln!("{name}:{line}: rewritten: {says}");
                }
            }
        }
    }
    Ok(())
}

/// Why a file is left alone: what is written must take the place of exactly what was read, and stand where it stood.
fn refusal(file: &Path, old: &str) -> anyhow::Result<Option<&'static str>> {
    let cannot = || format!("cannot look at {}", file.display());
    if file.symlink_metadata().with_context(cannot)?.is_symlink() {
        return Ok(Some("it is a link; what it leads to is rewritten where it stands"));
    }
    let is_same = std::fs::read(file).with_context(cannot)? == old.as_bytes();
    Ok((!is_same).then_some("it is not UTF-8 throughout, or was changed meanwhile"))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let rights = path.metadata().with_context(|| format!("cannot look at {}", path.display()))?.permissions().mode();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    file::replace(path, &path.with_file_name(format!(".{name}.idflow-fix")), text, rights & 0o7777)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: a }
spec:
  type: Login
  start: code
  steps:
    - id: code # by mail
      oneTimeCode: { connection: mail }
";

    fn fixed(folder: &Path) {
        let mut files = Vec::new();
        super::super::collect(folder, &mut files).unwrap();
        let texts: Vec<_> = files.iter().map(|file| super::super::read(file).unwrap()).collect();
        fix(&texts).unwrap();
    }

    #[test]
    fn a_file_is_rewritten_in_its_place_with_its_rights_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        std::fs::write(&file, OLD).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::fs::write(folder.path().join(".a.yaml.idflow-fix"), "left behind").unwrap();
        fixed(folder.path());
        let new = std::fs::read_to_string(&file).unwrap();
        assert_eq!(new, OLD.replace("{ connection: mail }", "{ email: { connection: mail } }"));
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn nothing_is_written_through_a_link_nor_over_what_is_not_text() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let target = outside.path().join("target.yaml");
        std::fs::write(&target, OLD).unwrap();
        std::os::unix::fs::symlink(&target, folder.path().join("link.yaml")).unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("folder")).unwrap();
        let bytes = [OLD.as_bytes(), b"# \xff\n"].concat();
        std::fs::write(folder.path().join("bytes.yaml"), &bytes).unwrap();
        fixed(folder.path());
        assert_eq!(std::fs::read_to_string(&target).unwrap(), OLD);
        assert!(folder.path().join("link.yaml").is_symlink());
        assert_eq!(std::fs::read(folder.path().join("bytes.yaml")).unwrap(), bytes);
    }
}
