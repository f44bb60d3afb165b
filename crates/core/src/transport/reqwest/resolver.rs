//! Host names to addresses.

use std::error::Error as StdError;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Resolves names with the system's resolver, but `localhost` without asking
/// anybody: the exemption from https rests on its being loopback.
#[derive(Debug)]
pub(super) struct Resolver;

#[derive(Debug)]
pub(super) struct ResolveError;

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host name could not be resolved")
    }
}

impl StdError for ResolveError {}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            if name.as_str().eq_ignore_ascii_case("localhost") {
                let both = [
                    IpAddr::V4(Ipv4Addr::LOCALHOST),
                    IpAddr::V6(Ipv6Addr::LOCALHOST),
                ];
                let addresses: Addrs = Box::new(both.into_iter().map(|ip| SocketAddr::new(ip, 0)));
                return Ok(addresses);
            }
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let addresses: Vec<_> = found.map_err(|_| ResolveError)?.collect();
            if addresses.is_empty() {
                return Err(ResolveError.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
