//! The code map in `crates/README.md` names every package of the workspace.

use std::fs;

use super::{Outcome, verdict};
use crate::failure::Failure;
use crate::workspace::Workspace;

const MAP: &str = "crates/README.md";

pub(super) fn run(workspace: &Workspace) -> Result<Outcome, Failure> {
    let map = fs::read_to_string(workspace.root.join(MAP))
        .map_err(|error| Failure::failed(format!("cannot read {MAP}: {error}")))?;
    let names = workspace
        .packages
        .iter()
        .map(|package| package.name.as_str());
    verdict(&problems(&map, names))
}

fn problems<'a>(map: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    names
        .filter(|name| !mentions(map, name))
        .map(|name| format!("{MAP}: say what the package {name} is for"))
        .collect()
}

/// Whether the name stands in the text as a word: `prove-token` is not in `prove-token-cli`.
fn mentions(map: &str, name: &str) -> bool {
    map.split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '_'))
        .any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_name_does_not_mention_a_shorter_one() {
        let names = || ["prove-token", "prove-token-cli", "xtask"].into_iter();
        let map = "* `cli/`: package `prove-token-cli`\n* `xtask/` (xtask)\n";
        let found = problems(map, names());
        assert_eq!(
            found,
            ["crates/README.md: say what the package prove-token is for"]
        );
        let map = format!("{map}* `core/`: package `prove-token`.\n");
        assert!(problems(&map, names()).is_empty());
    }
}
