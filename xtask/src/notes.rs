//! `cargo xtask notes TAG`: what the changelog says of a release, if everything agrees on
//! which one it is.

use crate::disk;
use crate::failure::Failure;
use crate::process;
use crate::workspace::Workspace;

const CHANGELOG: &str = "CHANGELOG.md";

/// Prints the section of the release that the one argument is the tag of.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let [tag] = arguments else {
        return Err(Failure::Usage("say which tag, such as v1.2.3".to_owned()));
    };
    let workspace = Workspace::load()?;
    let changelog = disk::read(&workspace.root.join(CHANGELOG))?;
    process::print(notes(tag, workspace.version()?, &changelog)?)
}

/// The section of `changelog`, without its heading.
fn notes<'a>(tag: &str, version: &str, changelog: &'a str) -> Result<&'a str, Failure> {
    if tag.strip_prefix('v') != Some(version) {
        return Err(Failure::failed(format!(
            "the tag `{tag}` is not that of version {version}: it would be `v{version}`; the \
             version stands in Cargo.toml"
        )));
    }
    let missing = || {
        Failure::failed(format!(
            "{CHANGELOG} has no section `## {version} - YYYY-MM-DD` with something in it; what \
             stands below `## Unreleased` belongs there"
        ))
    };
    let (heading, rest) = sections(changelog)
        .find(|(heading, _)| heading.split(" - ").next() == Some(version))
        .ok_or_else(missing)?;
    let text = rest.trim();
    match heading
        .split_once(" - ")
        .is_some_and(|(_, date)| is_date(date))
        && !text.is_empty()
    {
        true => Ok(text),
        false => Err(missing()),
    }
}

/// Each section's heading, and what stands below it.
fn sections(changelog: &str) -> impl Iterator<Item = (&str, &str)> {
    changelog
        .split("\n## ")
        .skip(1)
        .map(|section| section.split_once('\n').unwrap_or((section, "")))
}

/// Whether it looks like one of ISO 8601.
fn is_date(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    shape == "0000-00-00"
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const CHANGELOG: &str = "# Changelog\n\n## Unreleased\n\n- c\n\n## 1.2.0 - 2026-12-01\n\n\
                             ### Added\n\n- b\n\n## 1.1.0 - 2026-11-01\n- a\n\n## 1.0.0\n- z\n\
                             \n## 0.9.0 - soon\n- y\n\n## 0.8.0 - 2026-01-01\n";

    #[test]
    fn the_section_of_the_version_is_told() {
        let of = |tag, version| notes(tag, version, CHANGELOG);
        assert_eq!(of("v1.2.0", "1.2.0"), Ok("### Added\n\n- b"));
        assert_eq!(of("v1.1.0", "1.1.0"), Ok("- a"));
    }

    #[test]
    fn a_release_that_is_not_said_alike_everywhere_is_refused() {
        for (tag, version, why) in [
            ("v1.2.1", "1.2.0", "it would be `v1.2.0`"),
            ("1.2.0", "1.2.0", "it would be `v1.2.0`"),
            ("v1.2", "1.2", "## 1.2 - YYYY-MM-DD"),
            ("v1.3.0", "1.3.0", "## 1.3.0 - YYYY-MM-DD"),
            // Without a date, and without anything else.
            ("v1.0.0", "1.0.0", "## 1.0.0 - YYYY-MM-DD"),
            ("v0.9.0", "0.9.0", "## 0.9.0 - YYYY-MM-DD"),
            ("v0.8.0", "0.8.0", "## 0.8.0 - YYYY-MM-DD"),
            ("vUnreleased", "Unreleased", "YYYY"),
        ] {
            let failure = notes(tag, version, CHANGELOG).unwrap_err().to_string();
            assert!(failure.contains(why), "{tag}: {failure}");
        }
    }

    #[test]
    fn the_changelog_goes_on_where_a_release_ends() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let changelog = disk::read(&root.join(super::CHANGELOG)).unwrap();
        assert_eq!(sections(&changelog).next().unwrap().0, "Unreleased");
    }
}
