//! Our own client, with an endpoint inside the process or on loopback.

use std::sync::atomic::{AtomicUsize, Ordering};

use prove_token::transport::{Body, Sending, Transport};
use prove_token::{ClientSecret, Endpoint, TokenClient, TokenClientBuilder};

use crate::figure::Outcome;
use crate::meter::at_once;

/// As long as the tokens of Prove's environments.
pub const TOKEN_LENGTH: usize = 900;

/// What stands in a token answer, with a token that differs by `number`.
pub fn answer(number: usize) -> String {
    let token = format!("{number:0>TOKEN_LENGTH$}");
    format!(r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":3600}}"#)
}

/// Answers at once with a new token.
#[derive(Debug, Default)]
pub struct Instantly(AtomicUsize);

impl Transport for Instantly {
    fn send(&self, _: http::Request<Body>) -> Sending<'_> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        let response = http::Response::builder()
            .header("content-type", "application/json")
            .body(Body::new(answer(number)))
            .expect("a valid response");
        Box::pin(std::future::ready(Ok(response)))
    }
}

/// A client of an endpoint inside the process.
pub fn in_process() -> Outcome<TokenClientBuilder> {
    Ok(of("https://token.example.com/token")?.transport(Instantly::default()))
}

/// A client of that endpoint, over the network.
pub fn of(endpoint: &str) -> Outcome<TokenClientBuilder> {
    let endpoint: Endpoint = endpoint.parse()?;
    let secret = ClientSecret::new("bench-secret")?;
    Ok(TokenClient::builder(endpoint).credentials("bench-client", secret))
}

/// Takes so many tokens that are at hand.
pub fn take(client: &TokenClient, calls: u32) {
    for _ in 0..calls {
        let token = at_once(client.access_token()).expect("the token at hand");
        std::hint::black_box(token.value());
    }
}
