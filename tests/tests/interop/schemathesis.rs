//! PyPI's `schemathesis`: it asks the service whatever its OpenAPI document allows, and
//! what it does not, and finds no 5xx and no answer that the document does not know.

use std::path::Path;
use std::process::Command;

use prove_token_config::{Config, Env, ListenAddress, Overrides, Profile};
use prove_token_service::{Running, Service};
use prove_token_tests::peer;

const NAME: &str = "billing";
/// The hash of `ptk_canary-key-of-billing`.
const KEY_HASH: &str = "sha256:693d557f4cdf117ce4d473f287f6c5e35304ed5cd6b0591257ca248969e1537f";

const DOCUMENT: &str = include_str!("../../../crates/service/openapi.json");

/// A service of the emulator's profile `local`, for the caller `billing`.
async fn service(folder: &Path) -> Running {
    let path = folder.join("config.toml");
    let text = format!(
        "version = 1\n[profiles.local]\nenvironment = \"emulator\"\n[service]\n\
         listen = [\"127.0.0.1:0\"]\nadmin_listen = \"127.0.0.1:0\"\n[[service.callers]]\n\
         name = \"{NAME}\"\nkey_hash = \"{KEY_HASH}\"\nprofiles = [\"local\"]\n"
    );
    std::fs::write(&path, text).unwrap();
    let (config, env) = (Config::load(&path).unwrap(), Env::default());
    let overrides = Overrides {
        profile: Some("local".to_owned()),
        ..Overrides::default()
    };
    let profile = Profile::from_config(&overrides, &env, Some(&config)).unwrap();
    let settings = config.service().unwrap().clone();
    let service = Service::new(settings, vec![profile], &env).unwrap();
    service.start().await.unwrap()
}

/// What a stranger finds at `address` who calls with `arguments`.
async fn try_all(folder: &Path, address: &ListenAddress, arguments: &'static [&'static str]) {
    // A profile that is not there is a 404, and tries nothing else.
    let any = "\"pattern\": \"^[a-z0-9_-][a-z0-9._-]{0,63}$\",";
    assert!(DOCUMENT.contains(any));
    std::fs::write(
        folder.join("openapi.json"),
        DOCUMENT.replace(any, "\"enum\": [\"local\"],"),
    )
    .unwrap();
    let mut command = Command::new(peer::folder().join("schemathesis/venv/bin/st"));
    command
        .args(["run", "openapi.json", "--url"])
        .arg(format!("http://{address}"))
        .args(["--checks", "all", "--warnings", "off", "--no-color"])
        // The same questions each time: a run that fails can be looked into.
        .args(["--generation-deterministic", "--max-examples", "30"])
        .args(arguments)
        .current_dir(folder);
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("No issues found"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_get_what_the_document_says() {
    let folder = tempfile::tempdir().unwrap();
    let running = service(folder.path()).await;
    let arguments = &[
        "-H",
        "Authorization: Bearer ptk_canary-key-of-billing",
        "--include-tag",
        "callers",
        // It has no end to wait for.
        "--exclude-path",
        "/v1/events",
        // What comes back is the API's own.
        "--exclude-path",
        "/proxy/{profile}/{path}",
    ];
    try_all(folder.path(), &running.addresses()[0], arguments).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_oauth_get_what_the_document_says() {
    let folder = tempfile::tempdir().unwrap();
    let running = service(folder.path()).await;
    let arguments = &[
        "--auth",
        "billing:ptk_canary-key-of-billing",
        "--include-tag",
        "oauth",
        // A schema cannot say that credentials are in the header or in the body.
        "--exclude-checks",
        "positive_data_acceptance",
    ];
    try_all(folder.path(), &running.addresses()[0], arguments).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_get_what_the_document_says() {
    let folder = tempfile::tempdir().unwrap();
    let running = service(folder.path()).await;
    let arguments = &["--include-tag", "operators", "--include-tag", "probes"];
    try_all(folder.path(), running.admin_address().unwrap(), arguments).await;
    running.stop().await;
}
