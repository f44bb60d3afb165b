//! The exit codes, each by a real cause, and what is said with it.

use prove_token_emulator::Fault;

use crate::harness::{ID, SECRET, emulator, run, run_at, run_with};

#[track_caller]
fn assert_words(words: &str, expected: &[&str]) {
    for expected in expected {
        assert!(words.contains(expected), "{expected:?} in:\n{words}");
    }
}

#[test]
fn usage_is_2() {
    assert_words(&run(&["tokn"]).outcome().failure(2), &["similar", "token"]);
    assert_words(
        &run(&["token", "--environment", "uat"]).outcome().failure(2),
        &["uat-us", "prod-us", "emulator"],
    );
    assert_words(
        &run(&["token", "--timeout", "soon"]).outcome().failure(2),
        &["500ms, 5s or 2m"],
    );
}

/// Of all commands, the parser is given only the one that seems to be meant.
#[test]
fn a_profile_may_be_called_like_a_command() {
    let words = run(&["--profile", "status", "token"]).outcome().failure(3);
    assert_words(&words, &["profile", "status"]);
}

/// The parser sees a conflict only where both flags stand on the same side of the
/// command's name.
#[test]
fn what_contradicts_each_other_does_so_in_any_order() {
    for (args, first, second) in [
        (&["-p", "x", "purge", "--all"][..], "--all", "--profile"),
        (
            &["--environment", "uat-us", "purge", "--all"],
            "--all",
            "--environment",
        ),
        (&["-p", "x", "doctor", "--all"], "--all", "--profile"),
        (&["-q", "config", "schema", "-v"], "--quiet", "--verbose"),
        (
            &[
                "--environment",
                "uat-us",
                "init",
                "x",
                "--token-endpoint",
                "https://a.example",
            ],
            "--token-endpoint",
            "--environment",
        ),
        (
            &[
                "--environment",
                "uat-us",
                "config",
                "show",
                "--api-base",
                "https://a.example",
            ],
            "--api-base",
            "--environment",
        ),
    ] {
        let words = run(args).outcome().failure(2);
        let expected = format!("error: {first}");
        assert_words(
            &words,
            &[&expected, &format!("cannot be used with {second}")],
        );
    }
}

#[test]
fn configuration_is_3() {
    assert_words(
        &run(&["token"]).outcome().failure(3),
        &["no profile", "PROVE_CLIENT_ID", "--environment emulator"],
    );
    let config = "version = 1\n[profiles.prove-uat]\nenvironmnet = \"uat-us\"\nclient_id = \"x\"\n\
                  client_secret = { env = \"S\" }\n";
    assert_words(
        &run(&["token", "prove-uat"])
            .config(config)
            .outcome()
            .failure(3),
        &["config.toml:3:1", "environmnet", "environment"],
    );
    assert_words(
        &run(&["token", "prove-uta"])
            .config(&config.replace("mnet", "ment"))
            .outcome()
            .failure(3),
        &["prove-uta", "prove-uat"],
    );
    let words = run(&["token", "--client-id", "x", "--client-secret-stdin"])
        .stdin(SECRET)
        .outcome()
        .failure(3);
    assert_eq!(
        words.matches("add --environment uat-us").count(),
        1,
        "{words}"
    );
}

#[test]
fn a_rejected_secret_is_4() {
    let emulator = emulator().start().unwrap();
    let words = run_with(
        &emulator.token_endpoint(),
        emulator.url(),
        "canary-wrong",
        &["token"],
    )
    .outcome()
    .failure(4);
    assert_words(
        &words,
        &[
            "rejected the client credentials",
            "status 401, code 8002",
            "stray characters",
        ],
    );
    assert_eq!(
        emulator.token_requests(),
        1,
        "a rejection is not tried again"
    );
}

#[cfg(unix)]
#[test]
fn a_secret_source_is_5() {
    let args = [
        "token",
        "--token-endpoint",
        "http://127.0.0.1:9/token",
        "--client-id",
        ID,
        "--client-secret-file",
    ];
    let missing = run(&[&args[..], &["nowhere"]].concat())
        .outcome()
        .failure(5);
    assert_words(&missing, &["nowhere"]);
    let open = run(&[&args[..], &["/dev/null"]].concat())
        .outcome()
        .failure(5);
    assert_words(&open, &["/dev/null"]);
}

#[test]
fn a_refused_request_is_6_and_v3_is_explained() {
    let emulator = emulator().start().unwrap();
    let wrong = format!("{}/v3/token", emulator.url());
    let words = run_with(&wrong, emulator.url(), SECRET, &["token"])
        .outcome()
        .failure(6);
    let remedy = format!("has no /v3: use {}/token", emulator.url());
    assert_words(&words, &["status 403", &remedy]);
}

#[test]
fn no_connection_is_7() {
    // Bound and dropped: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let base = format!("http://127.0.0.1:{port}");
    let words = run_with(&format!("{base}/token"), &base, SECRET, &["token"])
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .outcome()
        .failure(7);
    assert_words(
        &words,
        &[
            "could not connect",
            "connection refused",
            "HTTPS_PROXY is set",
            "--proxy",
        ],
    );
}

#[test]
fn an_unavailable_server_and_a_silent_one_are_7() {
    let emulator = emulator()
        .fault(Fault::status(503).times(3))
        .fault(Fault::silence())
        .start()
        .unwrap();
    let words = run_at(&emulator, &["token"]).outcome().failure(7);
    assert_words(&words, &["is not available (status 503"]);
    assert_eq!(emulator.token_requests(), 3);
    let words = run_at(&emulator, &["token", "--timeout", "200ms"])
        .outcome()
        .failure(7);
    assert_words(&words, &["no result within 200ms", "--timeout"]);
}

#[test]
fn too_many_requests_are_8() {
    let emulator = emulator()
        .fault(Fault::status(429).header("Retry-After", "60"))
        .start()
        .unwrap();
    let outcome = run_at(&emulator, &["token", "-o", "json"]).outcome();
    let words = outcome.failure(8);
    assert_words(
        &words,
        &[
            "\"error\":\"rate_limited\"",
            "\"retry_after\":60",
            "\"http_status\":429",
            "\"exit_code\":8",
        ],
    );
}

#[test]
fn a_captive_portal_is_9() {
    let portal = Fault::status(200)
        .header("Content-Type", "text/html")
        .body("<html>Welcome</html>")
        .times(0);
    let emulator = emulator().fault(portal).start().unwrap();
    let words = run_at(&emulator, &["token"]).outcome().failure(9);
    assert_words(&words, &["is not JSON", "text/html", "captive portal"]);
    assert!(!words.contains("Welcome"), "{words}");
}

#[test]
fn quiet_leaves_the_error_and_drops_the_hint() {
    let words = run(&["token", "-q"]).outcome().failure(3);
    assert!(
        words.starts_with("error: ") && !words.contains("hint:"),
        "{words}"
    );
}

/// What is typed in the wrong place may be a password.
#[test]
fn a_usage_error_repeats_no_value() {
    for (args, words) in [
        (
            &["token", "--proxy", "http://user:canarypw@proxy:3128"][..],
            &["--proxy", "user info", "leave out"][..],
        ),
        (
            &["token", "--token-endpoint", "https://user:canary@h/token"],
            &["--token-endpoint", "user info"],
        ),
        (
            &[
                "token",
                "--token-endpoint",
                "https://h/token?client_secret=canary",
            ],
            &["has a query", "leave out the ?"],
        ),
        (
            &["token", "--token-endpoint", "http://canary.example/canary"],
            &["is not https", "loopback"],
        ),
        (
            &["call", "/x", "-H", "Authorization: Bearer canary"],
            &["--header", "authorization"],
        ),
        (&["call", "/x", "-H", "canary"], &["Name: value"]),
        (
            &["token", "--client-secret-stdin=canary123"],
            &["--client-secret-stdin"],
        ),
        (&["token", "canary1", "canary2"], &["argument 3"]),
        (&["token", "--timeout", "canary"], &["500ms, 5s or 2m"]),
        (&["token", "--environment", "canary"], &["uat-us"]),
        (&["token", "--client-id", "canary\u{7}"], &["--client-id"]),
        (&["token", "-o", "canary"], &["raw", "json"]),
        (&["token", "--Canary=canary"], &["argument 2"]),
        (&["token", "-canary"], &["argument 2"]),
        (&["token", "--verbos"], &["--verbose"]),
        (&["canary"], &["no such command"]),
        (&["config", "canary"], &["no such command"]),
        (&["completion", "canary"], &["bash"]),
        (&["emulator", "--port", "canary"], &["--port"]),
        (&["emulator", "--lifetime", "99999999"], &["1..=86400"]),
        (&["token", "-q", "-v"], &["--quiet", "--verbose"]),
        (&["call"], &["PATH"]),
    ] {
        let text = run(args).outcome().failure(2);
        assert!(text.starts_with("error: "), "{text}");
        assert_words(&text, words);
        assert!(!text.contains("99999999"), "{text}");
    }
}

#[test]
fn a_usage_error_is_json_where_the_result_would_be() {
    for args in [
        &["token", "-o", "json", "canary1", "canary2"][..],
        &["token", "--output=json", "--client-secret", "canary"],
        &["inspect", "--output", "json", "--nonsense"],
        &["config", "validate", "-ojson", "canary"],
    ] {
        let text = run(args).outcome().failure(2);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["error"], "usage", "{text}");
        assert_eq!(json["exit_code"], 2, "{text}");
    }
}

#[test]
fn color_holds_for_help_and_usage_errors() {
    for (args, code) in [(&["token", "--help"][..], 0), (&["tokn"], 2)] {
        let always = run(&[args, &["--color", "always"]].concat()).outcome();
        assert_eq!(always.code, Some(code), "{always:?}");
        assert!(
            format!("{}{}", always.stdout, always.stderr).contains("\u{1b}["),
            "{always:?}"
        );
        let never = run(&[args, &["--color=never"]].concat())
            .env("CLICOLOR_FORCE", "1")
            .outcome();
        assert!(
            !format!("{}{}", never.stdout, never.stderr).contains('\u{1b}'),
            "{never:?}"
        );
    }
}
