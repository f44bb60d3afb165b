//! What `end_commands` does to a process: in one of its own, because from then on
//! no secret command runs in it.
#![cfg(unix)]

use std::io::Read as _;

use prove_token::SecretSource as _;
use prove_token_config::{CommandSecret, Env, end_commands};
use rustix::fs::{CWD, FileType, Mode, mknodat};

#[test]
fn a_secret_command_does_not_outlive_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let env: Env = [("PATH", "/usr/bin:/bin")].into_iter().collect();
    let script = format!("exec 3>{}; echo up >&3; exec sleep 60", pipe.display());
    let source = CommandSecret::new("sh", ["-c", &script], &env, ["NONE"]);
    let reading = source.clone();
    let reader = std::thread::spawn(move || reading.read().unwrap_err());
    let mut witness = std::fs::File::open(&pipe).unwrap();
    let mut up = [0; 3];
    witness.read_exact(&mut up).unwrap();

    end_commands();

    // The pipe ends with the last process that could write to it.
    assert_eq!(witness.read(&mut up).unwrap(), 0);
    for refused in [reader.join().unwrap(), source.read().unwrap_err()] {
        assert_eq!(
            refused.to_string(),
            "the secret command \"sh\" was not run to its end: the program is ending"
        );
        assert!(refused.hint().is_some());
    }
}
