//! Threads without an async runtime share one client.

mod arguments;

use std::process::ExitCode;
use std::thread;

use prove_token::blocking::TokenClient;
use prove_token::{ClientSecret, Endpoint, Error};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let [endpoint, client_id, secret_file] =
        arguments::read(["TOKEN_ENDPOINT", "CLIENT_ID", "SECRET_FILE"])?;
    let endpoint: Endpoint = endpoint.parse()?;
    let secret = ClientSecret::new(std::fs::read_to_string(secret_file)?)?;
    let client = prove_token::TokenClient::builder(endpoint)
        .credentials(client_id, secret)
        .build_blocking()?;

    // All ask at once, and one request is sent.
    let work = || work(&client);
    let outcomes: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect()
    });
    for outcome in outcomes {
        if let Err(error) = outcome.expect("no worker panics") {
            eprintln!("{error}; {}", error.hint().unwrap_or("try again"));
            return Ok(ExitCode::FAILURE);
        }
    }
    println!("four threads have worked");
    Ok(ExitCode::SUCCESS)
}

fn work(client: &TokenClient) -> Result<(), Error> {
    let token = client.access_token()?;
    // Here the API is called with this header, by a client that blocks as well.
    let _authorization = token.authorization_header();
    Ok(())
}
