//! The shortest way to a token.

mod arguments;

use prove_token::{ClientSecret, Endpoint, TokenClient};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [endpoint, client_id, secret_file] =
        arguments::read(["TOKEN_ENDPOINT", "CLIENT_ID", "SECRET_FILE"])?;
    let endpoint: Endpoint = endpoint.parse()?; // for Prove: `Environment::UatUs` and the like
    let secret = ClientSecret::new(std::fs::read_to_string(secret_file)?)?;

    let client = TokenClient::builder(endpoint)
        .credentials(client_id, secret)
        .build()?;
    let token = client.access_token().await?;

    // `token.authorization_header()` is for the request. The token itself is not shown.
    println!("a token that lives for {:?}", token.lifetime());
    Ok(())
}
