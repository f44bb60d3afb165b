//! The files that we read, none of which is a place for a token.

use std::path::PathBuf;

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
