//! One of several processes that share a store: asks a token endpoint for a token, and
//! says what it got.
//!
//! Arguments: the address, the folder of the store. Standard output gets `asking`, and
//! then `granted` with the end of the token's life (in milliseconds since 1970, which
//! tells tokens apart), or the kind of the error. It ends when its standard input does.

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    unix::main()
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod unix {
    use std::io::Read as _;
    use std::process::ExitCode;
    use std::time::{Duration, UNIX_EPOCH};

    use prove_token::store::FileStore;
    use prove_token::{Endpoint, Error, RenewalPolicy, RetryPolicy, TokenClient};
    use prove_token_tests::client;

    pub(super) fn main() -> ExitCode {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let [address, folder] = &arguments[..] else {
            eprintln!("two arguments: an address and a folder");
            return ExitCode::from(2);
        };
        match build(address, folder) {
            Ok(client) => {
                ask(client);
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("{error}");
                ExitCode::from(2)
            }
        }
    }

    /// One request a flight; failures count long enough for the slowest machine.
    fn build(address: &str, folder: &str) -> Result<TokenClient, Error> {
        let minute = Duration::from_secs(60);
        let renewal = RenewalPolicy::default()
            .failure_pause(minute, minute)
            .rejection_pause(minute, minute, minute);
        TokenClient::builder(address.parse::<Endpoint>()?)
            .credentials_from(client::credentials())
            .retry(
                RetryPolicy::default()
                    .attempts(1)
                    .attempt_timeout(minute)
                    .flight_timeout(minute),
            )
            .renewal(renewal)
            .store(FileStore::new(folder))
            .build()
    }

    fn ask(client: TokenClient) {
        let client = prove_token::blocking::TokenClient::new(client);
        println!("asking");
        let limit = prove_token::CallOptions::new().max_wait(Duration::from_secs(60));
        match client.access_token_with_options(None, limit) {
            Ok(token) => {
                let ends = token.expires_at().duration_since(UNIX_EPOCH);
                let ends = ends.expect("tokens end after 1970").as_millis();
                println!("granted until {ends}");
            }
            Err(error) => println!("{}", error.kind().as_str()),
        }
        // What it holds is still held, until it is told to end.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
    }
}
