//! The folder that the artefacts go to. A file is there whole or not at all, and the list
//! of checksums comes last: a folder without it is unfinished.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::{Builder, NamedTempFile};

use crate::disk;
use crate::failure::Failure;

/// The list of checksums, as `sha256sum -c` reads it.
const SUMS: &str = "SHA256SUMS";

/// What begins the name of a file that is not whole.
const UNFINISHED: &str = ".unfinished-";

/// A folder for artefacts.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder at `path`, which is made if it is not there. The list of checksums of
    /// before goes: from now on it is wrong.
    pub(super) fn open(path: PathBuf) -> Result<Self, Failure> {
        fs::create_dir_all(&path).map_err(|error| disk::failure("create", &path, &error))?;
        let sums = path.join(SUMS);
        match fs::remove_file(&sums) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(disk::failure("remove", &sums, &error))
            }
            _ => Ok(Self { path }),
        }
    }

    /// As [`Folder::open`], without what was in it.
    pub(super) fn open_empty(path: PathBuf) -> Result<Self, Failure> {
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(disk::failure("empty", &path, &error))
            }
            _ => Self::open(path),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a file of what `write` writes.
    pub(super) fn add(
        &self,
        name: &str,
        write: impl FnOnce(&mut fs::File) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let path = self.path.join(name);
        self.unfinished()
            .and_then(|mut file| {
                write(file.as_file_mut())?;
                file.as_file().sync_all()?;
                file.persist(&path)?;
                Ok(())
            })
            .map_err(|error| disk::failure("write", &path, &error))
    }

    /// Writes the checksums of all files that are in the folder, whoever put them there, and
    /// returns their names and sizes.
    pub(super) fn close(&self) -> Result<Vec<(String, u64)>, Failure> {
        let mut files = BTreeMap::new();
        for (name, path) in self.files()? {
            let bytes = fs::read(&path).map_err(|error| disk::failure("read", &path, &error))?;
            files.insert(name, bytes);
        }
        let sums: String = files
            .iter()
            .map(|(name, bytes)| line(name, bytes))
            .collect();
        self.add(SUMS, |file| io::Write::write_all(file, sums.as_bytes()))?;
        let mut made: Vec<_> = files
            .into_iter()
            .map(|(name, bytes)| (name, bytes.len() as u64))
            .collect();
        made.push((SUMS.to_owned(), sums.len() as u64));
        Ok(made)
    }

    fn files(&self) -> Result<Vec<(String, PathBuf)>, Failure> {
        let unreadable = |error: io::Error| disk::failure("read", &self.path, &error);
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_file = entry.file_type().map_err(unreadable)?.is_file();
            if is_file && !name.starts_with(UNFINISHED) {
                files.push((name, entry.path()));
            }
        }
        Ok(files)
    }

    fn unfinished(&self) -> io::Result<NamedTempFile> {
        let mut builder = Builder::new();
        builder.prefix(UNFINISHED);
        // A temporary file is private, and these are to be handed on.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        builder.tempfile_in(&self.path)
    }
}

fn line(name: &str, bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}  {name}\n")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(folder: &Folder) -> Vec<String> {
        let entries = fs::read_dir(&folder.path).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn the_checksums_are_those_of_sha256sum() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path().join("new/dist")).unwrap();
        folder.add("b", |file| file.write_all(b"abc")).unwrap();
        folder.add("a", |_| Ok(())).unwrap();
        let made = folder.close().unwrap();
        let sums = fs::read_to_string(folder.path.join(SUMS)).unwrap();
        // The empty word, and that of FIPS 180-2, appendix B.1.
        let expected = "\
            e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n\
            ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  b\n";
        assert_eq!(sums, expected);
        let sizes = [("a", 0), ("b", 3), (SUMS, 136)].map(|(name, size)| (name.to_owned(), size));
        assert_eq!(made, sizes);
    }

    #[test]
    fn what_was_not_written_to_its_end_is_not_there() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path().to_owned()).unwrap();
        folder.add("old", |file| file.write_all(b"whole")).unwrap();
        for name in ["old", "new"] {
            let failure = folder.add(name, |file| {
                file.write_all(b"ha")?;
                Err(io::Error::other("no space"))
            });
            let text = failure.unwrap_err().to_string();
            assert!(text.contains("no space") && text.contains(name), "{text}");
        }
        assert_eq!(names(&folder), ["old"]);
        assert_eq!(fs::read(place.path().join("old")).unwrap(), b"whole");
    }

    #[test]
    fn a_folder_that_is_worked_at_has_no_checksums() {
        let place = tempfile::tempdir().unwrap();
        let dist = place.path().join("dist");
        let folder = Folder::open(dist.clone()).unwrap();
        folder.add("a", |_| Ok(())).unwrap();
        // Of a run that was ended.
        fs::write(dist.join(".unfinished-x"), "").unwrap();
        assert_eq!(folder.close().unwrap().len(), 2);
        let folder = Folder::open(dist.clone()).unwrap();
        assert!(!names(&folder).contains(&SUMS.to_owned()));
        assert!(names(&folder).contains(&"a".to_owned()));
        assert_eq!(names(&Folder::open_empty(dist).unwrap()), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn everybody_may_read_an_artefact() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path().to_owned()).unwrap();
        folder.add("a", |_| Ok(())).unwrap();
        // What the umask leaves of a file of anybody's.
        fs::write(place.path().join("b"), "").unwrap();
        let mode = |name| {
            place
                .path()
                .join(name)
                .metadata()
                .unwrap()
                .permissions()
                .mode()
        };
        assert_eq!(mode("a"), mode("b") & !0o022);
    }
}
