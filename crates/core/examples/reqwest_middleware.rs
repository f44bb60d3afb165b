//! Calls to an API by reqwest: the token is put in, and renewed when the API rejects it.
//!
//! ```sh
//! cargo run -p prove-token --features reqwest-middleware --example reqwest_middleware -- http://127.0.0.1:PORT emulator-client-id emulator-client-secret
//! ```

use prove_token::authorize::reqwest_middleware::BearerAuth;
use prove_token::{ClientSecret, Endpoint, TokenClient};
use reqwest_middleware::ClientBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what| arguments.next().ok_or(format!("missing: {what}"));
    let api: Endpoint = next("the API's base address")?.parse()?;
    let client_id = next("the client id")?;
    let secret = ClientSecret::new(next("the client secret")?)?;

    let tokens = TokenClient::builder(api.join("token")?)
        .credentials(client_id, secret)
        .build()?;
    // The API answers where it is asked: nothing is to be followed.
    let http = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let client = ClientBuilder::new(http)
        .with(BearerAuth::new(tokens, api.clone()))
        .build();
    let answer = client
        .post(format!("{}/v3/start", api.origin()))
        .header("Content-Type", "application/json")
        .body(r#"{"flowType":"mobile","phoneNumber":"2001001695","ssn":"0596"}"#)
        .send()
        .await?;
    println!("the API answers with status {}", answer.status().as_u16());
    Ok(())
}
