//! A client secret that a secret manager keeps in a JSON file, and may rotate.

mod arguments;

use std::path::PathBuf;

use prove_token::{
    ClientId, ClientSecret, Credentials, Endpoint, Error, ErrorKind, SecretSource, TokenClient,
};

/// The member `client_secret` of a JSON file. Of the file, only the name may be shown.
#[derive(Debug)]
struct JsonFile(PathBuf);

impl SecretSource for JsonFile {
    /// Names the place, not the content: after a rotation it is the same source.
    fn identity(&self) -> String {
        format!("json:{}", self.0.display())
    }

    /// Called when a token is requested, on a thread where it may block.
    fn read(&self) -> Result<ClientSecret, Error> {
        let problem = |what: &str| {
            let text = format!("the secret file {} {what}", self.0.display());
            Error::new(ErrorKind::SecretSource, text)
                .with_hint("check that the secret manager has written it")
        };
        let text = std::fs::read_to_string(&self.0)
            .map_err(|error| problem("cannot be read").with_source(error))?;
        // Without the parser's own error, whose text could hold a part of the secret.
        let file: serde_json::Value =
            serde_json::from_str(&text).map_err(|_| problem("is not JSON"))?;
        let secret = file["client_secret"].as_str();
        ClientSecret::new(secret.ok_or_else(|| problem("has no \"client_secret\""))?)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [endpoint, client_id, secret_file] =
        arguments::read(["TOKEN_ENDPOINT", "CLIENT_ID", "JSON_FILE"])?;
    let source = JsonFile(secret_file.into());
    let client = TokenClient::builder(endpoint.parse::<Endpoint>()?)
        .credentials_from(Credentials::from_source(ClientId::new(client_id)?, source))
        .build()?;
    let token = client.access_token().await?;
    println!("a token that lives for {:?}", token.lifetime());
    Ok(())
}
