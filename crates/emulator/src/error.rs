//! Why an emulator could not start.

use std::io;

/// Why an emulator could not start.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] Kind);

#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error(
        "cannot listen on 127.0.0.1:{port} ({}); choose another port, or 0 for any free one",
        source.kind()
    )]
    Listen { port: u16, source: io::Error },
    #[error("cannot start the emulator's thread ({})", .0.kind())]
    Thread(#[source] io::Error),
    #[error("client {position} has no {what}; give every client an id and a secret")]
    EmptyClient { position: usize, what: &'static str },
    #[error("client {position} repeats the id of an earlier one; give every client its own")]
    RepeatedClient { position: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_where_and_what_to_do() {
        let error = Error::from(Kind::Listen {
            port: 80,
            source: io::ErrorKind::AddrInUse.into(),
        });
        assert_eq!(
            error.to_string(),
            "cannot listen on 127.0.0.1:80 (address in use); choose another port, or 0 for any free one"
        );
    }
}
