//! Questions to a person at the terminal: asked on standard error, answered on the
//! terminal that standard input is, and never part of the result.

mod terminal;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use prove_token::ClientSecret;
use zeroize::Zeroizing;

use self::terminal::Terminal;
use crate::command::Context;
use crate::console::Console;
use crate::failure::Failure;
use crate::printable::one_line;
use crate::session;

/// SIGINT, which Ctrl-C sends.
const INTERRUPT: u8 = 2;

/// Somebody who can be asked.
#[derive(Debug)]
pub(crate) struct Prompt {
    console: Arc<Console>,
}

/// One of several answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice<'t> {
    /// What may be typed in place of its number.
    pub(crate) word: &'t str,
    /// What it means, in a line.
    pub(crate) meaning: &'t str,
}

impl Prompt {
    /// Somebody to ask, if there is a terminal and `--no-input` is not given.
    pub(crate) fn find(context: &Context) -> Option<Self> {
        let is_there = io::stdin().is_terminal() && io::stderr().is_terminal();
        (is_there && !context.global.no_input).then_some(Self {
            console: Arc::clone(&context.console),
        })
    }

    /// A line of text that `accept` makes something of; otherwise its reason is told and
    /// the question is asked again. An empty line stands for `default`.
    pub(crate) fn line<T>(
        &self,
        question: &str,
        default: Option<&str>,
        accept: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let shown = match default {
            Some(default) => format!("{question} [{default}]: "),
            None => format!("{question}: "),
        };
        loop {
            let typed = self.typed(&shown)?;
            let answer = match (typed.trim(), default) {
                ("", Some(default)) => default,
                (answer, _) => answer,
            };
            match accept(answer) {
                Ok(accepted) => return Ok(accepted),
                Err(reason) => self.refuse(&reason),
            }
        }
    }

    /// The index of one of `choices`, by its number or its word. An empty line stands for
    /// the one at `default`.
    pub(crate) fn choice(
        &self,
        question: &str,
        choices: &[Choice<'_>],
        default: Option<usize>,
    ) -> Result<usize, Failure> {
        self.console.say(question);
        let width = choices.iter().map(|choice| choice.word.len()).max();
        let width = width.unwrap_or(0);
        for (index, Choice { word, meaning }) in choices.iter().enumerate() {
            let number = index + 1;
            let line = format!("  {number}  {word:width$}  {meaning}");
            self.console.say(line.trim_end());
        }
        let default = default.map(|index| (index + 1).to_string());
        self.line("Number or name", default.as_deref(), |typed| {
            let by_word = choices.iter().position(|choice| choice.word == typed);
            let number = typed.parse::<usize>().ok();
            let by_number = number.and_then(|number| number.checked_sub(1));
            by_word
                .or(by_number.filter(|index| *index < choices.len()))
                .ok_or_else(|| format!("type a number from 1 to {}, or a name", choices.len()))
        })
    }

    /// Yes or no. An empty line stands for `default`.
    pub(crate) fn confirm(&self, question: &str, default: bool) -> Result<bool, Failure> {
        let answers = if default { "Y/n" } else { "y/N" };
        self.line(
            &format!("{question} [{answers}]"),
            None,
            |typed| match typed.to_ascii_lowercase().as_str() {
                "" => Ok(default),
                "y" | "yes" => Ok(true),
                "n" | "no" => Ok(false),
                _ => Err("type y or n".to_owned()),
            },
        )
    }

    /// A client secret, which does not show while it is typed.
    pub(crate) fn secret(&self, question: &str) -> Result<ClientSecret, Failure> {
        loop {
            let shown = format!("{question} (it does not show): ");
            let read = || rpassword::read_password().map(Zeroizing::new);
            let typed = self.answered(&shown, Terminal::hide(), read)?;
            // Pasted with the space beside it, it would be answered with a bare 401.
            match ClientSecret::new(typed.trim()) {
                Ok(secret) => return Ok(secret),
                Err(error) => self.refuse(&error.to_string()),
            }
        }
    }

    fn typed(&self, question: &str) -> Result<String, Failure> {
        self.answered(question, Terminal::remember(), || {
            let mut line = String::new();
            match io::stdin().read_line(&mut line)? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => Ok(line),
            }
        })
    }

    /// What `read` reads. A signal ends the question, and the command with it: `terminal`
    /// is then as it was before. From the moment the question is seen, all that holds.
    fn answered<T: Send + 'static>(
        &self,
        question: &str,
        terminal: Terminal,
        read: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let (console, question) = (Arc::clone(&self.console), question.to_owned());
        let answer = session::blocking(None, move || {
            console.ask(&question);
            read()
        });
        drop(terminal);
        let failure = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => match error.kind() {
                // Ctrl-C, where it does not come as a signal.
                io::ErrorKind::Interrupted => Failure::interrupted(INTERRUPT),
                io::ErrorKind::UnexpectedEof => Failure::usage("the input ended at a question")
                    .hint("--help names the flags that answer it"),
                kind => Failure::usage(format!("the answer cannot be read: {kind}")),
            },
            Err(failure) => failure,
        };
        // The question's line is still open.
        self.console.ask("\n");
        Err(failure)
    }

    fn refuse(&self, reason: &str) {
        self.console.say(&format!("  {}", one_line(reason)));
    }
}
