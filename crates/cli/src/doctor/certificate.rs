//! What a certificate says about itself. Nothing here decides whether it is trusted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use prove_token::ErrorKind;
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate as Parsed;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::finding::{Check, Finding};

pub(super) const CERTIFICATE: Check = Check::new("tls.certificate", "certificate");

const DAY: u64 = 24 * 60 * 60;

/// Less than this is soon.
const SOON: u64 = 21;

/// The most names that are told of a certificate.
const NAMED: usize = 4;

/// The facts.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) subject: String,
    pub(super) issuer: String,
    /// The hosts it is for.
    pub(super) names: Vec<String>,
    /// Both since 1970.
    starts: Duration,
    ends: Duration,
}

impl Certificate {
    /// `None` if it cannot be read.
    pub(super) fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let parsed = Parsed::from_der(der).ok()?.tbs_certificate;
        let names = parsed.get::<SubjectAltName>().ok().flatten();
        Some(Self {
            subject: parsed.subject.to_string(),
            issuer: parsed.issuer.to_string(),
            names: names.map_or_else(Vec::new, |(_, names)| {
                names.0.iter().filter_map(host).collect()
            }),
            starts: parsed.validity.not_before.to_unix_duration(),
            ends: parsed.validity.not_after.to_unix_duration(),
        })
    }

    /// The hosts it is for, in words.
    pub(super) fn hosts(&self) -> String {
        let shown: Vec<_> = self.names.iter().take(NAMED).cloned().collect();
        match self.names.len().checked_sub(NAMED) {
            _ if shown.is_empty() => "no host".to_owned(),
            Some(more @ 1..) => format!("{} and {more} more", shown.join(", ")),
            _ => shown.join(", "),
        }
    }

    /// When it holds, seen from `now`: `61 days left`, say.
    pub(super) fn span(&self, now: Duration) -> String {
        let days = |time: Duration| time.as_secs() / DAY;
        if let Some(wait) = self.starts.checked_sub(now).filter(|wait| !wait.is_zero()) {
            return format!("not valid before another {} days", days(wait));
        }
        match self.ends.checked_sub(now) {
            Some(left) => format!("{} days left", days(left)),
            None => format!("expired {} days ago", days(now.saturating_sub(self.ends))),
        }
    }

    /// The line of one certificate of a chain. `is_server` is for the first, which the
    /// others only vouch for: whether an old one among them matters is for the
    /// handshake to say, for there may be another way to a root.
    pub(super) fn finding(&self, is_server: bool, now: Duration) -> Finding {
        let hosts = match is_server {
            true => format!(" for {}", self.hosts()),
            false => String::new(),
        };
        let (subject, issuer, span) = (named(&self.subject), named(&self.issuer), self.span(now));
        let issued = match issuer == subject {
            true => "by itself".to_owned(),
            false => format!("by {issuer}"),
        };
        let sentence = format!("{span}: {subject}{hosts}, issued {issued}");
        let is_valid = self.starts <= now && now <= self.ends;
        let is_soon = self.ends.saturating_sub(now).as_secs() < SOON * DAY;
        match (is_valid, is_server) {
            (true, _) if !is_soon => CERTIFICATE.good(sentence),
            (false, true) => CERTIFICATE.failed(ErrorKind::Connect, sentence).remedy(
                "the server's owner has to replace it, unless this machine's clock is wrong",
            ),
            _ => CERTIFICATE
                .warning(sentence)
                .remedy("the server's owner should replace it before it ends"),
        }
    }
}

fn named(name: &str) -> &str {
    match name.is_empty() {
        true => "a certificate without a name",
        false => name,
    }
}

fn host(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(octets) => {
            let octets = octets.as_bytes();
            let v4 = <[u8; 4]>::try_from(octets).map(|octets| IpAddr::V4(Ipv4Addr::from(octets)));
            let v6 = <[u8; 16]>::try_from(octets).map(|octets| IpAddr::V6(Ipv6Addr::from(octets)));
            v4.or(v6).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Status;
    use super::*;

    fn ending(ends: u64) -> Certificate {
        Certificate {
            subject: "CN=example.com".to_owned(),
            issuer: "CN=R11".to_owned(),
            names: vec!["example.com".to_owned()],
            starts: Duration::from_secs(DAY),
            ends: Duration::from_secs(ends * DAY),
        }
    }

    #[test]
    fn three_weeks_are_soon_and_the_end_is_the_end() {
        let now = Duration::from_secs(100 * DAY);
        for (ends, status, span) in [
            (200, Status::Good, "100 days left"),
            (121, Status::Good, "21 days left"),
            (120, Status::Warning, "20 days left"),
            // RFC 5280 §4.1.2.5: its last second is within.
            (100, Status::Warning, "0 days left"),
            (
                90,
                Status::Failed(ErrorKind::Connect),
                "expired 10 days ago",
            ),
        ] {
            let finding = ending(ends).finding(true, now);
            assert!(finding.sentence.starts_with(span), "{finding:?}");
            assert_eq!(finding.status, status, "{finding:?}");
        }
        let old = ending(90).finding(false, now);
        assert_eq!(
            old.status,
            Status::Warning,
            "the handshake judges the others"
        );
        let early = ending(90).span(Duration::ZERO);
        assert_eq!(early, "not valid before another 1 days");
    }

    #[test]
    fn hosts_are_listed_up_to_a_few() {
        let mut certificate = ending(1);
        assert_eq!(certificate.hosts(), "example.com");
        certificate.names = (0..6).map(|number| format!("h{number}")).collect();
        assert_eq!(certificate.hosts(), "h0, h1, h2, h3 and 2 more");
        certificate.names.clear();
        assert_eq!(certificate.hosts(), "no host");
    }

    #[test]
    fn what_is_no_certificate_is_not_read() {
        assert!(Certificate::read(&CertificateDer::from(vec![0x30, 0x80, 1])).is_none());
    }
}
