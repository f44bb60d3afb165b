//! The files for operators: they name what there is, and say what the service does.

mod unit;
mod yaml;

use std::collections::BTreeSet;
use std::path::Path;

use crate::harness::{Setup, emulator, write_private};

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

/// The words of `text` that begin with `prefix`.
fn words(text: &str, prefix: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_part(c));
    words
        .filter(|word| word.starts_with(prefix))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_alerts_are_of_metrics_that_there_are() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).watched().start();
    let metrics = service.probe("/metrics").body;
    let known: BTreeSet<_> = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .map(|parts| match parts[1] {
            "counter" => format!("{}_total", parts[0]),
            "histogram" => format!("{}_bucket", parts[0]),
            _ => parts[0].to_owned(),
        })
        .collect();
    let alerts = file("alerts.yaml");
    let expressions: Vec<_> = alerts
        .lines()
        .filter(|line| line.contains("expr: "))
        .collect();
    assert!(expressions.len() > 10);
    for expression in expressions {
        let mut named = words(expression, "prove_token_");
        named.extend(words(expression, "process_"));
        assert!(!named.is_empty(), "{expression}");
        for name in named {
            assert!(known.contains(&name), "{name} is not among {known:?}");
        }
    }
    // What scrapes them is called differently everywhere.
    assert!(!alerts.contains("job="));
    // A series that begins with what it counts never grew.
    let zeros: Vec<_> = metrics
        .lines()
        .filter(|line| line.ends_with(" 0"))
        .collect();
    for (selector, name) in [
        ("prove_token_reloads_total", "failed"),
        ("prove_token_sink_writes_total", "failed"),
        ("prove_token_renewals_total", "credentials_rejected"),
        ("prove_token_renewals_total", "secret_source"),
        ("prove_token_refusals_total", "unauthorized"),
    ] {
        assert!(alerts.contains(&format!("\"{name}\"}}")), "{name}");
        let is_it = |line: &&&str| line.starts_with(selector) && line.contains(name);
        assert!(zeros.iter().any(|line| is_it(&line)), "{selector} {name}");
    }
    // The words of outcomes that they look for are kinds of errors, or these.
    for word in ["credentials_rejected", "secret_source"] {
        assert!(alerts.contains(&format!("outcome=\"{word}\"")));
        assert!(
            prove_token::ErrorKind::ALL
                .iter()
                .any(|kind| kind.as_str() == word)
        );
    }
}

/// The text of a block of YAML that begins below `head`, without its indent.
fn block(text: &str, head: &str) -> String {
    let (_, rest) = text.split_once(head).unwrap();
    let indent = rest.len() - rest.trim_start_matches(' ').len();
    let lines = rest
        .lines()
        .take_while(|line| line.is_empty() || line.starts_with(&" ".repeat(indent)));
    lines
        .map(|line| line.get(indent..).unwrap_or("").to_owned() + "\n")
        .collect()
}

#[test]
fn the_configuration_of_the_sidecar_is_accepted() {
    let home = tempfile::tempdir().unwrap();
    let mount = home.path().join("secret");
    std::fs::create_dir(&mount).unwrap();
    write_private(&mount.join("client-id"), "an-id\n");
    let config = block(&file("kubernetes.yaml"), "  config.toml: |\n");
    let config = config.replace("/run/secrets/prove-token", mount.to_str().unwrap());
    let path = home.path().join("config.toml");
    write_private(&path, &config);
    let check = std::process::Command::new(env!("CARGO_BIN_EXE_prove-tokend"))
        .args(["--check-config", "--config"])
        .arg(&path)
        .env_clear()
        .output()
        .unwrap();
    let said = String::from_utf8([check.stdout, check.stderr].concat()).unwrap();
    assert!(check.status.success(), "{said}");
    assert!(
        said.contains("1 profile, 1 caller, listens on 127.0.0.1:7878"),
        "{said}"
    );
}

/// Every argument in them is one that the program has.
#[test]
fn the_commands_are_understood() {
    let help = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_prove-tokend"))
            .args(args)
            .arg("--help")
            .env_clear()
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let known = help(&[]) + &help(&["healthcheck"]) + &help(&["caller", "add"]);
    for name in ["Dockerfile", "kubernetes.yaml", "prove-tokend.service"] {
        let text = file(name);
        // Flags of Docker itself stand before its CMD.
        let own = text
            .split("HEALTHCHECK ")
            .map(|part| match part.split_once("CMD [") {
                Some((_, command)) if part.starts_with("--interval") => command,
                _ => part,
            });
        let own: String = own.filter(|part| !part.starts_with('#')).collect();
        let commands = own
            .lines()
            .filter(|line| line.contains("\"--") || line.contains("prove-tokend --"));
        let all = commands.flat_map(|line| line.split([' ', '"', ',', '[', ']']));
        for flag in all.filter(|word| word.starts_with("--")) {
            assert!(known.contains(flag), "{name}: {flag}");
        }
        assert!(
            text.contains("healthcheck") || name.ends_with(".service"),
            "{name}"
        );
    }
}
