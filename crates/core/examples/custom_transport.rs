//! Token requests through a gateway that wants a key of its own: a transport around the
//! usual one.

mod arguments;

use http::HeaderValue;
use prove_token::transport::{Body, HttpTransport, Sending, Transport};
use prove_token::{ClientSecret, Endpoint, TokenClient};

/// `Debug` does not show the key, because the header is marked sensitive.
#[derive(Debug)]
struct Gateway {
    key: HeaderValue,
    http: HttpTransport,
}

impl Gateway {
    fn new(key: &str) -> Result<Self, http::header::InvalidHeaderValue> {
        let mut key = HeaderValue::from_str(key.trim_end())?;
        key.set_sensitive(true);
        let http = HttpTransport::builder().build();
        Ok(Self { key, http })
    }
}

impl Transport for Gateway {
    fn send(&self, mut request: http::Request<Body>) -> Sending<'_> {
        let headers = request.headers_mut();
        headers.insert("x-gateway-key", self.key.clone());
        self.http.send(request)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [endpoint, client_id, secret_file, key_file] =
        arguments::read(["TOKEN_ENDPOINT", "CLIENT_ID", "SECRET_FILE", "KEY_FILE"])?;
    let secret = ClientSecret::new(std::fs::read_to_string(secret_file)?)?;
    let gateway = Gateway::new(&std::fs::read_to_string(key_file)?)?;
    let client = TokenClient::builder(endpoint.parse::<Endpoint>()?)
        .credentials(client_id, secret)
        .transport(gateway)
        .build()?;
    let token = client.access_token().await?;
    println!("a token that lives for {:?}", token.lifetime());
    Ok(())
}
