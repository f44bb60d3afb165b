//! One client asks in the name of many tenants, each with credentials of its own.

mod arguments;

use prove_token::{
    AccessTokenRequest, ClientId, ClientSecret, Credentials, Endpoint, Error, TokenClient,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [endpoint, first, first_file, second, second_file] = arguments::read([
        "TOKEN_ENDPOINT",
        "FIRST_CLIENT_ID",
        "FIRST_SECRET_FILE",
        "SECOND_CLIENT_ID",
        "SECOND_SECRET_FILE",
    ])?;
    // Without credentials of its own: every request brings some.
    let client = TokenClient::builder(endpoint.parse::<Endpoint>()?).build()?;
    let tenants = [
        tenant(&first, &std::fs::read_to_string(first_file)?)?,
        tenant(&second, &std::fs::read_to_string(second_file)?)?,
    ];

    // The second round comes from the cache, where each tenant has a token.
    for _ in 0..2 {
        for (number, request) in tenants.iter().enumerate() {
            let token = client.access_token_with(request).await?;
            println!(
                "tenant {number}: a token that lives for {:?}",
                token.lifetime()
            );
        }
    }
    Ok(())
}

fn tenant(client_id: &str, secret: &str) -> Result<AccessTokenRequest, Error> {
    let credentials = Credentials::new(ClientId::new(client_id)?, ClientSecret::new(secret)?);
    Ok(AccessTokenRequest::new().credentials(credentials))
}
