//! Every request of a reqwest client carries a token, and is replayed with another one
//! when the API rejects it.

mod arguments;

use prove_token::authorize::reqwest_middleware::BearerAuth;
use prove_token::{ClientSecret, Endpoint, TokenClient};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [endpoint, api, client_id, secret_file] =
        arguments::read(["TOKEN_ENDPOINT", "API_BASE", "CLIENT_ID", "SECRET_FILE"])?;
    let endpoint: Endpoint = endpoint.parse()?;
    let api: Endpoint = api.parse()?; // for Prove: `Environment::UatUs.api_base()`
    let secret = ClientSecret::new(std::fs::read_to_string(secret_file)?)?;
    let tokens = TokenClient::builder(endpoint)
        .credentials(client_id, secret)
        .build()?;

    let http = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()?;
    let client = reqwest_middleware::ClientBuilder::new(http)
        .with(BearerAuth::new(tokens, api.clone()))
        .build();

    let answer = client
        .post(api.join("v3/start")?.as_str())
        .header(CONTENT_TYPE, "application/json")
        .body(r#"{"flowType":"mobile","phoneNumber":"2001001695","ssn":"0596"}"#)
        .send()
        .await?
        .error_for_status()?;
    println!("the API answered {}", answer.status());
    Ok(())
}
