//! A token for every request that goes through a tower service, here one that sends by
//! reqwest.

mod arguments;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use prove_token::authorize::tower::{BearerAuthLayer, CloneBody};
use prove_token::{ClientSecret, Endpoint, TokenClient};
use reqwest::redirect::Policy;
use tower::{Layer, Service, ServiceExt};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let [endpoint, api, client_id, secret_file] =
        arguments::read(["TOKEN_ENDPOINT", "API_BASE", "CLIENT_ID", "SECRET_FILE"])?;
    let endpoint: Endpoint = endpoint.parse()?;
    let api: Endpoint = api.parse()?; // for Prove: `Environment::UatUs.api_base()`
    let secret = ClientSecret::new(std::fs::read_to_string(secret_file)?)?;
    let tokens = TokenClient::builder(endpoint)
        .credentials(client_id, secret)
        .build()?;

    // What follows redirects belongs outside of the layer, so reqwest must not.
    let http = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()?;
    let send = tower::service_fn(move |request: Request<Bytes>| {
        let http = http.clone();
        async move {
            let answer = http.execute(request.try_into()?).await?;
            Ok::<_, reqwest::Error>(Response::<reqwest::Body>::from(answer))
        }
    });
    // `Bytes` are a whole body, so a clone of them can be sent again.
    let mut service = BearerAuthLayer::new(tokens, api.clone())
        .replay(CloneBody)
        .layer(send);

    let request = Request::post(api.join("v3/start")?.as_str())
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from_static(
            br#"{"flowType":"mobile","phoneNumber":"2001001695","ssn":"0596"}"#,
        ))?;
    let answer = service.ready().await?.call(request).await?;
    println!("the API answered {}", answer.status());
    Ok(())
}
