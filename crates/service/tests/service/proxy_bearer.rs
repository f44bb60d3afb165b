//! Callers that are not to have the token: a local bearer in its place, good for the
//! proxy and for nothing else.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use prove_token_emulator::Emulator;

use crate::harness::{KEY, Reply, Service, Setup, emulator, raw};
use crate::upstream::{Upstream, answer};

/// The caller `billing` of `setup` gets local bearers.
fn proxied(setup: Setup) -> Setup {
    setup.service("hands_out = \"proxy\"\n")
}

fn start(emulator: &Emulator, api: &Upstream) -> Service {
    proxied(Setup::to_api(emulator, &api.url(), "")).start()
}

fn api() -> Upstream {
    Upstream::start(|_, _| answer("200 OK", "", "fine"))
}

fn grant(service: &Service, path: &str) -> Reply {
    let form = format!("grant_type=client_credentials&client_id=billing&client_secret={KEY}");
    let form_type = ("Content-Type", "application/x-www-form-urlencoded");
    service.request("POST", path, &[form_type], &form)
}

fn bearer(service: &Service, path: &str) -> String {
    let granted = grant(service, path).expect(200);
    assert_eq!(granted["token_type"], "Bearer");
    assert!(granted["expires_in"].as_u64().unwrap() > 60);
    granted["access_token"].as_str().unwrap().to_owned()
}

fn call(service: &Service, path: &str, bearer: &str) -> Reply {
    let authorization = format!("Bearer {bearer}");
    service.request("GET", path, &[("Authorization", &authorization)], "")
}

#[test]
fn the_real_token_never_leaves() {
    let (emulator, api) = (emulator().start().unwrap(), api());
    let service = start(&emulator, &api);
    let bearer = bearer(&service, "/token");
    assert_eq!(call(&service, "/proxy/local/x", &bearer).status, 200);
    let seen = api.only();
    let token = seen.one("authorization").strip_prefix("Bearer ").unwrap();
    assert!(token.starts_with("eyJ") && !bearer.contains(token));
    for path in [
        "/v1/token/local",
        "/v1/headers/local",
        "/v1/token/local?force=true",
    ] {
        let refused = service.get(path);
        let body = refused.expect(403);
        assert!(
            body["error_description"]
                .as_str()
                .unwrap()
                .contains("hands_out")
        );
        assert!(!refused.body.contains(token));
    }
    let mut everything = String::new();
    for path in [
        "/v1/profiles",
        "/v1/profiles/local",
        "/proxy/local/x",
        "/proxy/local/../x",
        "/nothing",
    ] {
        everything.push_str(&format!("{:?}", service.get(path)));
    }
    everything.push_str(&format!("{:?}", grant(&service, "/oauth2/local/token")));
    everything.push_str(&service.stop().1);
    let signature = token.rsplit('.').next().unwrap();
    assert!(
        !everything.contains(token) && !everything.contains(signature),
        "{everything}"
    );
    assert!(
        !everything.contains(&bearer),
        "no bearer but to whom it is given"
    );
}

#[test]
fn a_bearer_is_good_for_the_proxy_alone() {
    let (emulator, api) = (emulator().start().unwrap(), api());
    let service = start(&emulator, &api);
    let bearer = bearer(&service, "/token");
    for path in ["/v1/token/local", "/v1/headers/local", "/v1/profiles"] {
        assert_eq!(
            call(&service, path, &bearer).expect(401)["error"],
            "unauthorized"
        );
    }
    let form = format!("grant_type=client_credentials&client_id=billing&client_secret={bearer}");
    let form_type = ("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(
        service
            .request("POST", "/token", &[form_type], &form)
            .status,
        401
    );
    // The caller's own key is as good here.
    assert_eq!(service.get("/proxy/local/x").status, 200);
    for changed in [
        bearer.to_uppercase(),
        bearer.replace("billing", "other"),
        format!("{bearer}A"),
    ] {
        assert_eq!(call(&service, "/proxy/local/x", &changed).status, 401);
    }
    let tokens = format!("{:?}", api.seen());
    assert!(!tokens.contains(&bearer), "the bearer never goes up");
}

#[test]
fn a_bearer_is_bound_to_the_profile_that_it_was_asked_for() {
    let (emulator, first, second) = (emulator().start().unwrap(), api(), api());
    let setup = Setup::to_api(&emulator, &first.url(), "").replace_service(
        "profiles = [\"local\"]",
        "profiles = [\"local\", \"other\"]",
    );
    let service = proxied(setup.profile_of("other", &emulator, &second.url(), "")).start();
    let (any, one) = (
        bearer(&service, "/token"),
        bearer(&service, "/oauth2/other/token"),
    );
    for (bearer, path, status) in [
        (&any, "/proxy/local/x", 200),
        (&any, "/proxy/other/x", 200),
        (&one, "/proxy/local/x", 404),
        (&one, "/proxy/other/x", 200),
    ] {
        assert_eq!(call(&service, path, bearer).status, status, "{path}");
    }
    assert_eq!((first.seen().len(), second.seen().len()), (1, 2));
}

#[test]
fn a_bearer_outlives_a_restart_and_not_its_caller() {
    let (emulator, api) = (emulator().start().unwrap(), api());
    let mut service = start(&emulator, &api);
    let bearer = bearer(&service, "/token");
    let key = service.home().join(".cache/prove-token.local-bearer.key");
    let metadata = fs::metadata(&key).unwrap();
    assert_eq!((metadata.mode() & 0o7777, metadata.len()), (0o600, 32));
    service.restart(|setup| setup);
    assert_eq!(call(&service, "/proxy/local/x", &bearer).status, 200);
    service.restart(|setup| setup.replace_service("\"billing\"", "\"renamed\""));
    assert_eq!(call(&service, "/proxy/local/x", &bearer).status, 401);
    service.restart(|setup| setup.replace_service("\"renamed\"", "\"billing\""));
    assert_eq!(call(&service, "/proxy/local/x", &bearer).status, 200);
    let other_key = format!("key_hash = \"sha256:{}\"\n#", "0".repeat(64));
    service.restart(|setup| setup.replace_service("key_hash", &other_key));
    assert_eq!(call(&service, "/proxy/local/x", &bearer).status, 401);
}

#[test]
fn a_key_that_others_can_read_ends_the_start() {
    let (emulator, api) = (emulator().start().unwrap(), api());
    let setup = proxied(Setup::to_api(&emulator, &api.url(), ""));
    let state = tempfile::tempdir().unwrap();
    let key = state.path().join("local-bearer.key");
    fs::write(&key, [7; 32]).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let output = setup
        .command()
        .env("STATE_DIRECTORY", state.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("local-bearer.key") && said.contains("hint: "),
        "{said}"
    );
}

#[test]
fn without_a_place_for_the_key_the_operator_is_told() {
    let (emulator, api) = (emulator().start().unwrap(), api());
    let setup = proxied(Setup::to_api(&emulator, &api.url(), ""));
    fs::write(setup.home.path().join(".cache"), "in the way").unwrap();
    let service = setup.start();
    let bearer = bearer(&service, "/token");
    assert_eq!(call(&service, "/proxy/local/x", &bearer).status, 200);
    assert!(
        service
            .said()
            .contains("local bearers end with this process")
    );
}

/// A caller that the kernel names needs no bearer, but programs ask for one.
#[test]
fn a_user_gets_a_bearer_that_is_nothing_on_tcp() {
    let (emulator, api) = (emulator().start().unwrap(), api());
    let uid = rustix::process::geteuid().as_raw();
    let user = format!(
        "[[service.callers]]\nname = \"user\"\nuid = {uid}\nprofiles = [\"local\"]\n\
         hands_out = \"proxy\"\n"
    );
    let service = Setup::to_api(&emulator, &api.url(), "")
        .service(&user)
        .start();
    let form = "grant_type=client_credentials";
    let request = format!(
        "POST /token HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
        form.len()
    );
    let granted = raw(service.unix(), request.as_bytes()).expect(200);
    let bearer = granted["access_token"].as_str().unwrap();
    assert!(bearer.starts_with("ptb1~user~"), "{bearer}");
    let request = format!(
        "GET /proxy/local/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {bearer}\r\n\r\n"
    );
    assert_eq!(raw(service.unix(), request.as_bytes()).status, 200);
    assert_eq!(call(&service, "/proxy/local/x", bearer).status, 401);
    let request = "GET /v1/token/local HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                   Prove-Token-Request: true\r\n\r\n";
    assert_eq!(raw(service.unix(), request.as_bytes()).status, 403);
}
