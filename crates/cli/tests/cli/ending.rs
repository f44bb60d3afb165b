//! A secret command at the end of the command that started it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// A secret command does not outlive the command that started it, however that
/// ends.
#[test]
fn a_secret_command_ends_with_us() {
    for (flags, signal, code) in [
        (&["--timeout", "300ms"][..], None, 7),
        (&[], Some("TERM"), 143),
        (&[], Some("INT"), 130),
    ] {
        let home = tempfile::tempdir().unwrap();
        let fifo = home.path().join("alive");
        assert!(
            Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        let config = format!(
            "version = 1\n[profiles.p]\ntoken_endpoint = \"http://127.0.0.1:9/token\"\n\
             client_id = \"x\"\nclient_secret = {{ command = [\"sh\", \"-c\", \
             \"exec 3>'{}'; echo started >&3; exec sleep 60\"] }}\n",
            fifo.display()
        );
        let file = home.path().join("config.toml");
        prove_token_config::replace_file(&file, config.as_bytes(), 0o600).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_prove-token"))
            .args(["token", "p", "--config"])
            .arg(&file)
            .args(flags)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The secret command holds the other end: this reads on until it is gone.
        let mut alive = BufReader::new(std::fs::File::open(&fifo).unwrap());
        let mut line = String::new();
        alive.read_line(&mut line).unwrap();
        assert_eq!(line, "started\n");
        if let Some(signal) = signal {
            let id = child.id().to_string();
            assert!(
                Command::new("kill")
                    .args(["-s", signal, &id])
                    .status()
                    .unwrap()
                    .success()
            );
        }
        assert_eq!(
            child.wait().unwrap().code(),
            Some(code),
            "{flags:?} {signal:?}"
        );
        assert_eq!(
            alive.read_line(&mut line).unwrap(),
            0,
            "the secret command is gone"
        );
    }
}
