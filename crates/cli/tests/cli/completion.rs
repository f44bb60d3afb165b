//! What shells offer while a command line is typed: each real shell loads its script,
//! and asks the real binary.

mod bash;
mod elvish;
mod fish;
mod powershell;
mod zsh;

use std::path::Path;
use std::process::Command;

use snapbox::str;
use tempfile::TempDir;

use crate::harness::{Run, run_in};

const CONFIG: &str = "version = 1\n[profiles.acme]\nenvironment = \"emulator\"\n\
    [profiles.prove-uat]\nenvironment = \"uat-us\"\nclient_id = \"x\"\n\
    client_secret = { command = [\"touch\", \"secret-was-read\"] }\n";

/// A home in which somebody types.
struct Desk(TempDir);

impl Desk {
    /// With a configuration, another one whose name has a space, and the command in
    /// `bin`.
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let other = CONFIG.replace("prove-uat", "other");
        desk.ask("bash", &[""])
            .config(CONFIG)
            .file("my conf.toml", &other)
            .file("bin/README", "");
        let binary = env!("CARGO_BIN_EXE_prove-token");
        #[cfg(unix)]
        std::os::unix::fs::symlink(binary, desk.path().join("bin/prove-token")).unwrap();
        #[cfg(not(unix))]
        std::fs::copy(binary, desk.path().join("bin/prove-token.exe")).unwrap();
        desk
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// What a script for `shell` runs, with these words after the program's name, the
    /// last of which is being typed.
    fn ask(&self, shell: &str, words: &[&str]) -> Run {
        let (word, before) = words.split_last().unwrap();
        run_in(self.path(), &[&["--", "prove-token"], before].concat())
            .env("PROVE_TOKEN_COMPLETE", shell)
            .env("PROVE_TOKEN_COMPLETE_WORD", word)
    }

    /// The words that are offered.
    fn offers(&self, words: &[&str]) -> Vec<String> {
        let lines = self.ask("fish", words).outcome().success();
        let word = |line: &str| line.split('\t').next().unwrap_or_default().to_owned();
        lines.lines().map(word).collect()
    }

    /// What `program` prints for the `script`, with the command on `PATH`.
    fn script(&self, program: &str, arguments: &[&str], script: &str) -> String {
        let file = self.path().join("script");
        std::fs::write(&file, script).unwrap();
        let bin = self.path().join("bin");
        let output = Command::new(program)
            .args(arguments)
            .arg(file)
            .env_clear()
            .env("HOME", self.path())
            .env(
                "PATH",
                format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()),
            )
            .env("TERM", "xterm")
            .current_dir(self.path())
            .output()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(words, "", "{program}");
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn commands_flags_values_and_profiles_are_offered() {
    let desk = Desk::new();
    for (words, offers) in [
        (&["tok"][..], &["token"][..]),
        (&["config", "v"], &["validate"]),
        (&["token", "--env"], &["--environment"]),
        (&["token", "--environment", "uat"], &["uat-us", "uat-eu"]),
        (&["token", "--environment=uat-e"], &["--environment=uat-eu"]),
        (&["token", "-o", "j"], &["json"]),
        (&["token", ""], &["acme", "prove-uat"]),
        (&["purge", "p"], &["prove-uat"]),
        (&["status", "a"], &["acme"]),
        (&["profile", "show", ""], &["acme", "prove-uat"]),
        (&["-p", ""], &["acme", "prove-uat"]),
        (&["token", "--profile=p"], &["--profile=prove-uat"]),
        (&["token", "--ca-file", ""], &[":files"]),
        (&["--config", "my conf.toml", "token", "o"], &["other"]),
        (&["token", "--config=my conf.toml", "o"], &["other"]),
        (&["completion", "b"], &["bash"]),
        (&["profile", "remove", "p"], &["prove-uat"]),
        (&["profile", "add", "p"], &[]),
        (&["exec", "--", "ma"], &[":commands"]),
        (&["exec", "--", "make", "x"], &[":files"]),
        (&["inspect", ""], &[][..]),
    ] {
        let offered = desk.offers(words);
        // What takes no value of ours offers its options.
        let offered: Vec<_> = offered
            .iter()
            .filter(|word| !offers.is_empty() || !word.starts_with('-'))
            .collect();
        assert_eq!(offered, offers, "{words:?}");
    }
    let all = desk.offers(&[""]);
    assert!(all.contains(&"emulator".to_owned()) && all.iter().all(|word| !word.starts_with('-')));
    assert!(desk.offers(&["--"]).contains(&"--profile".to_owned()));
    assert!(!all.join(" ").contains("client-secret "), "{all:?}");
    assert!(!desk.path().join("secret-was-read").exists());
}

#[test]
fn what_cannot_be_read_offers_nothing() {
    let desk = Desk::new();
    for config in [
        "version = ",
        "version = 1\n[profiles.\"a\\u001b\"]\nenvironment = \"emulator\"\n",
    ] {
        let ask = desk.ask("zsh", &["token", "-p", ""]).config(config);
        ask.outcome().transcript(0, str![], str![]);
    }
    let ask = desk.ask("zsh", &["token", "--config", "/nowhere", "-p", ""]);
    ask.outcome().transcript(0, str![], str![]);
    let ask = desk.ask("zsh", &["no-such-command", "--nor-flag", "x"]);
    ask.outcome().transcript(0, str![], str![]);
}

#[test]
fn a_variable_that_was_left_behind_changes_no_run() {
    let desk = Desk::new();
    let run = |args: &[&str]| run_in(desk.path(), args).env("PROVE_TOKEN_COMPLETE", "bash");
    run(&["config", "validate"]).outcome().transcript(
        0,
        str![[r#"
[HOME]/.config/prove-token/config.toml is valid: 2 profiles

"#]],
        str![],
    );
    run(&["completion", "csh"]).outcome().transcript(
        2,
        str![],
        str![[r#"
error: the value of <SHELL> is none of bash, zsh, fish, powershell, elvish
hint: a similar value exists: zsh
hint: --help says what there is

"#]],
    );
    run(&["completion"]).outcome().transcript(
        2,
        str![],
        str![[r#"
error: <SHELL> is missing
hint: usage: prove-token completion <SHELL>; --help says more

"#]],
    );
}

/// The scripts differ; that they load and work is tested with each shell.
#[test]
fn a_script_says_where_it_goes() {
    let desk = Desk::new();
    for (shell, place) in [
        ("bash", "source <(prove-token completion bash)"),
        ("zsh", "prove-token completion zsh >~/.zfunc/_prove-token"),
        (
            "fish",
            "prove-token completion fish >~/.config/fish/completions/prove-token.fish",
        ),
        (
            "powershell",
            "prove-token completion powershell | Out-String | Invoke-Expression",
        ),
        ("elvish", "eval (prove-token completion elvish | slurp)"),
    ] {
        let script = run_in(desk.path(), &["completion", shell])
            .outcome()
            .success();
        assert!(script.contains(place), "{shell}");
        assert!(script.contains("PROVE_TOKEN_COMPLETE_WORD"), "{shell}");
    }
}
