//! Files in which a token is kept fresh, for programs that read nothing but files.

mod group;

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prove_token::{AccessToken, TokenClient};
use prove_token_config::{ServiceSink, is_same_file, replace_file, replace_group_file};
use rustix::fs::{Mode, OFlags};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::console::printable;
use crate::failure::Failure;
use crate::notice::{Notice, Observer};
use crate::plan::refused;

/// Between two tries of a file that cannot be written; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A file that is to hold the token of a profile, alone on its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sink {
    pub(crate) profile: String,
    pub(crate) path: PathBuf,
    pub(crate) mode: u32,
    /// The number of its group, if it is not to be the process's.
    group: Option<u32>,
}

/// Whose turn it is to write one file: what was begun before a reload is finished first.
pub(crate) type Turn = Arc<Mutex<()>>;

impl Sink {
    /// The sinks of these settings.
    ///
    /// # Errors
    ///
    /// `Configuration` if two are of one path, if there is something at a path that is
    /// not a file, or if a group is not known.
    pub(crate) fn all(settings: &[ServiceSink]) -> Result<Vec<Self>, Failure> {
        let mut sinks: Vec<Self> = Vec::with_capacity(settings.len());
        for setting in settings {
            let sink = Self::new(setting)?;
            if sinks
                .iter()
                .any(|other| is_same_file(&other.path, &sink.path))
            {
                let shown = printable(&setting.path);
                return Err(refused(format!("two sinks are of the file {shown}"))
                    .hint("give each a file of its own"));
            }
            sinks.push(sink);
        }
        Ok(sinks)
    }

    /// That none of `sinks` is one of `files`, which would be lost.
    ///
    /// # Errors
    ///
    /// `Configuration`, naming the one that is.
    pub(crate) fn spare(sinks: &[Self], files: &[PathBuf]) -> Result<(), Failure> {
        let is_read = |sink: &&Self| files.iter().any(|file| is_same_file(file, &sink.path));
        match sinks.iter().find(is_read) {
            None => Ok(()),
            Some(sink) => Err(refused(format!(
                "the sink {} is a file that the service reads",
                printable(&sink.path)
            ))
            .hint("give the sink a file of its own: what is there would be replaced")),
        }
    }

    fn new(setting: &ServiceSink) -> Result<Self, Failure> {
        let shown = printable(&setting.path);
        // A link would be replaced, and what it leads to left as it is.
        let there = std::fs::symlink_metadata(&setting.path);
        if there.is_ok_and(|metadata| !metadata.is_file()) {
            return Err(refused(format!("the sink {shown} is there and not a file"))
                .hint("name a file, or remove what is there"));
        }
        let group = setting.group.as_deref().map(|name| {
            group::number(name).ok_or_else(|| {
                refused(format!(
                    "the sink {shown} is for a group that is not known: {name:?}"
                ))
                .hint("name a group of /etc/group, or its number")
            })
        });
        Ok(Self {
            profile: setting.profile.clone(),
            path: setting.path.clone(),
            mode: setting.mode,
            group: group.transpose()?,
        })
    }

    /// Sees to it for ever that the file holds the current token. A file that cannot be
    /// written is told and tried again; nothing ends the work but its caller.
    pub(crate) async fn keep(self, client: TokenClient, turn: Turn, observer: Observer) {
        let mut tokens = client.watch(None);
        let mut due: Option<AccessToken> = None;
        let mut pause = FIRST_PAUSE;
        loop {
            let Some(token) = &due else {
                // A failure to get one is the client's to tell.
                due = tokens.next().await.ok();
                continue;
            };
            match self.put(token, &turn).await {
                Ok(is_news) => {
                    (due, pause) = (None, FIRST_PAUSE);
                    if is_news {
                        self.tell(&observer, None);
                    }
                }
                Err(error) => {
                    self.tell(&observer, Some(&error));
                    let newer = tokio::time::timeout(pause, tokens.next()).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    if let Ok(Ok(token)) = newer {
                        due = Some(token);
                    }
                }
            }
        }
    }

    /// As [`write`](Self::write), on a thread for blocking work: a disk may take its time.
    async fn put(&self, token: &AccessToken, turn: &Turn) -> io::Result<bool> {
        let content = Zeroizing::new(format!("{}\n", token.value()));
        let (sink, turn) = (self.clone(), Arc::clone(turn).lock_owned().await);
        let write = move || {
            let _turn = turn;
            sink.write(content.as_bytes())
        };
        let written = tokio::task::spawn_blocking(write).await;
        written.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
    }

    /// Writes the file, unless it is as it should be; `true` if it was written.
    fn write(&self, content: &[u8]) -> io::Result<bool> {
        if self.holds(content).unwrap_or(false) {
            return Ok(false);
        }
        match self.group {
            Some(group) => replace_group_file(&self.path, content, self.mode, group)?,
            None => replace_file(&self.path, content, self.mode)?,
        }
        Ok(true)
    }

    /// Whether the file is ours, with this content, mode and group.
    fn holds(&self, content: &[u8]) -> io::Result<bool> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::open(&self.path, flags, Mode::empty())?);
        if !self.is_as_it_should_be(&file.metadata()?) {
            return Ok(false);
        }
        let mut held = Zeroizing::new(Vec::with_capacity(content.len() + 1));
        file.take(content.len() as u64 + 1).read_to_end(&mut held)?;
        Ok(held.as_slice() == content)
    }

    fn is_as_it_should_be(&self, metadata: &Metadata) -> bool {
        metadata.is_file()
            && metadata.uid() == rustix::process::geteuid().as_raw()
            && metadata.mode() & 0o7777 == self.mode
            && self.group.is_none_or(|group| metadata.gid() == group)
    }

    fn tell(&self, observer: &Observer, error: Option<&io::Error>) {
        let (profile, path) = (self.profile.as_str(), printable(&self.path));
        let path = path.as_str();
        match error.map(|error| error.kind().to_string()) {
            None => observer.tell(&Notice::SinkWritten { profile, path }),
            Some(problem) => observer.tell(&Notice::SinkFailed {
                profile,
                path,
                problem: &problem,
            }),
        }
    }
}

#[cfg(test)]
mod tests;
