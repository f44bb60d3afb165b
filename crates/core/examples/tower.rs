//! Calls to an API by a tower service, here hyper's client. A body is replayed after a
//! 401 if there is a way to copy it.
//!
//! ```sh
//! cargo run -p prove-token --features tower --example tower -- http://127.0.0.1:PORT emulator-client-id emulator-client-secret
//! ```

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use prove_token::authorize::tower::{BearerAuthLayer, CloneBody};
use prove_token::{ClientSecret, Endpoint, TokenClient};
use tower::{Layer as _, ServiceExt as _};

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
    let http = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let service = BearerAuthLayer::new(tokens, api.clone())
        .replay(CloneBody)
        .layer(http);
    let body = r#"{"flowType":"mobile","phoneNumber":"2001001695","ssn":"0596"}"#;
    let request = Request::post(format!("{}/v3/start", api.origin()))
        .header("Content-Type", "application/json")
        .body(Full::from(body))?;
    let answer = service
        .oneshot(request)
        .await
        .map_err(|error| error.to_string())?;
    println!("the API answers with status {}", answer.status().as_u16());
    Ok(())
}
