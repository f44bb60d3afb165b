//! The log: what an operator finds there, and what nobody does.

use prove_token_emulator::Fault;
use serde_json::Value;

use crate::harness::{KEY, Setup, assert_no_token, emulator};

/// What a service says of a day with everything in it, and the id of a refused request.
fn day(change: impl FnOnce(Setup) -> Setup) -> (String, String) {
    let emulator = emulator()
        .fault(Fault::status(503).times(1))
        .start()
        .unwrap();
    let service = change(Setup::new(&emulator).watched()).start();
    service.get("/v1/token/local").expect(200);
    let key = format!("Bearer {KEY}x");
    let refused = service.request("GET", "/v1/token/local", &[("Authorization", &key)], "");
    let id = refused.expect(401)["request_id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(refused.header("x-request-id"), Some(&*id));
    let basic = [("Content-Type", "application/x-www-form-urlencoded")];
    let form = format!("grant_type=client_credentials&client_id=billing&client_secret={KEY}");
    service.request("POST", "/token", &basic, &form).expect(200);
    service
        .get(&format!("/v1/token/local?key={KEY}"))
        .expect(400);
    service.operator("/");
    emulator.inject(Fault::status(401));
    // The token that is held goes on being handed out.
    service.get("/v1/token/local?force=true").expect(200);
    let (code, said) = service.stop();
    assert_eq!(code, Some(0));
    assert_no_token(&said);
    (said, id)
}

#[test]
fn everything_is_told_and_no_secret_at_the_loudest() {
    let (said, id) = day(|setup| setup.args(&["-vv"]));
    for word in [
        "a new token profile=\"local\"",
        "a request for a token failed profile=\"local\" attempt=1",
        "WARN no new token profile=\"local\" kind=\"credentials_rejected\"",
        "answered request_id=",
        "route=\"/v1/token/{profile}\" method=\"read\" status=200 caller=\"billing\"",
        "route=\"/token\" method=\"write\" status=200 caller=\"billing\"",
    ] {
        assert!(said.contains(word), "{word} in {said}");
    }
    let refused = said
        .lines()
        .find(|line| line.contains("INFO not served") && line.contains(&id));
    assert!(
        refused.is_some_and(|line| line.contains("status=401")),
        "{said}"
    );
    assert!(
        !said.contains('\u{1b}'),
        "no colours where no terminal is: {said}"
    );
    for library in ["hyper", "reqwest", "rustls", "h2", "tokio"] {
        assert!(
            !said.contains(&format!("{library}::")),
            "{library} in {said}"
        );
    }
}

fn is_ready(line: &Value) -> bool {
    let message = line["message"].as_str();
    message.is_some_and(|message| message.starts_with("ready"))
}

#[test]
fn lines_of_json_are_objects_from_the_first_to_the_last() {
    let (said, id) = {
        let emulator = emulator().start().unwrap();
        let setup = Setup::new(&emulator).args(&["-v", "--log-format", "json"]);
        let mut child = setup.command().spawn().unwrap();
        let mut lines =
            std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
        let mut said = Vec::new();
        let mut port = None;
        while !said.last().is_some_and(is_ready) {
            let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            let message = line["message"].as_str().unwrap().to_owned();
            let place = message.strip_prefix("listening on 127.0.0.1:");
            let number = place.and_then(|place| place.split(' ').next());
            port = port.or(number.map(str::to_owned));
            said.push(line);
        }
        let stream = std::net::TcpStream::connect(format!("127.0.0.1:{}", port.unwrap())).unwrap();
        let request = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let id = crate::harness::raw(stream, request).expect(401)["request_id"].clone();
        let kill = std::process::Command::new("kill")
            .arg(child.id().to_string())
            .status();
        assert!(kill.unwrap().success());
        said.extend(lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap()));
        assert!(child.wait().unwrap().success());
        (said, id)
    };
    let refused = said
        .iter()
        .find(|line| line["message"] == "not served")
        .unwrap();
    assert_eq!(
        (&refused["request_id"], &refused["level"]),
        (&id, &"INFO".into())
    );
    assert_eq!(
        (&refused["status"], &refused["error"]),
        (&401.into(), &"unauthorized".into())
    );
    assert!(refused["timestamp"].is_string());
}

#[test]
fn the_journal_gets_levels_and_no_times() {
    let (said, _) = day(Setup::for_the_journal);
    assert!(
        said.contains("\n<6> INFO a new token")
            || said.contains("\n<6>INFO a new token")
            || said.contains("\n<6>  INFO a new token"),
        "{said}"
    );
    assert!(said.contains("\n<4>"), "{said}");
    assert!(!said.contains("answered"), "{said}");
}

/// As in a terminal of a desktop, where each program inherits the variable.
#[test]
fn whoever_is_not_the_journal_gets_times_and_no_marks() {
    let (said, _) = day(|setup| setup.env("JOURNAL_STREAM", "8:1234"));
    assert!(!said.contains("\n<"), "{said}");
    let line = said.lines().find(|line| line.contains("a new token"));
    assert!(line.unwrap().starts_with("20"), "{said}");
}

#[test]
fn less_is_said_on_request() {
    let (said, _) = day(|setup| setup.args(&["-q"]));
    assert!(said.contains("WARN no new token"), "{said}");
    assert!(!said.contains("INFO"), "{said}");
    let (said, _) = day(|setup| setup.args(&["-qq"]));
    assert!(!said.contains("WARN"), "{said}");
}

#[test]
fn a_flood_of_wrong_keys_is_a_few_lines() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).start();
    for _ in 0..200 {
        service
            .request("GET", "/v1/token/local", &[], "")
            .expect(401);
    }
    let (_, said) = service.stop();
    let lines = said.matches("not served").count();
    assert!((1..100).contains(&lines), "{lines} in {said}");
}

#[test]
fn a_word_that_is_no_format_is_a_usage_error() {
    let emulator = emulator().start().unwrap();
    for args in [
        &["--log-format", "xml"][..],
        &["-v", "-q"],
        &["-q", "--check-config"],
        &["-v", "caller", "list"],
    ] {
        let output = Setup::new(&emulator).args(args).command().output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}

#[test]
fn a_log_that_nobody_reads_holds_up_nothing() {
    /// Of them a pipe takes a few hundred lines.
    const REQUESTS: usize = 1_000;
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator).args(&["-v"]);
    let mut child = setup.command().spawn().unwrap();
    let mut log = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    let mut port = None;
    while !line.starts_with("ready") {
        line.clear();
        assert_ne!(std::io::BufRead::read_line(&mut log, &mut line).unwrap(), 0);
        let place = line.strip_prefix("listening on 127.0.0.1:");
        let number = place.and_then(|place| place.split(' ').next());
        port = port.or(number.map(str::to_owned));
    }
    let address = format!("127.0.0.1:{}", port.unwrap());
    let request = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    for _ in 0..REQUESTS {
        let stream = std::net::TcpStream::connect(&address).unwrap();
        let limit = std::time::Duration::from_secs(20);
        stream.set_read_timeout(Some(limit)).unwrap();
        crate::harness::raw(stream, request).expect(401);
    }
    let kill = std::process::Command::new("kill")
        .arg(child.id().to_string())
        .status();
    assert!(kill.unwrap().success());
    // Nor does it hold up the end.
    assert!(child.wait().unwrap().success());
    let said = std::io::read_to_string(log).unwrap();
    let lines = said.matches("answered").count();
    assert!((1..REQUESTS).contains(&lines), "{lines}");
}

/// A service that does not start is what an operator looks for among the errors.
#[test]
fn the_journal_knows_why_it_does_not_start() {
    let emulator = emulator().start().unwrap();
    let setup = Setup::new(&emulator).service("nonsense = 1\n");
    let output = setup.for_the_journal().command().output();
    let said = String::from_utf8(output.unwrap().stderr).unwrap();
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].starts_with("<3>error: "), "{said}");
    assert!(lines[1].starts_with("<3>hint: "), "{said}");
}
