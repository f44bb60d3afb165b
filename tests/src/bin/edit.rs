//! Changes files in a process of its own, so that a test can kill it or have the kernel
//! refuse it anything.
//!
//! - `edit replace PATH` puts 3000 bytes of `n` into the file's place.
//! - `edit profile PATH` adds the profile `new` to that configuration file.
//!
//! Standard output gets `done`, or `failed`. The exit code is 0 for both.

use std::path::Path;
use std::process::ExitCode;

use prove_token_config::{Edit, EnvironmentName, Issuer, NewProfile, replace_file};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, path] = &arguments[..] else {
        eprintln!("the arguments make no sense: {arguments:?}");
        return ExitCode::from(2);
    };
    let path = Path::new(path);
    let is_done = match command.as_str() {
        "replace" => replace_file(path, &[b'n'; 3000], 0o600).is_ok(),
        _ => {
            let issuer = Issuer::Environment(EnvironmentName::Emulator);
            let edit = Edit::new().replace_profile("new", NewProfile::new(issuer));
            edit.apply(path).is_ok()
        }
    };
    println!("{}", if is_done { "done" } else { "failed" });
    ExitCode::SUCCESS
}
