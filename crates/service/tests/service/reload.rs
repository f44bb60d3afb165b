//! A new configuration while the service runs: live at once, or refused as a whole, and
//! no call fails for it.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use prove_token_emulator::Emulator;
use serde_json::Value;

use crate::harness::{ID, SECRET, Service, Setup, emulator, raw, write_private};

const NEW_SECRET: &str = "canary-new-secret";

const PATIENCE: Duration = Duration::from_secs(20);

/// As soon as this a secret that was rotated is in use.
const PROMISED: Duration = Duration::from_secs(5);

/// Calls without a pause from two threads while `work` is done; every one must succeed.
fn under_load(service: &Service, path: &str, work: impl FnOnce()) {
    let (ended, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    service.get(path).expect(200);
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let guard = EndWith(&ended);
        work();
        drop(guard);
    });
    assert!(calls.into_inner() > 0);
}

/// So that a failed assertion ends the load as well.
struct EndWith<'f>(&'f AtomicBool);

impl Drop for EndWith<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Whether the last token request had `secret`.
fn sent(emulator: &Emulator, secret: &str) -> bool {
    let requests = emulator.requests();
    let last = requests.iter().rfind(|request| request.path == "/token");
    let body = String::from_utf8_lossy(&last.unwrap().raw_body).into_owned();
    body.contains(secret)
}

fn token_id(service: &Service) -> Value {
    service.get("/v1/token/local").expect(200)["token_id"].clone()
}

/// Waits for another token than the one of this id, and returns its id.
fn another_token(service: &Service, before: &Value) -> Value {
    service.until("a new token", |service| {
        let now = token_id(service);
        (now != *before).then_some(now)
    })
}

/// An emulator that knows both secrets, as while one is rotated.
fn rotating() -> Emulator {
    emulator()
        .second_secret(ID, NEW_SECRET)
        .record_raw()
        .rate_limit(0)
        .start()
        .unwrap()
}

fn secret_of_file(emulator: &Emulator, path: impl FnOnce(&Path) -> std::path::PathBuf) -> Setup {
    let setup = Setup::new(emulator).without_profiles();
    let path = path(setup.home.path());
    setup.file_profile("local", emulator, &path)
}

#[test]
fn a_secret_is_rotated_in_place_and_by_rename_under_load() {
    let emulator = rotating();
    let setup = secret_of_file(&emulator, |home| home.join("secret"));
    let path = setup.home.path().join("secret");
    write_private(&path, SECRET);
    let service = setup.start();
    let first = token_id(&service);
    under_load(&service, "/v1/token/local", || {
        let mark = service.said().len();
        write_private(&path, NEW_SECRET);
        assert!(emulator.wait_for_requests(2, PROMISED));
        assert!(sent(&emulator, NEW_SECRET));
        let second = another_token(&service, &first);
        // It may have been read while it was being written.
        service.wait_for("reloaded: secret of local read anew", mark);
        // And the other way, by rename.
        let beside = path.with_file_name("secret.new");
        write_private(&beside, SECRET);
        std::fs::rename(&beside, &path).unwrap();
        assert!(emulator.wait_for_requests(3, PROMISED));
        assert!(!sent(&emulator, NEW_SECRET));
        another_token(&service, &second);
    });
}

#[test]
fn a_mount_of_kubernetes_is_swapped_under_load() {
    let emulator = rotating();
    let setup = secret_of_file(&emulator, |home| home.join("mount/secret"));
    let mount = setup.home.path().join("mount");
    let version = |name: &str, secret: &str| {
        std::fs::create_dir_all(mount.join(name)).unwrap();
        write_private(&mount.join(name).join("secret"), secret);
        symlink(name, mount.join("..data_tmp")).unwrap();
        std::fs::rename(mount.join("..data_tmp"), mount.join("..data")).unwrap();
    };
    version("..1", SECRET);
    symlink("..data/secret", mount.join("secret")).unwrap();
    let service = setup.start();
    let first = token_id(&service);
    under_load(&service, "/v1/token/local", || {
        version("..2", NEW_SECRET);
        assert!(emulator.wait_for_requests(2, PROMISED));
        assert!(sent(&emulator, NEW_SECRET));
        another_token(&service, &first);
    });
}

#[test]
fn a_secret_that_is_empty_or_wrong_for_a_moment_costs_no_call() {
    let emulator = rotating();
    let setup = secret_of_file(&emulator, |home| home.join("secret"));
    let path = setup.home.path().join("secret");
    write_private(&path, SECRET);
    let service = setup.start();
    service.get("/v1/token/local").expect(200);
    under_load(&service, "/v1/token/local", || {
        for content in ["", "canary-half"] {
            let mark = service.said().len();
            write_private(&path, content);
            service.wait_for("reloaded: secret of local read anew", mark);
        }
        assert!(
            emulator.wait_for_requests(2, PATIENCE),
            "the wrong one is tried"
        );
        let mark = service.said().len();
        write_private(&path, NEW_SECRET);
        service.wait_for("reloaded: secret of local read anew", mark);
        // The wrong one may be tried once more before.
        service.until("the new secret", |_| {
            sent(&emulator, NEW_SECRET).then_some(())
        });
    });
}

#[test]
fn another_client_is_warm_before_a_caller_meets_it() {
    let emulator = emulator()
        .client("other-client", NEW_SECRET)
        .rate_limit(0)
        .start()
        .unwrap();
    let service = Setup::new(&emulator).start();
    service.get("/v1/token/local").expect(200);
    let secret = service.home().join("secret");
    write_private(&secret, NEW_SECRET);
    under_load(&service, "/v1/token/local", || {
        let mark = service.said().len();
        service.reconfigure(|text| {
            let file = format!("{{ file = \"{}\" }}", secret.display());
            text.replace(ID, "other-client")
                .replace("{ env = \"SECRET\" }", &file)
        });
        service.wait_for("reloaded: profile local changed", mark);
    });
    let requests = emulator.requests();
    let last = requests
        .iter()
        .rfind(|request| request.path == "/token")
        .unwrap();
    assert_eq!(last.client_id.as_deref(), Some("other-client"));
    assert_eq!(emulator.token_requests(), 2);
}

#[test]
fn a_bad_file_keeps_the_old_state_and_says_so() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let id = token_id(&service);
    let good = std::fs::read_to_string(service.home().join("config.toml")).unwrap();
    for (bad, words) in [
        (
            good.replace("[service]", "[service]\ncolour = \"blue\""),
            "colour",
        ),
        (
            good.replace("127.0.0.1:0", "0.0.0.0:7878"),
            "listens in plain text",
        ),
        ("= not TOML canary".to_owned(), "config.toml:1:1"),
        (String::new(), "version: is missing"),
    ] {
        let mark = service.said().len();
        service.reconfigure(|_| bad.clone());
        service.wait_for("not reloaded, the old configuration goes on: ", mark);
        service.wait_for(words, mark);
        assert_eq!(token_id(&service), id);
    }
    // Being asked again says it again.
    let mark = service.said().len();
    service.signal("HUP");
    service.wait_for("not reloaded", mark);
    // That it is right again is said, though nothing is different.
    let mark = service.said().len();
    service.reconfigure(|_| good);
    service.wait_for("reloaded: nothing is different", mark);
    assert_eq!(token_id(&service), id);
    assert_eq!(emulator.token_requests(), 1, "the desk was kept");
}

#[test]
fn profiles_come_and_go_and_the_others_keep_their_tokens() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator).profile("other", &emulator);
    let service = setup.start();
    let id = token_id(&service);
    let without_other = |text: String| {
        let (head, rest) = text.split_once("[profiles.other]").unwrap();
        let (_, tail) = rest.split_once("[service]").unwrap();
        format!("# edited\n{head}[service]{tail}")
    };
    let mark = service.said().len();
    service.reconfigure(without_other);
    service.wait_for("reloaded: profile other removed", mark);
    let mark = service.said().len();
    service.reconfigure(|text| {
        let profile = text.split_once("[profiles.local]").unwrap().1;
        let profile = profile.split_once("[service]").unwrap().0.to_owned();
        let text = text.replace("[service]", &format!("[profiles.third]{profile}[service]"));
        text.replace(
            "profiles = [\"local\"]",
            "profiles = [\"local\", \"third\"]",
        )
    });
    service.wait_for(
        "reloaded: profile third added, caller billing changed",
        mark,
    );
    assert_eq!(token_id(&service), id);
    service.get("/v1/token/third").expect(200);
    let listed = service.get("/v1/profiles").expect(200);
    assert_eq!(listed["profiles"].as_array().unwrap().len(), 2);
}

#[test]
fn a_command_is_asked_anew_when_the_operator_says_so_alone() {
    let emulator = rotating();
    let setup = Setup::new(&emulator).without_profiles();
    let script = setup.home.path().join("secret.sh");
    write_private(&script, &format!("printf %s '{SECRET}'"));
    let setup = setup.lines(&format!(
        "[profiles.local]\ntoken_endpoint = \"{}\"\nclient_id = \"{ID}\"\n\
         client_secret = {{ command = [\"/bin/sh\", \"{}\"] }}\n",
        emulator.token_endpoint(),
        script.display()
    ));
    let service = setup.start();
    service.get("/v1/token/local").expect(200);
    write_private(&script, &format!("printf %s '{NEW_SECRET}'"));
    let mark = service.said().len();
    service.signal("HUP");
    service.wait_for("reloaded: secret of local read anew", mark);
    assert!(emulator.wait_for_requests(2, PATIENCE));
    assert!(sent(&emulator, NEW_SECRET));
}

#[test]
fn to_read_a_file_is_no_change_of_it() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let config = service.home().join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    for _ in 0..50 {
        std::fs::read(&config).unwrap();
        write_private(&service.home().join("neighbour"), "x");
        // The same content under a new date.
        write_private(&config, &text);
    }
    let mark = service.said().len();
    service.reconfigure(|text| text.replace("name = \"billing\"", "name = \"shop\""));
    service.wait_for("reloaded: caller shop added, caller billing removed", mark);
    let (_, said) = service.stop();
    assert_eq!(said.matches("reloaded: ").count(), 1, "{said}");
}

#[test]
fn the_mode_of_the_socket_follows_the_callers() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator).without_service();
    let socket = setup.socket();
    let listen = format!("listen = [\"unix:{}\"]\n", socket.display());
    let service = setup.service(&listen).start();
    let mode = || std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    let uid = rustix::process::geteuid().as_raw();
    let mark = service.said().len();
    service.reconfigure(|text| {
        format!("{text}[[service.callers]]\nname = \"me\"\nuid = {uid}\nprofiles = [\"local\"]\n")
    });
    service.wait_for("reloaded: caller me added", mark);
    assert_eq!(mode(), 0o666);
    let request = b"GET /v1/token/local HTTP/1.1\r\nHost: x\r\nConnection: close\r\nProve-Token-Request: true\r\n\r\n";
    raw(service.unix(), request).expect(200);
}

#[test]
fn other_listeners_need_a_restart_and_that_is_said() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    let mark = service.said().len();
    service.reconfigure(|text| text.replace("\"127.0.0.1:0\"", "\"127.0.0.1:0\", \"[::1]:0\""));
    service.wait_for("take effect when the service is restarted", mark);
    service.get("/v1/token/local").expect(200);
}
