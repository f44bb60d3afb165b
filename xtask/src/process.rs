//! Starting programs in the open: every command is printed before it runs.
//!
//! Ctrl-C needs no handler. The terminal sends it to the whole process group, so
//! Cargo and the tests end with this program, and what was being prepared is done
//! again next time because its stamp is written last.

use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::environment;
use crate::failure::Failure;

/// Writes a line for a person to standard error; a closed pipe is not a failure.
pub(crate) fn say(text: impl fmt::Display) {
    drop(writeln!(io::stderr(), "{text}"));
}

/// Writes a line of result to standard output.
pub(crate) fn print(text: impl fmt::Display) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}").map_err(|error| cannot_write(&error))
}

/// Runs a command to its end with our own standard streams.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    announce(command);
    let status = command
        .status()
        .map_err(|error| cannot_start(command, &error))?;
    succeeded(command, status)
}

/// Runs a command to its end and returns what it wrote to standard output.
pub(crate) fn capture(command: &mut Command) -> Result<String, Failure> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| cannot_start(command, &error))?;
    succeeded(command, output.status)?;
    String::from_utf8(output.stdout).map_err(|_| {
        Failure::failed(format!(
            "`{}` wrote something else than text",
            line(command)
        ))
    })
}

/// Runs a command, passing its standard output through and showing each line to `see`.
pub(crate) fn stream(
    command: &mut Command,
    mut see: impl FnMut(&str),
) -> Result<ExitStatus, Failure> {
    announce(command);
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| cannot_start(command, &error))?;
    let output = child.stdout.take().expect("standard output was just piped");
    // The child is waited for even if we cannot write any more, so that it never
    // outlives this program.
    let copied = copy_lines(BufReader::new(output), io::stdout().lock(), &mut see);
    let status = child
        .wait()
        .map_err(|error| cannot_start(command, &error))?;
    copied?;
    Ok(status)
}

/// The first program of that name in the folders of `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    environment::path()
        .iter()
        .map(|folder| executable(folder, program))
        .find(|path| path.is_file())
}

/// Where a program of that name would be in a folder.
pub(crate) fn executable(folder: &Path, program: &str) -> PathBuf {
    folder.join(format!("{program}{}", std::env::consts::EXE_SUFFIX))
}

/// The command as one would type it.
pub(crate) fn line(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| quoted(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}

fn announce(command: &Command) {
    let variables: String = command
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)))
        .map(|(name, value)| {
            let value = quoted(&value.to_string_lossy());
            format!("{}={value} ", name.to_string_lossy())
        })
        .collect();
    say(format_args!("$ {variables}{}", line(command)));
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_=./:,+@\\".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn copy_lines(
    mut reader: impl BufRead,
    mut writer: impl Write,
    see: &mut impl FnMut(&str),
) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = reader
            .read_until(b'\n', &mut bytes)
            .map_err(|error| Failure::failed(format!("cannot read the output: {error}")))?;
        if read == 0 {
            return Ok(());
        }
        see(String::from_utf8_lossy(&bytes).trim_end());
        writer
            .write_all(&bytes)
            .and_then(|()| writer.flush())
            .map_err(|error| cannot_write(&error))?;
    }
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    // An ExitStatus prints itself as "exit status: 1" or "signal: 9 (SIGKILL)".
    Err(Failure::failed(format!(
        "`{}` failed with {status}",
        line(command)
    )))
}

fn cannot_start(command: &Command, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot run `{}`: {error}", line(command)))
}

fn cannot_write(error: &io::Error) -> Failure {
    Failure::failed(format!("cannot write to standard output: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let mut command = Command::new("cargo");
        command.args(["test", "--", "--skip", "it's here", ""]);
        assert_eq!(line(&command), r"cargo test -- --skip 'it'\''s here' ''");
    }

    #[test]
    fn an_unknown_program_is_named() {
        let failure = capture(&mut Command::new("prove-token-no-such-program")).unwrap_err();
        assert!(failure.to_string().contains("prove-token-no-such-program"));
        assert_eq!(find("prove-token-no-such-program"), None);
    }

    #[test]
    fn every_line_is_seen_even_without_a_last_newline() {
        let (mut seen, mut copied) = (Vec::new(), Vec::new());
        let mut see = |line: &str| seen.push(line.to_owned());
        copy_lines(&b"one\r\ntwo"[..], &mut copied, &mut see).unwrap();
        assert_eq!(seen, ["one", "two"]);
        assert_eq!(copied, b"one\r\ntwo");
    }

    #[test]
    fn a_failing_command_is_a_failure() {
        let failure = capture(Command::new("git").args([
            "diff",
            "--no-index",
            "--quiet",
            "Cargo.toml",
            "src/main.rs",
        ]))
        .unwrap_err();
        assert!(failure.to_string().contains("exit"), "{failure}");
    }
}
