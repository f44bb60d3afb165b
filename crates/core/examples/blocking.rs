//! Tokens for threads without an async runtime: eight of them, one request.
//!
//! ```sh
//! cargo run -p prove-token --example blocking -- http://127.0.0.1:PORT/token emulator-client-id emulator-client-secret
//! ```

use std::thread;

use prove_token::{ClientSecret, Endpoint, TokenClient};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what| arguments.next().ok_or(format!("missing: {what}"));
    let endpoint: Endpoint = next("the token endpoint")?.parse()?;
    let client_id = next("the client id")?;
    let secret = ClientSecret::new(next("the client secret")?)?;

    let client = TokenClient::builder(endpoint)
        .credentials(client_id, secret)
        .build_blocking()?;
    let ends = thread::scope(|scope| {
        let ask = || client.access_token().map(|token| token.expires_at());
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        let ends = threads
            .into_iter()
            .map(|thread| thread.join().expect("no thread panics"));
        ends.collect::<Result<Vec<_>, _>>()
    })?;
    let is_one = ends.iter().all(|end| *end == ends[0]);
    println!("{} threads, the same token: {is_one}", ends.len());
    Ok(())
}
