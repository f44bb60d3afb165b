//! What the address of a token endpoint shows without a look at the network.

use prove_token::{Endpoint, Environment, ErrorKind};
use prove_token_config::Profile;

use super::super::finding::Finding;
use super::ADDRESS;

/// The domain of Prove's four environments.
const PROVE: &str = "proveapis.com";

/// Judges the address of the profile's token endpoint.
pub(in super::super) fn examine(profile: &Profile) -> Finding {
    match &profile.token_endpoint {
        Some(endpoint) => judge(endpoint),
        None => ADDRESS.idle("the built-in emulator has one when it runs"),
    }
}

fn judge(endpoint: &Endpoint) -> Finding {
    let host = endpoint.host();
    let is_prove = host == PROVE || host.ends_with(&format!(".{PROVE}"));
    if is_prove && let Some(finding) = mistake_at_prove(endpoint) {
        return finding;
    }
    if endpoint.path().split('/').any(|segment| segment == "v3") {
        return ADDRESS
            .warning(format!(
                "{endpoint} has /v3, which Prove's token endpoints have not"
            ))
            .remedy(without_path(endpoint));
    }
    if endpoint.path().is_empty() {
        return ADDRESS
            .warning(format!("{endpoint} has no path, as token endpoints have"))
            .remedy("see the server's documentation; /token and /oauth2/token are common");
    }
    let plain = match endpoint.is_https() {
        true => "",
        false => ", plain http on this machine alone",
    };
    ADDRESS.good(format!("{endpoint}{plain}"))
}

/// Prove's addresses are known, so that another one is wrong.
fn mistake_at_prove(endpoint: &Endpoint) -> Option<Finding> {
    if Environment::of(endpoint).is_none() {
        let sentence = format!("{} is none of Prove's four hosts", endpoint.origin());
        let names = Environment::ALL.map(Environment::as_str).join(", ");
        let remedy =
            format!("write environment = \"...\" in place of token_endpoint: one of {names}");
        let finding = ADDRESS.failed(ErrorKind::Configuration, sentence);
        return Some(finding.remedy(remedy));
    }
    let is_right = endpoint.path() == "/token";
    let sentence = format!("{endpoint} is not where Prove's tokens come from");
    let finding = ADDRESS.failed(ErrorKind::Configuration, sentence);
    (!is_right).then(|| finding.remedy(without_path(endpoint)))
}

fn without_path(endpoint: &Endpoint) -> String {
    format!("write token_endpoint = \"{}/token\"", endpoint.origin())
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::Status;
    use super::*;

    fn told(address: &str) -> (Status, String) {
        let finding = judge(&address.parse().unwrap());
        (finding.status, finding.remedy.unwrap_or_default())
    }

    #[test]
    fn good_addresses_are_good() {
        for address in [
            "https://platform.uat.proveapis.com/token",
            "https://idp.example.com/oauth2/token",
            "https://notproveapis.com/x",
            "http://127.0.0.1:1/token",
        ] {
            assert_eq!(told(address), (Status::Good, String::new()), "{address}");
        }
    }

    #[test]
    fn mistakes_are_seen_before_anything_is_sent() {
        let failed = Status::Failed(ErrorKind::Configuration);
        for (address, status, remedy) in [
            (
                "https://platform.uat.proveapis.com/v3/token",
                failed,
                "\"https://platform.uat.proveapis.com/token\"",
            ),
            (
                "https://platform.proveapis.com/oauth/token",
                failed,
                "\"https://platform.proveapis.com/token\"",
            ),
            (
                "https://platform.uat.us.proveapis.com/token",
                failed,
                "environment = ",
            ),
            (
                "https://platform.proveapis.com:8443/token",
                failed,
                "environment = ",
            ),
            (
                "http://127.0.0.1:1/v3/token",
                Status::Warning,
                "\"http://127.0.0.1:1/token\"",
            ),
            ("https://idp.example.com", Status::Warning, "/oauth2/token"),
        ] {
            let (found, told) = told(address);
            assert_eq!(found, status, "{address}");
            assert!(told.contains(remedy), "{address}: {told}");
        }
    }
}
