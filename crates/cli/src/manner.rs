//! How a failure is to be written, read before anything else: the parser itself
//! may fail.

use std::ffi::OsString;

use clap::ColorChoice;

use crate::args::When;

/// What the command line says about the way of speaking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manner {
    pub(crate) color: When,
    /// Failures as JSON.
    pub(crate) json: bool,
    /// No hints.
    pub(crate) quiet: bool,
}

impl Manner {
    /// Looks for `--color`, `-o json`, `--json` and `-q` in `args`, the program's name first.
    pub(crate) fn of(args: &[OsString]) -> Self {
        let mut manner = Self::default();
        let mut args = args
            .iter()
            .skip(1)
            .filter_map(|arg| arg.to_str())
            .peekable();
        while let Some(arg) = args.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (arg, args.peek().copied()),
            };
            match (name, value) {
                // What follows is another program's.
                ("--" | "--run", _) => break,
                ("--color", Some("always")) => manner.color = When::Always,
                ("--color", Some("never")) => manner.color = When::Never,
                ("--output" | "-o", Some("json")) | ("-ojson", _) => manner.json = true,
                ("--json", _) => manner.json = true,
                ("--quiet" | "-q" | "-qq", _) => manner.quiet = true,
                _ => {}
            }
        }
        manner
    }

    /// Makes help, errors and hints follow `--color`.
    pub(crate) fn clap_color(self) -> ColorChoice {
        match self.color {
            When::Auto => ColorChoice::Auto,
            When::Always => ColorChoice::Always,
            When::Never => ColorChoice::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manner(args: &str) -> Manner {
        let args: Vec<_> = format!("prove-token {args}")
            .split(' ')
            .map(OsString::from)
            .collect();
        Manner::of(&args)
    }

    #[test]
    fn every_spelling_is_seen() {
        for json in [
            "-o json",
            "-ojson",
            "-o=json",
            "--output json",
            "--output=json",
            "--json",
        ] {
            assert!(manner(&format!("token {json} x")).json, "{json}");
        }
        for color in ["--color always", "--color=always"] {
            assert_eq!(manner(color).color, When::Always, "{color}");
        }
        assert_eq!(manner("token --color never -q").color, When::Never);
        assert!(manner("token -q").quiet);
        assert!(manner("serve -qq").quiet);
        assert_eq!(manner("token -o raw json"), Manner::default());
        assert_eq!(
            manner("token -- -o json --color never -q"),
            Manner::default()
        );
    }
}
