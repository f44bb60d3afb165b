//! From a profile to a token client: the last step, the same for every front
//! end.

#[cfg(unix)]
use prove_token::store::FileStore;
use prove_token::transport::{HttpTransport, HttpTransportBuilder, Transport};
use prove_token::{ClientId, ClientSecret, Credentials, Endpoint, TokenClient, TokenClientBuilder};

use crate::address::Target;
use crate::error::{Error, Problem};
use crate::profile::Profile;

impl Profile {
    /// This profile with the addresses and the public credentials of the emulator
    /// at `url`, which the front end started or found running.
    ///
    /// # Errors
    ///
    /// `Configuration` if `url` is not the address of an emulator.
    pub fn at_emulator(
        mut self,
        url: &Endpoint,
        client_id: ClientId,
        secret: ClientSecret,
    ) -> Result<Self, Error> {
        let endpoint = url
            .join("token")
            .map_err(|error| Problem::new(error.to_string()))?;
        self.target = Target::Emulator {
            url: Some(url.clone()),
        };
        self.token_endpoint = Some(endpoint);
        self.api_base = Some(url.clone());
        self.credentials = Some(Credentials::new(client_id, secret));
        Ok(self)
    }

    /// A builder with everything that the profile says; a front end adds its
    /// event hook and builds it. What is kept in files is kept by the client; that
    /// nothing is to be kept at all ([`Store::None`](crate::Store::None)) is for the
    /// front end to observe, by
    /// [`request_access_token`](TokenClient::request_access_token). `transport` is what [`transport`](Self::transport)
    /// built, in an `Arc` if API calls are to share its connections.
    ///
    /// # Errors
    ///
    /// `Configuration` if the profile is the emulator's and was not given to
    /// [`at_emulator`](Self::at_emulator).
    pub fn client_builder(&self, transport: impl Transport) -> Result<TokenClientBuilder, Error> {
        let endpoint = self.token_endpoint.clone().ok_or_else(|| {
            Problem::new("the emulator of this profile is not running")
                .with_hint("start it with prove-token emulator and set PROVE_EMULATOR")
        })?;
        let mut builder = TokenClient::builder(endpoint)
            .client_authentication(self.client_authentication)
            .request(self.request.clone())
            .accept_narrower_scope(self.accept_narrower_scope)
            .renewal(self.renewal.clone())
            .retry(self.retry.clone())
            .request_budget(self.budget.clone())
            .transport(transport);
        #[cfg(unix)]
        if let Some(folder) = &self.cache_folder {
            builder = builder.store(FileStore::new(folder));
        }
        if let Some(credentials) = &self.credentials {
            builder = builder.credentials_from(credentials.clone());
        }
        Ok(builder)
    }

    /// A transport with the profile's CA file, proxy and connect time-out: for
    /// the token request, and for calls to the API with the rules that guard it.
    /// Each call reads the CA file.
    ///
    /// # Errors
    ///
    /// `Configuration` if the CA file cannot be read.
    pub fn transport(&self) -> Result<HttpTransportBuilder, Error> {
        let mut builder = HttpTransport::builder().connect_timeout(self.timeouts.connect);
        if let Some(pem) = self.ca_certificates()? {
            builder = builder.ca_certificates(pem);
        }
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.clone());
        }
        Ok(builder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;
    use crate::overrides::Overrides;
    use crate::setting::EnvironmentName;

    const CANARY: &str = "canary-c1";

    /// What a front end does.
    fn builder(profile: &Profile) -> Result<TokenClientBuilder, Error> {
        profile.client_builder(profile.transport()?.build())
    }

    #[test]
    fn the_certificates_are_read_for_the_transport_alone() {
        let overrides = Overrides {
            ca_file: Some("/none/ca.pem".into()),
            ..Overrides::default()
        };
        let env: Env = [("PROVE_CLIENT_ID", "id"), ("PROVE_CLIENT_SECRET", CANARY)]
            .into_iter()
            .collect();
        let profile = Profile::from_config(&overrides, &env, None).unwrap();
        assert!(profile.transport().is_err());
        let given = HttpTransport::builder().build();
        assert!(profile.client_builder(given).unwrap().build().is_ok());
    }

    #[test]
    fn every_profile_makes_a_client() {
        let env: Env = [("PROVE_CLIENT_ID", "id"), ("PROVE_CLIENT_SECRET", CANARY)]
            .into_iter()
            .collect();
        let profile = Profile::from_config(&Overrides::default(), &env, None).unwrap();
        let builder = builder(&profile).unwrap();
        assert!(!format!("{builder:?}").contains(CANARY));
        assert!(builder.build().is_ok());
    }

    #[test]
    fn the_emulator_needs_an_address_first() {
        let overrides = Overrides {
            environment: Some(EnvironmentName::Emulator),
            ..Overrides::default()
        };
        let profile = Profile::from_config(&overrides, &Env::default(), None).unwrap();
        let error = builder(&profile).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the emulator of this profile is not running"
        );
        let url: Endpoint = "http://127.0.0.1:8123".parse().unwrap();
        let id = ClientId::new("id").unwrap();
        let secret = ClientSecret::new(CANARY).unwrap();
        let running = profile.at_emulator(&url, id, secret).unwrap();
        assert_eq!(running.api_base.as_ref(), Some(&url));
        assert!(builder(&running).unwrap().build().is_ok());
        assert!(!format!("{running:?}").contains(CANARY));
    }

    /// The core has the same ranges: what this crate accepts must build.
    #[test]
    fn the_ends_of_the_ranges_are_accepted_by_the_core() {
        use crate::duration::TIMEOUT_RANGE;
        let env: Env = [("PROVE_CLIENT_ID", "id"), ("PROVE_CLIENT_SECRET", "s")]
            .into_iter()
            .collect();
        for timeout in [TIMEOUT_RANGE.start(), TIMEOUT_RANGE.end()] {
            let overrides = Overrides {
                connect_timeout: Some(*timeout),
                attempt_timeout: Some(*timeout),
                flight_timeout: Some(*timeout),
                ..Overrides::default()
            };
            let profile = Profile::from_config(&overrides, &env, None).unwrap();
            assert!(builder(&profile).unwrap().build().is_ok());
        }
    }
}
