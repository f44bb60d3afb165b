//! What the terminal can show.

use prove_token_config::Env;

/// Where nobody says how wide a line may be.
const USUAL_WIDTH: usize = 80;

/// The least room for a sentence; a narrower terminal breaks lines by itself.
const NARROW: usize = 24;

/// What text for people is written on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    /// The columns of a line.
    pub(crate) width: usize,
    /// Whether characters beyond ASCII arrive.
    pub(crate) unicode: bool,
}

impl Page {
    /// Standard output.
    pub(crate) fn of(env: &Env) -> Self {
        Self {
            width: width(),
            unicode: shows_unicode(env),
        }
    }

    /// Adds `words` to `text` behind `head`, which takes `indent` columns; further lines
    /// stand below the first word.
    pub(crate) fn paragraph(self, head: &str, indent: usize, words: &str, text: &mut String) {
        let room = match self.width.saturating_sub(indent) {
            room if room < NARROW => usize::MAX,
            room => room,
        };
        text.push_str(head);
        let mut column = 0;
        for word in words.split(' ') {
            let length = word.chars().count();
            if column > 0 && column + 1 + length > room {
                text.push_str(&format!("\n{:indent$}", ""));
                column = 0;
            }
            if column > 0 {
                text.push(' ');
                column += 1;
            }
            text.push_str(word);
            column += length;
        }
        text.push('\n');
    }
}

/// The columns of the terminal at standard output; 80 if it does not say, without limit
/// if there is none: a pipe has no edge.
fn width() -> usize {
    if !std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        return usize::MAX;
    }
    let size = terminal_size::terminal_size_of(std::io::stdout());
    let width = size.map_or(0, |(terminal_size::Width(columns), _)| columns);
    match width {
        0 => USUAL_WIDTH,
        columns => usize::from(columns),
    }
}

/// Whether characters beyond ASCII arrive as they are: by the locale, as programs in C
/// decide it, and not on a terminal that calls itself dumb.
pub(crate) fn shows_unicode(env: &Env) -> bool {
    let is_dumb = env.var_os("TERM").is_some_and(|term| term == "dumb");
    if cfg!(windows) {
        return !is_dumb;
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(|name| env.var_os(name))
        .find(|value| !value.is_empty());
    let is_utf8 = locale.and_then(|name| name.to_str()).is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        name.ends_with("utf-8") || name.ends_with("utf8")
    });
    is_utf8 && !is_dumb
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_locale_decides() {
        for (variables, shows) in [
            (&[("LANG", "de_DE.UTF-8")][..], true),
            (&[("LANG", "C.utf8"), ("TERM", "xterm")], true),
            (&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")], false),
            (&[("LANG", "en_US.UTF-8"), ("LC_ALL", "")], true),
            (&[("LANG", "en_US.UTF-8"), ("TERM", "dumb")], false),
            (&[], false),
        ] {
            let env: Env = variables.iter().copied().collect();
            assert_eq!(shows_unicode(&env), shows, "{variables:?}");
        }
    }
}
