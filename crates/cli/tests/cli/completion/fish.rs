//! In fish, which tells a script what it would offer.
#![cfg(unix)]

use super::Desk;

#[test]
fn words_values_and_profiles_are_offered() {
    let desk = Desk::new();
    let path = desk.path().join("bin/prove-token").display().to_string();
    for (line, offers) in [
        ("prove-token tok", &["token\tPrint an access token"][..]),
        ("prove-token token ", &["acme", "prove-uat"]),
        ("~/bin/prove-token token p", &["prove-uat"]),
        (&format!("{path} token p"), &["prove-uat"]),
        ("prove-token --environment=uat-e", &["--environment=uat-eu"]),
        (
            "prove-token exec -- prove-tok",
            &["prove-token\tcommand link"],
        ),
        ("prove-token --config my", &["my conf.toml"]),
        ("prove-token --config=my", &["--config=my conf.toml"]),
        ("prove-token --config=nothing", &[][..]),
        ("prove-token --config \"my conf.toml\" token o", &["other"]),
        (
            "prove-token --config my\\ conf.toml -p ",
            &["acme", "other"],
        ),
    ] {
        let script = format!(
            "prove-token completion fish | source\ncomplete -C '{}'",
            line.replace('\\', "\\\\")
        );
        let offered = desk.script("fish", &["--no-config"], &script);
        let offered: Vec<_> = offered.lines().collect();
        assert_eq!(offered, offers, "{line}");
    }
}
