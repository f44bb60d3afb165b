//! The core crate forbids unsafe code, in code and not in a comment.

use std::fs;

use super::{Outcome, source, verdict};
use crate::failure::Failure;
use crate::workspace::Workspace;

const CORE: &str = "crates/core/src/lib.rs";

pub(super) fn run(workspace: &Workspace) -> Result<Outcome, Failure> {
    let text = fs::read_to_string(workspace.root.join(CORE))
        .map_err(|error| Failure::failed(format!("cannot read {CORE}: {error}")))?;
    if forbids_unsafe(&text) {
        return Ok(Outcome::Passed);
    }
    verdict(&[format!("{CORE}: add #![forbid(unsafe_code)] at the top")])
}

fn forbids_unsafe(text: &str) -> bool {
    source::mask(text).contains("#![forbid(unsafe_code)]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_forbids_nothing() {
        assert!(forbids_unsafe("//! Docs.\n#![forbid(unsafe_code)]\n"));
        assert!(!forbids_unsafe("// #![forbid(unsafe_code)]\n"));
        assert!(!forbids_unsafe("#![deny(unsafe_code)]\n"));
    }
}
