//! Asks a token endpoint for a token in a process of its own, so that a test can
//! choose the environment variables.
//!
//! The argument is the address; standard input holds the certificates to trust.
//! Standard output gets `granted`, or the kind of the error.

use std::io::{self, Read as _};
use std::process::ExitCode;

use prove_token_tests::client;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(address) = std::env::args().nth(1) else {
        return fail("the address of the token endpoint is missing");
    };
    let mut trusted = String::new();
    if let Err(error) = io::stdin().read_to_string(&mut trusted) {
        return fail(&error.to_string());
    }
    let client = address
        .parse()
        .and_then(|endpoint| client::builder(endpoint).ca_certificates(trusted).build());
    let outcome = match client {
        Ok(client) => client.access_token().await,
        Err(error) => return fail(&error.to_string()),
    };
    println!(
        "{}",
        outcome.map_or_else(|error| error.kind().as_str(), |_| "granted")
    );
    ExitCode::SUCCESS
}

fn fail(problem: &str) -> ExitCode {
    eprintln!("{problem}");
    ExitCode::from(2)
}
