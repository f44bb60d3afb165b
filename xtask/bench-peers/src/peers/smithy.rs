//! The identity cache of the AWS SDK, with an identity made in the process.

use std::time::{Duration, SystemTime};

use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime_api::client::identity::http::Token;
use aws_smithy_runtime_api::client::identity::{
    Identity, IdentityFuture, ResolveCachedIdentity, ResolveIdentity, SharedIdentityCache,
    SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use aws_smithy_types::config_bag::ConfigBag;

use crate::figure::Outcome;
use crate::meter::at_once;
use crate::ours::TOKEN_LENGTH;

pub struct Smithy {
    cache: SharedIdentityCache,
    resolver: SharedIdentityResolver,
    components: RuntimeComponents,
    config: ConfigBag,
}

#[derive(Debug)]
struct Instantly;

impl ResolveIdentity for Instantly {
    fn resolve_identity<'a>(
        &'a self,
        _: &'a RuntimeComponents,
        _: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        let end = Some(SystemTime::now() + Duration::from_secs(3600));
        let token = Token::new("x".repeat(TOKEN_LENGTH), end);
        IdentityFuture::ready(Ok(Identity::new(token, end)))
    }
}

impl Smithy {
    pub async fn new() -> Outcome<Self> {
        let components = RuntimeComponentsBuilder::for_tests()
            .with_time_source(Some(SystemTimeSource::new()))
            .with_sleep_impl(Some(TokioSleep::new()))
            .build()?;
        let smithy = Self {
            cache: IdentityCache::lazy().build(),
            resolver: SharedIdentityResolver::new(Instantly),
            components,
            config: ConfigBag::base(),
        };
        let resolver = smithy.resolver.clone();
        let cached =
            smithy
                .cache
                .resolve_cached_identity(resolver, &smithy.components, &smithy.config);
        cached.await.map_err(|error| error.to_string())?;
        Ok(smithy)
    }

    pub fn take(&self, calls: u32) {
        for _ in 0..calls {
            let cached = self.cache.resolve_cached_identity(
                self.resolver.clone(),
                &self.components,
                &self.config,
            );
            let identity = at_once(cached).expect("the identity at hand");
            let token: &Token = identity.data().expect("the type it was made with");
            std::hint::black_box(token.token());
        }
    }
}
