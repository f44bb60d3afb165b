//! A program with a broker of its own: what it is told, what the broker does for it and
//! for nobody else, and how it ends with the program.

mod rules;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use prove_token_emulator::{Emulator, Fault};
use rustix::process::Signal;
use snapbox::str;

use super::{WAIT, exec};
use crate::harness::{ID, Run, Running, SECRET, emulator, run};
use crate::terminal::Terminal;

/// A run of `words` with a broker for `emulator`.
fn brokered(emulator: &Emulator, options: &[&str], words: &[&str]) -> Run {
    let flags = ["--broker", "--api-base", emulator.url()];
    exec(emulator, &[&flags, options].concat(), words)
}

/// A program that waits, and what it was told of its broker.
struct Program {
    running: Running,
    address: String,
    key: String,
}

impl Program {
    fn start(emulator: &Emulator, options: &[&str]) -> Self {
        let tell = "echo $PROVE_TOKEN_BROKER_URL; echo $PROVE_TOKEN_BROKER_KEY";
        let script = WAIT.replace("echo $$", tell);
        let mut running = brokered(emulator, options, &["sh", "-c", &script]).start();
        let url = running.stdout_line();
        Self {
            address: url.strip_prefix("http://").expect(&url).to_owned(),
            key: running.stdout_line(),
            running,
        }
    }

    /// The status, and the whole answer, to a request with this head (without its last
    /// empty line) and body; `KEY` in it stands for the key.
    fn ask(&self, head: &str, body: &str) -> (u16, String) {
        let head = head.replace("KEY", &self.key).replace('\n', "\r\n");
        let length = body.len();
        let request =
            format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(!answer.contains("canary"), "{answer}");
        (answer[9..12].parse().unwrap(), answer)
    }

    /// Asks it to end, and returns what it said.
    fn end(self) -> String {
        self.running.signal(Signal::TERM);
        let outcome = self.running.outcome();
        assert_eq!(outcome.code, Some(9), "{outcome:?}");
        outcome.stderr
    }
}

const TOKEN: &str = "GET /v1/token/flags HTTP/1.1\nHost: localhost\nAuthorization: Bearer KEY\n\
                     Prove-Token-Request: true";

const CALL: &str = "POST /proxy/flags/v3/start HTTP/1.1\nHost: localhost\n\
                    Authorization: Bearer KEY\nContent-Type: application/json";

const START: &str = r#"{"flowType":"mobile","phoneNumber":"2001001695"}"#;

/// The id of the token in an answer.
fn id(answer: &str) -> String {
    let (_, rest) = answer.split_once(r#""token_id":""#).unwrap();
    rest.split_once('"').unwrap().0.to_owned()
}

/// As an SDK does: a grant at the token endpoint, calls below the base URL with it.
#[test]
fn a_program_that_speaks_oauth_needs_no_token_of_its_own() {
    let emulator = emulator().start().unwrap();
    let script = r#"
grant() {
  curl -sS -u "$PROVE_TOKEN_BROKER_CLIENT_ID:$PROVE_TOKEN_BROKER_KEY" \
    -d grant_type=client_credentials "$PROVE_TOKEN_BROKER_TOKEN_URL"
}
start() {
  curl -sS -o answer -w '%{http_code} ' -H "Authorization: Bearer $1" \
    -H 'Content-Type: application/json' \
    -d '{"flowType":"mobile","phoneNumber":"2001001695"}' "$PROVE_TOKEN_BROKER_API_BASE/v3/start"
  grep -c correlationId answer
}
bearer=$(grant | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
echo "$bearer" | cut -d~ -f1,2
start "$bearer"
start "$PROVE_TOKEN_BROKER_KEY"
curl -sS -o token -w '%{http_code}\n' -H "Authorization: Bearer $PROVE_TOKEN_BROKER_KEY" \
  -H 'Prove-Token-Request: true' "$PROVE_TOKEN_BROKER_URL/v1/token/flags"
grep -o 'call the API through /proxy' token
"#;
    brokered(&emulator, &[], &["sh", "-c", script])
        .outcome()
        .transcript(
            0,
            str![[r#"
ptb1~program
200 1
200 1
403
call the API through /proxy

"#]],
            str![],
        );
    assert_eq!(emulator.token_requests(), 1);
}

#[test]
fn the_token_is_handed_out_if_that_is_asked_for() {
    let emulator = emulator().start().unwrap();
    let program = Program::start(&emulator, &["--hands-out", "token"]);
    let (status, answer) = program.ask(TOKEN, "");
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains(r#""access_token":"eyJ"#), "{answer}");
    let form = format!(
        "grant_type=client_credentials&client_id=program&client_secret={}",
        program.key
    );
    let head = "POST /token HTTP/1.1\nHost: localhost\n\
                Content-Type: application/x-www-form-urlencoded";
    let (status, answer) = program.ask(head, &form);
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains(r#""access_token":"eyJ"#), "{answer}");
    assert_eq!(program.end(), "");
    assert_eq!(emulator.token_requests(), 1);
}

/// In no variable of the program, and the key on nobody's command line.
#[test]
fn neither_secret_nor_token_is_in_the_environment() {
    let emulator = emulator().start().unwrap();
    let config = format!(
        "version = 1\ndefault_profile = \"mine\"\n[profiles.mine]\ntoken_endpoint = \"{}\"\n\
         api_base = \"{}\"\nclient_id = \"{ID}\"\nclient_secret = {{ env = \"MY_SECRET\" }}\n\
         [profiles.other]\nenvironment = \"uat-us\"\nclient_id = \"other\"\n\
         client_secret = {{ env = \"OTHER_SECRET\" }}\n",
        emulator.token_endpoint(),
        emulator.url()
    );
    let script = "tr '\\0' '\\n' < /proc/$$/environ | sort | \
                  sed 's/ptk_[A-Za-z0-9_-]\\{43\\}$/[KEY]/'; \
                  tr '\\0' ' ' < /proc/$PPID/cmdline | grep -c \"$PROVE_TOKEN_BROKER_KEY\"";
    run(&["exec", "--broker", "--", "sh", "-c", script])
        .config(&config)
        .env("MY_SECRET", SECRET)
        .env("OTHER_SECRET", "canary-other")
        .env("PROVE_CLIENT_SECRET", "canary-variable")
        .env("PROVE_CLIENT_SECRET_FILE", "/canary")
        .env("PROVE_ACCESS_TOKEN", "canary-old")
        .env("PROVE_TOKEN_BROKER_KEY", "canary-of-another-broker")
        .env("PATH", "/usr/bin:/bin")
        .outcome()
        .transcript(
            1,
            str![[r#"
HOME=[HOME]
PATH=/usr/bin:/bin
PROVE_TOKEN_BROKER_API_BASE=http://127.0.0.1:[PORT]/proxy/mine
PROVE_TOKEN_BROKER_CLIENT_ID=program
PROVE_TOKEN_BROKER_KEY=[KEY]
PROVE_TOKEN_BROKER_TOKEN_URL=http://127.0.0.1:[PORT]/token
PROVE_TOKEN_BROKER_URL=http://127.0.0.1:[PORT]
0

"#]],
            str![],
        );
}

#[test]
fn the_token_is_renewed_while_the_program_runs() {
    let emulator = emulator().start().unwrap();
    let program = Program::start(&emulator, &["--hands-out", "token"]);
    let (status, first) = program.ask(TOKEN, "");
    assert_eq!(status, 200);
    // The API rejects it: the call is answered, with another one.
    emulator.revoke_all_tokens();
    let (status, answer) = program.ask(CALL, START);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(emulator.token_requests(), 2);
    let (_, second) = program.ask(TOKEN, "");
    assert_ne!(id(&first), id(&second));
    program.end();
}

#[test]
fn the_program_may_say_that_a_token_was_rejected() {
    let emulator = emulator().start().unwrap();
    let program = Program::start(&emulator, &["--hands-out", "token"]);
    let first = id(&program.ask(TOKEN, "").1);
    let reject = "POST /v1/token/flags/reject HTTP/1.1\nHost: localhost\n\
                  Authorization: Bearer KEY\nProve-Token-Request: true\n\
                  Content-Type: application/json";
    let body = format!(r#"{{"token_id":"{first}"}}"#);
    let (_, answer) = program.ask(reject, &body);
    assert!(answer.contains(r#""rejected":true"#), "{answer}");
    assert_ne!(first, id(&program.ask(TOKEN, "").1));
    assert_eq!(emulator.token_requests(), 2);
    program.end();
}

/// An outage is an answer to the program, and nothing that is written between its lines.
#[test]
fn an_outage_is_told_to_the_program() {
    let emulator = emulator().start().unwrap();
    let program = Program::start(&emulator, &[]);
    emulator.inject(Fault::status(503).times(0));
    emulator.revoke_all_tokens();
    let (status, answer) = program.ask(CALL, START);
    assert_eq!(status, 503, "{answer}");
    assert!(answer.contains("retry-after: "), "{answer}");
    assert_eq!(program.end(), "");
}

#[test]
fn it_ends_with_the_program() {
    let emulator = emulator().start().unwrap();
    let program = Program::start(&emulator, &[]);
    let address = program.address.clone();
    let idle = TcpStream::connect(&address).unwrap();
    program.end();
    let error = TcpStream::connect(&address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let mut rest = Vec::new();
    assert!(
        matches!((&idle).read_to_end(&mut rest), Ok(0) | Err(_)),
        "{rest:?}"
    );
}

/// What the program leaves running holds nothing up, and has no broker any more.
#[test]
fn what_outlives_the_program_has_none() {
    let emulator = emulator().start().unwrap();
    let home = tempfile::tempdir().unwrap();
    let script = "mkfifo go done; \
                  (read x <go; curl -s \"$PROVE_TOKEN_BROKER_URL/v1/profiles\"; echo $? >done) \
                  </dev/null >/dev/null 2>&1 & exit 4";
    let flags = ["exec", "--environment", "emulator", "--broker", "--"];
    let outcome =
        crate::harness::run_in(home.path(), &[&flags[..], &["sh", "-c", script]].concat())
            .env("PATH", "/usr/bin:/bin")
            .outcome();
    assert_eq!(outcome.code, Some(4), "{outcome:?}");
    std::fs::write(home.path().join("go"), "on\n").unwrap();
    let said = std::fs::read_to_string(home.path().join("done")).unwrap();
    assert_eq!(said, "7\n", "curl could not connect");
    drop(emulator);
}

#[test]
fn a_signal_before_the_program_ends_the_command() {
    let emulator = emulator().fault(Fault::silence()).start().unwrap();
    let running = brokered(&emulator, &[], &["echo", "started"]).start();
    assert!(emulator.wait_for_requests(1, std::time::Duration::from_secs(20)));
    running.signal(Signal::TERM);
    running.outcome().transcript(
        143,
        str![],
        str![[r#"
error: interrupted

"#]],
    );
}

#[test]
fn what_happens_is_told_if_that_is_asked_for() {
    let emulator = emulator().start().unwrap();
    for (format, words) in [
        ("text", "not served"),
        ("json", r#""message":"not served""#),
    ] {
        let program = Program::start(&emulator, &["-v", "--log-format", format]);
        program.ask(&TOKEN.replace("KEY", "ptk_x"), "");
        let key = program.key.clone();
        let said = program.end();
        assert!(said.contains(words), "{said}");
        assert!(said.contains("token_endpoint"), "{said}");
        assert!(!said.contains(&key), "{said}");
    }
}

/// It has the terminal, and what is typed there.
#[test]
fn the_program_has_the_terminal() {
    let home = tempfile::tempdir().unwrap();
    let script = "printf 'name? '; read name; echo hello $name; test -t 0 && test -t 1";
    let flags = ["exec", "--environment", "emulator", "--broker", "--"];
    let args = [&flags[..], &["/bin/sh", "-c", script]].concat();
    let mut terminal = Terminal::start(home.path(), 80, &args);
    terminal.expect("name? ");
    terminal.answer("Alice");
    terminal.end().screen(
        0,
        str![[r#"
name? Alice
hello Alice

"#]],
    );
}
