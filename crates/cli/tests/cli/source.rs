//! Where a client secret is kept, seen from the command: systemd's credentials and
//! keyrings.

use prove_token_emulator::Emulator;
use snapbox::str;

use crate::harness::{ID, Run, SECRET, emulator, run};

/// A run with a profile of `emulator` whose secret is at `source`.
fn run_from(source: &str, emulator: &Emulator, args: &[&str]) -> Run {
    let endpoint = emulator.token_endpoint();
    run(args).config(&format!(
        "version = 1\ndefault_profile = \"p\"\n[profiles.p]\ntoken_endpoint = \"{endpoint}\"\n\
         client_id = \"{ID}\"\nclient_secret = {source}\n"
    ))
}

#[test]
fn a_credential_of_systemd_is_a_secret() {
    let emulator = emulator().start().unwrap();
    let run = |args: &[&str]| run_from("{ credential = \"prove\" }", &emulator, args);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    run(&["token"])
        .file("credentials/prove", SECRET)
        .env("CREDENTIALS_DIRECTORY", "credentials")
        .outcome()
        .transcript(
            0,
            str![[r#"
[TOKEN]

"#]],
            str![],
        );
    run(&["token"]).outcome().transcript(5, str![], str![[r#"
error: the credential "prove" cannot be had: CREDENTIALS_DIRECTORY is not set
hint: systemd sets it for a service: write LoadCredential=prove:/path into the unit, or keep the secret in a file

"#]]);
    run(&["token"])
        .env("CREDENTIALS_DIRECTORY", path)
        .outcome()
        .transcript(
            5,
            str![],
            str![[r#"
error: the credential "prove" does not exist in CREDENTIALS_DIRECTORY
hint: write LoadCredential=prove:/path into the unit, or name another credential

"#]],
        );
    let shown = run(&["config", "show"]).outcome().success();
    assert!(shown.contains("in the credential prove "), "{shown}");
    run_from("{ credential = \"../prove\" }", &emulator, &["token"])
        .outcome()
        .transcript(3, str![], str![[r#"
error: [HOME]/.config/prove-token/config.toml:6:32: profiles.p.client_secret.credential: not the name of a credential
hint: write the name that the unit's LoadCredential gives it, without a path: the file is looked for in CREDENTIALS_DIRECTORY

"#]]);
}

#[cfg(not(feature = "secret-service"))]
#[cfg(target_os = "linux")]
#[test]
fn a_build_without_a_keyring_says_so() {
    let emulator = emulator().start().unwrap();
    let run = |args: &[&str]| run_from("{ keyring = \"prove-uat\" }", &emulator, args);
    run(&["token"]).outcome().transcript(5, str![], str![[r#"
error: the keyring entry "prove-uat" cannot be had: this build has no support for it
hint: use a released prove-token, or build it with --features secret-service; or keep the secret in a file, or with until_reboot = true in the kernel's keyring

"#]]);
    let shown = run(&["config", "show"]).outcome().success();
    assert!(
        shown.contains("in the keyring, as prove-uat, to be read within 20s"),
        "{shown}"
    );
}

#[cfg(target_os = "linux")]
mod kernel {
    use prove_token::ClientSecret;
    use prove_token_config::KeyringSecret;

    use super::*;

    /// An entry that no other test, nor any user, has.
    struct Entry(String);

    impl Entry {
        fn new(name: &str) -> Self {
            Self(format!("test-{name}-{}", std::process::id()))
        }

        fn keyring(&self) -> KeyringSecret {
            KeyringSecret::new(&self.0, true)
        }

        fn run(&self, emulator: &Emulator) -> Run {
            let source = format!("{{ keyring = \"{}\", until_reboot = true }}", self.0);
            run_from(&source, emulator, &["token"])
        }
    }

    impl Drop for Entry {
        fn drop(&mut self) {
            let _ = self.keyring().remove();
        }
    }

    #[test]
    fn the_kernel_keeps_a_secret_for_other_processes() {
        let emulator = emulator().start().unwrap();
        let entry = Entry::new("kernel");
        if let Err(error) = entry.keyring().check() {
            // Most containers have none: then the command says the same.
            let reason = error.to_string();
            let (_, reason) = reason.split_once(" cannot be had: ").unwrap();
            let words = entry.run(&emulator).outcome().failure(5);
            assert!(
                words.contains(&format!(" cannot be had: {reason}\n")),
                "{words}"
            );
            return;
        }
        let words = entry.run(&emulator).outcome().failure(5);
        assert!(words.contains("does not exist"), "{words}");
        assert!(words.contains("prove-token secret set"), "{words}");
        let save = |secret| {
            let secret = ClientSecret::new(secret).unwrap();
            entry.keyring().save(&secret).unwrap();
        };
        save("canary of another client");
        assert!(entry.run(&emulator).outcome().failure(4).contains("hint:"));
        save(SECRET);
        entry.run(&emulator).outcome().transcript(
            0,
            str![[r#"
[TOKEN]

"#]],
            str![],
        );
    }
}
