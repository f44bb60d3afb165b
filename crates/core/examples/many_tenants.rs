//! One client for many tenants: each request brings its own credentials, and has a token
//! of its own.
//!
//! ```sh
//! cargo run -p prove-token --example many_tenants -- http://127.0.0.1:PORT/token emulator-client-id emulator-client-secret
//! ```

use prove_token::{
    AccessTokenRequest, ClientId, ClientSecret, Credentials, Endpoint, RequestBudget, TokenClient,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what| arguments.next().ok_or(format!("missing: {what}"));
    let endpoint: Endpoint = next("the token endpoint")?.parse()?;
    // Here all tenants have the same credentials, and are told apart by their audience.
    let id = ClientId::new(next("the client id")?)?;
    let secret = ClientSecret::new(next("the client secret")?)?;
    let credentials = Credentials::new(id, secret);

    let client = TokenClient::builder(endpoint)
        .max_tokens(50_000)
        .request_budget(RequestBudget::per_second(20)?)
        .build()?;
    // Made once and kept: a request remembers its place in the cache.
    let tenants: Vec<_> = ["red", "green", "blue"]
        .into_iter()
        .map(|tenant| {
            AccessTokenRequest::new()
                .credentials(credentials.clone())
                .audience(format!("https://{tenant}.example.com"))
        })
        .collect();
    let mut tokens = Vec::new();
    for request in tenants.iter().cycle().take(300) {
        tokens.push(client.access_token_with(request).await?.value().to_owned());
    }
    tokens.sort();
    tokens.dedup();
    println!(
        "300 calls for {} tenants, {} tokens",
        tenants.len(),
        tokens.len()
    );
    Ok(())
}
