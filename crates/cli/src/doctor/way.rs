//! The way to the token endpoint: name, connection, proxy, encryption. Nothing is sent
//! on it but what those need.

use prove_token::ErrorKind;
use prove_token_config::Profile;
use tokio::io::{AsyncRead, AsyncWrite};

use super::certificate::CERTIFICATE;
use super::finding::Finding;
use super::limit::Limit;
use super::network::{self, DNS, Host, TCP};
use super::proxy::{self, PROXY};
use super::tls::{self, TLS, Trust};

/// What was found, and whether something is in the way.
pub(super) struct Way {
    pub(super) findings: Vec<Finding>,
    /// Why nothing can be asked for at its end.
    pub(super) barrier: Option<String>,
}

/// Plain or encrypted, as the hops before it left it.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Way {
    /// A way that was not gone.
    pub(super) fn untried(why: &str) -> Self {
        let checks = [DNS, TCP, TLS];
        Self {
            findings: checks.map(|check| check.not_tried(why)).into(),
            barrier: Some(why.to_owned()),
        }
    }
}

/// Goes the way that a request would go.
pub(super) async fn examine(profile: &Profile, limit: &Limit) -> Way {
    let Some(endpoint) = &profile.token_endpoint else {
        return Way::untried("the emulator does not run");
    };
    let Some(host) = Host::of(endpoint.as_str()) else {
        return Way::untried("the address has no host");
    };
    // As the transport does: a proxy is for what leaves the machine.
    let proxy = profile.proxy.as_ref().filter(|_| !endpoint.is_loopback());
    let proxy = proxy.map(|proxy| (Host::of(proxy.as_str()), is_https(proxy.as_str())));
    let mut walk = Walk {
        profile,
        limit,
        findings: Vec::new(),
    };
    let arrived = match &proxy {
        Some((Some(proxy), encrypted)) => walk.through(proxy, *encrypted, &host).await,
        _ => walk.reach(&host).await,
    };
    let barrier = match (arrived, endpoint.is_https()) {
        (Err(barrier), _) => Some(barrier),
        (Ok(_), false) => {
            walk.findings
                .push(TLS.idle("plain http, which is for this machine alone"));
            None
        }
        (Ok(stream), true) => walk.encrypt(&host, stream).await.err(),
    };
    let mut findings = walk.findings;
    if let Some(barrier) = &barrier {
        let missing = [DNS, TCP, TLS].into_iter().filter(|check| {
            let is_of = |finding: &Finding| finding.check == *check;
            !findings.iter().any(is_of)
        });
        let missing: Vec<_> = missing.map(|check| check.not_tried(barrier)).collect();
        findings.extend(missing);
    }
    Way { findings, barrier }
}

fn is_https(address: &str) -> bool {
    address.starts_with("https:")
}

struct Walk<'a> {
    profile: &'a Profile,
    limit: &'a Limit,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    /// A connection to `host`, or what is in the way.
    async fn reach(&mut self, host: &Host) -> Result<Box<dyn Stream>, String> {
        let (finding, addresses) = network::resolve(host, self.limit).await;
        self.findings.push(finding);
        if addresses.is_empty() {
            return Err(format!("{} has no address", host.name));
        }
        let each = self.profile.timeouts.connect;
        let (finding, stream) = network::connect(host, &addresses, each, self.limit).await;
        self.findings.push(finding);
        match stream {
            Some(stream) => Ok(Box::new(stream)),
            None => Err(format!("there is no connection to {}", host.authority())),
        }
    }

    /// A connection to `host` that `proxy` carries.
    async fn through(
        &mut self,
        proxy: &Host,
        encrypted: bool,
        host: &Host,
    ) -> Result<Box<dyn Stream>, String> {
        let mut stream = self.reach(proxy).await?;
        if encrypted {
            stream = self.encrypt(proxy, stream).await?;
        }
        let each = self.profile.timeouts.connect;
        let asked = proxy::ask(proxy, host, &mut stream);
        let finding = match self.limit.step(each, asked).await {
            Ok((finding, _)) => finding,
            Err(cut) => PROXY.failed(ErrorKind::Timeout, cut.to_string()),
        };
        let is_open = finding.status == super::Status::Good;
        self.findings.push(finding);
        match is_open {
            true => Ok(stream),
            false => Err("the proxy does not let it through".to_owned()),
        }
    }

    /// An encrypted connection to a server that is trusted.
    async fn encrypt(
        &mut self,
        host: &Host,
        stream: Box<dyn Stream>,
    ) -> Result<Box<dyn Stream>, String> {
        let barrier = || Err(format!("{} is not trusted", host.name));
        let trust = match Trust::of(self.profile) {
            Ok(trust) => trust,
            Err(finding) => {
                self.findings.push(finding);
                self.findings
                    .push(CERTIFICATE.not_tried("there is nobody to trust"));
                return barrier();
            }
        };
        let each = self.profile.timeouts.connect;
        let handshake = tls::shake_hands(host, stream, &trust, each, self.limit).await;
        self.findings.extend(handshake.findings);
        match handshake.stream {
            Some(stream) => Ok(Box::new(stream)),
            None => barrier(),
        }
    }
}
