//! A broker for one program: on a loopback port that nobody knows, for whoever has a key
//! that only that program is told.

use std::net::Ipv4Addr;

use prove_token::ErrorKind;
use prove_token_config::{
    Caller, Env, HandsOut, Identity, ListenAddress, Profile, ServiceSettings,
};

use crate::failure::Failure;
use crate::key::Key;
use crate::plan::refused;
use crate::service::{Running, Service};

/// The name of the one caller.
const CALLER: &str = "program";

/// A service with one profile and one caller, by the rules of every service. It ends when
/// this is dropped, and what it handed out is worth nothing then.
#[derive(Debug)]
pub struct Broker {
    running: Running,
    key: Key,
    profile: String,
    has_api: bool,
}

impl Broker {
    /// Listens on a port that the system chooses, on the runtime that this is called on,
    /// and returns when there is a first token of `profile`: that one is renewed for as
    /// long as the broker is there.
    ///
    /// # Errors
    ///
    /// `Configuration` if the profile's secret file is not safe, or if the caller is to
    /// get no token and the profile has no API to call instead; otherwise why there is no
    /// token.
    pub async fn open(profile: Profile, hands_out: HandsOut, env: &Env) -> Result<Self, Failure> {
        // That of an emulator comes with the emulator.
        let has_api = profile.api_base.is_some() || profile.target.is_emulator();
        if hands_out == HandsOut::Proxy && !has_api {
            return Err(refused(format!(
                "the profile {} has no API base, and a broker that hands out no token is for \
                 calls to the API",
                profile.name
            ))
            .hint("give --api-base (api_base in the profile), or --hands-out token"));
        }
        let (key, name) = (Key::random()?, profile.name.clone());
        let mut caller = Caller::new(CALLER, Identity::KeyHash(key.hash()), vec![name.clone()]);
        caller.hands_out = hands_out;
        let mut settings = ServiceSettings::default();
        let anywhere = (Ipv4Addr::LOCALHOST, 0).into();
        settings.listen = vec![ListenAddress::Tcp(anywhere)];
        settings.callers = vec![caller];
        let service = Service::new(settings, vec![profile], env)?.without_state();
        let running = service.start().await?;
        running.first_tokens().await?;
        Ok(Self {
            running,
            key,
            profile: name,
            has_api,
        })
    }

    /// Where it listens: below this are the paths of every service.
    ///
    /// # Errors
    ///
    /// `Internal` if it listens nowhere.
    pub fn url(&self) -> Result<String, Failure> {
        let address = self.running.addresses().first();
        let none = || Failure::new(ErrorKind::Internal, "the broker listens nowhere");
        Ok(format!("http://{}", address.ok_or_else(none)?))
    }

    /// The path below which the API is, with the token added; `None` if the profile has no
    /// API.
    pub fn api_path(&self) -> Option<String> {
        self.has_api.then(|| format!("/proxy/{}", self.profile))
    }

    /// The path of the token endpoint.
    pub fn token_path(&self) -> &'static str {
        "/token"
    }

    /// The client id at the token endpoint.
    pub fn client_id(&self) -> &'static str {
        CALLER
    }

    /// The client secret at the token endpoint, and the bearer at every other path. It is
    /// for one program: who has it has the tokens.
    pub fn key(&self) -> &str {
        self.key.text()
    }
}

#[cfg(test)]
mod tests {
    use prove_token_config::{EnvironmentName, Overrides};

    use super::*;

    fn profile() -> Profile {
        let overrides = Overrides {
            environment: Some(EnvironmentName::Emulator),
            ..Overrides::default()
        };
        Profile::resolve(&overrides, &Env::default()).unwrap()
    }

    #[tokio::test]
    async fn it_shows_neither_key_nor_token_and_keeps_no_file() {
        let home = tempfile::tempdir().unwrap();
        let at = home.path().to_str().unwrap();
        let env: Env = [("HOME", at), ("STATE_DIRECTORY", at)]
            .into_iter()
            .collect();
        let broker = Broker::open(profile(), HandsOut::Proxy, &env)
            .await
            .unwrap();
        let shown = format!("{broker:?}");
        assert!(
            !shown.contains(broker.key()) && !shown.contains("eyJ"),
            "{shown}"
        );
        assert!(shown.contains("Key([redacted])"), "{shown}");
        assert_eq!(broker.api_path().unwrap(), "/proxy/flags");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn each_has_a_key_and_a_port_of_its_own() {
        let env = Env::default();
        let open = || Broker::open(profile(), HandsOut::Token, &env);
        let (one, other) = (open().await.unwrap(), open().await.unwrap());
        assert_ne!(one.key(), other.key());
        assert_ne!(one.url().unwrap(), other.url().unwrap());
        assert!(one.url().unwrap().starts_with("http://127.0.0.1:"));
    }
}
