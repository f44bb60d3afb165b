//! Who may do what with a file or folder, for people who look for what is wrong.

use std::fmt;
use std::path::Path;

/// The mode and the owner of a file or folder. `Display` is `mode 0600`, with the owner
/// if that is somebody else. There are none on Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    mode: u32,
    owner: u32,
    user: u32,
}

impl Access {
    /// Of what is at `path`, links followed; `None` if that cannot be told.
    #[cfg(unix)]
    pub fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = path.metadata().ok()?;
        Some(Self {
            mode: metadata.mode() & 0o7777,
            owner: metadata.uid(),
            user: rustix::process::geteuid().as_raw(),
        })
    }

    /// There are no modes here.
    #[cfg(not(unix))]
    pub fn of(_: &Path) -> Option<Self> {
        None
    }

    /// Whether neither this user nor root is the owner, who could do anything with it.
    pub fn is_foreign(self) -> bool {
        self.owner != self.user && self.owner != 0
    }

    /// Whether others than the owner can write it or, of a folder, replace what is in
    /// it: the sticky bit, as of `/tmp`, takes that away.
    pub fn others_can_write(self) -> bool {
        self.mode & 0o022 != 0 && self.mode & 0o1000 == 0
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mode {:04o}", self.mode)?;
        match self.owner {
            owner if owner == self.user => Ok(()),
            0 => f.write_str(", of root"),
            owner => write!(f, ", of user {owner}"),
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn mode_and_owner_are_told() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, others_can_write) in [(0o700, false), (0o720, true), (0o1777, false)] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(folder.path(), permissions).unwrap();
            let access = Access::of(folder.path()).unwrap();
            assert_eq!(access.to_string(), format!("mode {mode:04o}"));
            assert_eq!(access.others_can_write(), others_can_write, "{access}");
            assert!(!access.is_foreign());
        }
        assert_eq!(Access::of(&folder.path().join("none")), None);
    }

    #[test]
    fn root_is_not_a_stranger() {
        let of = |owner| Access {
            mode: 0o644,
            owner,
            user: 7,
        };
        assert!(of(8).is_foreign() && !of(7).is_foreign() && !of(0).is_foreign());
        assert_eq!(of(0).to_string(), "mode 0644, of root");
        assert_eq!(of(8).to_string(), "mode 0644, of user 8");
    }
}
