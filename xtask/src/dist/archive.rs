//! One archive of what runs on a platform: the same bytes for the same content, whenever
//! and wherever it is made.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Write};

use flate2::{Compression, GzBuilder};
use zip::write::SimpleFileOptions;

/// What goes into an archive, by its path in there, with forward slashes.
pub(super) type Content = BTreeMap<String, Entry>;

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) bytes: Vec<u8>,
    /// Whether it is a program.
    pub(super) runs: bool,
}

impl Entry {
    pub(super) fn text(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            runs: false,
        }
    }

    pub(super) fn program(bytes: Vec<u8>) -> Self {
        Self { bytes, runs: true }
    }

    fn mode(&self) -> u32 {
        if self.runs { 0o755 } else { 0o644 }
    }
}

/// What users of a platform unpack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    TarGz,
    Zip,
}

impl Format {
    /// That of the platform that this program was built for.
    pub(super) const HERE: Self = if cfg!(windows) {
        Self::Zip
    } else {
        Self::TarGz
    };

    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::TarGz => "tar.gz",
            Self::Zip => "zip",
        }
    }

    /// Writes `content` below a folder of that name. All files are as old as `seconds`
    /// since 1970; a zip has no time zone, so there all are of 1980.
    pub(super) fn write(
        self,
        out: impl Write,
        folder: &str,
        content: &Content,
        seconds: u64,
    ) -> io::Result<()> {
        match self {
            Self::TarGz => tar_gz(out, folder, content, seconds),
            Self::Zip => zip(out, folder, content),
        }
    }
}

fn tar_gz(out: impl Write, folder: &str, content: &Content, seconds: u64) -> io::Result<()> {
    // Without the name of a file, and without the time of now.
    let gzip = GzBuilder::new().write(out, Compression::best());
    let mut tar = tar::Builder::new(gzip);
    for (path, entry) in content {
        let mut header = tar::Header::new_ustar();
        header.set_size(entry.bytes.len() as u64);
        header.set_mode(entry.mode());
        header.set_mtime(seconds);
        header.set_uid(0);
        header.set_gid(0);
        tar.append_data(&mut header, format!("{folder}/{path}"), &*entry.bytes)?;
    }
    tar.into_inner()?.finish()?.flush()
}

fn zip(mut out: impl Write, folder: &str, content: &Content) -> io::Result<()> {
    // It goes back to write the size of each file before it.
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, entry) in content {
        let options = SimpleFileOptions::default()
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(entry.mode());
        zip.start_file(format!("{folder}/{path}"), options)?;
        zip.write_all(&entry.bytes)?;
    }
    out.write_all(zip.finish()?.get_ref())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    const SECONDS: u64 = 1_700_000_000;

    fn content() -> Content {
        [
            ("man/man1/b.1", Entry::text("page")),
            ("bin/b", Entry::program(vec![0; 70_000])),
            ("README.md", Entry::text("words")),
        ]
        .map(|(path, entry)| (path.to_owned(), entry))
        .into()
    }

    fn written(format: Format) -> Vec<u8> {
        let mut bytes = Vec::new();
        format
            .write(&mut bytes, "a-1", &content(), SECONDS)
            .unwrap();
        bytes
    }

    #[test]
    fn an_archive_tells_nothing_of_who_made_it_and_when() {
        let bytes = written(Format::TarGz);
        let mut tar = tar::Archive::new(GzDecoder::new(&*bytes));
        let entries = tar.entries().unwrap().map(Result::unwrap).map(|entry| {
            let header = entry.header();
            assert_eq!(header.mtime().unwrap(), SECONDS);
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            assert_eq!(header.username(), Ok(Some("")));
            let path = entry.path().unwrap().display().to_string();
            (path, header.mode().unwrap(), entry.size())
        });
        let expected = [
            ("a-1/README.md".to_owned(), 0o644, 5),
            ("a-1/bin/b".to_owned(), 0o755, 70_000),
            ("a-1/man/man1/b.1".to_owned(), 0o644, 4),
        ];
        assert_eq!(entries.collect::<Vec<_>>(), expected);
        // The time in the header of gzip, and no name after it.
        assert_eq!(bytes[3..8], [0; 5]);
    }

    #[test]
    fn a_zip_has_the_same_files() {
        let mut zip = zip::ZipArchive::new(Cursor::new(written(Format::Zip))).unwrap();
        let mut entries = Vec::new();
        for index in 0..zip.len() {
            let mut file = zip.by_index(index).unwrap();
            assert_eq!(file.last_modified(), Some(zip::DateTime::default()));
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            let runs = file.unix_mode().unwrap() & 0o777 == 0o755;
            let path = file
                .name()
                .unwrap()
                .strip_prefix("a-1/")
                .unwrap()
                .to_owned();
            entries.push((path, Entry { bytes, runs }));
        }
        assert_eq!(entries, content().into_iter().collect::<Vec<_>>());
    }
}
