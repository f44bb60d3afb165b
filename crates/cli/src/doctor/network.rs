//! Names to addresses, and addresses to connections.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use http::Uri;
use prove_token::ErrorKind;
use tokio::net::{TcpStream, lookup_host};

use super::finding::{Check, Finding};
use super::limit::{Cut, Limit};
use crate::times::brief;

pub(super) const DNS: Check = Check::new("network.dns", "name");
pub(super) const TCP: Check = Check::new("network.tcp", "connection");

/// A resolver that takes longer has no answer.
const RESOLVING: Duration = Duration::from_secs(5);

/// The most addresses that are named.
const NAMED: usize = 4;

/// Where to connect: the server itself, or the proxy before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    /// Without the brackets of an IPv6 address.
    pub(super) name: String,
    pub(super) port: u16,
}

impl Host {
    /// The host of an address that was accepted before, whose port may be that of its
    /// scheme.
    pub(super) fn of(address: &str) -> Option<Self> {
        let uri: Uri = address.parse().ok()?;
        let default = match uri.scheme_str() {
            Some("https") => 443,
            _ => 80,
        };
        Some(Self {
            name: uri.host()?.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(default),
        })
    }

    /// `host:port`, with the brackets where they are needed.
    pub(super) fn authority(&self) -> String {
        match self.name.contains(':') {
            true => format!("[{}]:{}", self.name, self.port),
            false => format!("{}:{}", self.name, self.port),
        }
    }
}

/// The addresses of `host`; none if there is no way on.
pub(super) async fn resolve(host: &Host, limit: &Limit) -> (Finding, Vec<IpAddr>) {
    let name = &host.name;
    if let Ok(address) = name.parse::<IpAddr>() {
        return (
            DNS.idle(format!("{address} is an address already")),
            vec![address],
        );
    }
    if name.eq_ignore_ascii_case("localhost") {
        // As the transport has it, which asks nobody.
        let both = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        return (DNS.idle("localhost is this machine: nobody is asked"), both);
    }
    let asked = lookup_host((name.as_str(), host.port));
    let (found, took) = match limit.step(RESOLVING, asked).await {
        Err(cut) => {
            let finding = DNS.failed(ErrorKind::Timeout, format!("no address of {name}: {cut}"));
            let remedy = "see whether this machine's name server can be reached";
            return (finding.remedy(remedy), Vec::new());
        }
        Ok((found, took)) => (found.map(Iterator::collect), took),
    };
    let mut addresses: Vec<IpAddr> = found
        .map(|found: Vec<SocketAddr>| found.iter().map(SocketAddr::ip).collect())
        .unwrap_or_default();
    addresses.dedup();
    if addresses.is_empty() {
        let remedy = "check the spelling of the host, and whether this machine can look up others";
        let sentence = format!("no address is found for {name}");
        return (
            DNS.failed(ErrorKind::Connect, sentence).remedy(remedy),
            addresses,
        );
    }
    let sentence = format!("{name} is {}, in {}", listed(&addresses), brief(took));
    (DNS.good(sentence), addresses)
}

fn listed(addresses: &[IpAddr]) -> String {
    let mut words: Vec<_> = addresses
        .iter()
        .take(NAMED)
        .map(ToString::to_string)
        .collect();
    if let Some(more @ 1..) = addresses.len().checked_sub(NAMED) {
        words.push(format!("{more} more"));
    }
    words.join(", ")
}

/// How a family of addresses fared.
struct Tried {
    family: &'static str,
    outcome: Result<Duration, Trouble>,
}

enum Trouble {
    Refused(io::ErrorKind),
    Cut(Cut),
}

impl Tried {
    fn words(&self) -> String {
        match &self.outcome {
            Ok(took) => format!("{} in {}", self.family, brief(*took)),
            Err(Trouble::Refused(kind)) => format!("{} fails: {kind}", self.family),
            Err(Trouble::Cut(cut)) => format!("{} fails: {cut}", self.family),
        }
    }
}

/// Connects by each family of addresses that there is; the first connection is kept.
pub(super) async fn connect(
    host: &Host,
    addresses: &[IpAddr],
    each: Duration,
    limit: &Limit,
) -> (Finding, Option<TcpStream>) {
    let (mut kept, mut tried) = (None, Vec::new());
    for (family, is_of_family) in [
        ("IPv4", IpAddr::is_ipv4 as fn(&IpAddr) -> bool),
        ("IPv6", IpAddr::is_ipv6),
    ] {
        let of_family: Vec<_> = addresses
            .iter()
            .filter(|ip| is_of_family(ip))
            .map(|ip| SocketAddr::new(*ip, host.port))
            .collect();
        if of_family.is_empty() {
            continue;
        }
        let outcome = any_of(&of_family, each, limit).await;
        let outcome = outcome.map(|(stream, took)| {
            kept = kept.take().or(Some(stream));
            took
        });
        tried.push(Tried { family, outcome });
    }
    let is_loopback = addresses.iter().all(IpAddr::is_loopback);
    (judge(host, &tried, is_loopback), kept)
}

/// The first of `addresses` that connects, each of which has its share of the time, as
/// in the transport. Of several failures the last is told.
async fn any_of(
    addresses: &[SocketAddr],
    time: Duration,
    limit: &Limit,
) -> Result<(TcpStream, Duration), Trouble> {
    let share = time / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut trouble = Trouble::Refused(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        trouble = match limit.step(share, TcpStream::connect(address)).await {
            Ok((Ok(stream), took)) => return Ok((stream, took)),
            Ok((Err(error), _)) => Trouble::Refused(error.kind()),
            Err(cut) => Trouble::Cut(cut),
        };
    }
    Err(trouble)
}

fn judge(host: &Host, tried: &[Tried], is_loopback: bool) -> Finding {
    let words: Vec<_> = tried.iter().map(Tried::words).collect();
    let words = format!("{}: {}", host.authority(), words.join(", "));
    let failed = tried.iter().filter(|tried| tried.outcome.is_err()).count();
    if failed == 0 {
        return TCP.good(words);
    }
    if failed < tried.len() {
        // A server on one's own machine mostly listens on one of the two.
        return match is_loopback {
            true => TCP.good(words),
            false => TCP.warning(words).remedy(
                "the host has addresses of both families, and one leads nowhere: connections may be slow to start",
            ),
        };
    }
    let refused = tried.iter().find_map(|tried| match &tried.outcome {
        Err(Trouble::Refused(kind)) => Some(*kind),
        _ => None,
    });
    let (kind, remedy) = match refused {
        Some(io::ErrorKind::ConnectionRefused) => (
            ErrorKind::Connect,
            "nothing listens there: check the host and the port, or start the server",
        ),
        Some(_) => (
            ErrorKind::Connect,
            "check this machine's network, and whether a proxy is needed (proxy in the profile)",
        ),
        None => (
            ErrorKind::Timeout,
            "a firewall may drop the packets: allow the host, or name the proxy that is meant to be used (proxy in the profile)",
        ),
    };
    TCP.failed(kind, words).remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Status;
    use super::*;

    #[test]
    fn hosts_are_taken_apart() {
        let host = |address: &str| Host::of(address).map(|host| host.authority());
        for (address, authority) in [
            ("https://example.com/token", "example.com:443"),
            ("http://127.0.0.1:8080/token", "127.0.0.1:8080"),
            ("https://[2001:db8::1]:8443", "[2001:db8::1]:8443"),
            ("http://proxy", "proxy:80"),
        ] {
            assert_eq!(host(address).as_deref(), Some(authority));
        }
    }

    #[test]
    fn one_family_that_fails_is_a_warning_unless_it_is_at_home() {
        let host = Host::of("https://example.com").unwrap();
        let tried = |second| {
            let first = Ok(Duration::from_millis(3));
            [
                Tried {
                    family: "IPv4",
                    outcome: first,
                },
                Tried {
                    family: "IPv6",
                    outcome: Err(second),
                },
            ]
        };
        let refused = || Trouble::Refused(io::ErrorKind::NetworkUnreachable);
        let finding = judge(&host, &tried(refused()), false);
        assert_eq!(finding.status, Status::Warning);
        let words = "example.com:443: IPv4 in 3ms, IPv6 fails: network unreachable";
        assert_eq!(finding.sentence, words);
        assert_eq!(judge(&host, &tried(refused()), true).status, Status::Good);
        let silent = Trouble::Cut(Cut::Step(Duration::from_secs(3)));
        let finding = judge(&host, &tried(silent)[1..], false);
        assert_eq!(finding.status, Status::Failed(ErrorKind::Timeout));
        assert!(finding.sentence.ends_with("nothing came within 3s"));
    }

    #[test]
    fn many_addresses_are_counted() {
        let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST); 6];
        assert!(listed(&addresses).ends_with("127.0.0.1, 2 more"));
        assert_eq!(listed(&addresses[..1]), "127.0.0.1");
    }
}
