//! A token for a request's `Authorization` header.
//!
//! With the local Prove that `prove-token emulator` starts and describes:
//!
//! ```sh
//! cargo run -p prove-token --example quick_start -- http://127.0.0.1:PORT/token emulator-client-id emulator-client-secret
//! ```

use prove_token::{ClientSecret, Endpoint, TokenClient};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what| arguments.next().ok_or(format!("missing: {what}"));
    // With Prove, `Environment::UatUs` stands for the address. A real secret comes from a
    // file or a secret manager, and never from the command line.
    let endpoint: Endpoint = next("the token endpoint")?.parse()?;
    let client_id = next("the client id")?;
    let secret = ClientSecret::new(next("the client secret")?)?;

    let client = TokenClient::builder(endpoint)
        .credentials(client_id, secret)
        .build()?;
    let token = client.access_token().await?;
    let header = token.authorization_header();
    println!(
        "a token for {} s, in a header of {} bytes",
        token.expires_in().as_secs(),
        header.len()
    );
    Ok(())
}
