//! The files that we read, none of which is a place for a token.

use std::path::{Path, PathBuf};

use prove_token_config::{Config, Overrides, Profile};

use crate::command::Context;

/// The configuration file, and what its profiles and `profile` are made of. What is wrong
/// with the other profiles is nobody's concern here.
pub(super) fn inputs(profile: &Profile, context: &Context) -> Vec<PathBuf> {
    let mut files = profile.files(&context.env);
    let found = Config::find(context.global.config.as_deref(), &context.env);
    let Ok(Some(file)) = found else {
        return files;
    };
    if let Ok(config) = Config::inspect(&file) {
        for entry in config.profiles() {
            let overrides = Overrides {
                profile: Some(entry.name.to_owned()),
                ..Overrides::default()
            };
            let other = Profile::from_config(&overrides, &context.env, Some(&config));
            files.extend(
                other
                    .into_iter()
                    .flat_map(|other| other.files(&context.env)),
            );
        }
    }
    files.push(file);
    files
}

/// Whether both paths lead to one file, also by a link or by another of its names.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    place(one) == place(other) || is_one_file(one, other)
}

#[cfg(unix)]
fn is_one_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |path: &Path| std::fs::metadata(path).map(|file| (file.dev(), file.ino()));
    matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(not(unix))]
fn is_one_file(_: &Path, _: &Path) -> bool {
    false
}
