//! In PowerShell, on a machine that has it: no registry brings it to the others.

use std::process::Command;

use super::Desk;

#[test]
fn words_values_and_profiles_are_offered() {
    let desk = Desk::new();
    let binary = desk.path().join("bin/prove-token");
    let binary = binary.display();
    for (line, offers) in [
        ("tok", "token"),
        ("token ", "acme prove-uat"),
        ("token p", "prove-uat"),
        ("token --environment=uat-e", "--environment=uat-eu"),
        ("--config 'my conf.toml' token o", "other"),
    ] {
        let line = format!("{binary} {line}");
        let script = format!(
            "Set-Location '{}'; {binary} completion powershell | Out-String | Invoke-Expression; \
             (TabExpansion2 -inputScript \"{line}\" -cursorColumn {}).CompletionMatches.CompletionText \
             -join ' '",
            desk.path().display(),
            line.len()
        );
        let output = Command::new("pwsh")
            .args(["-NoProfile", "-NonInteractive", "-Command", &script])
            .env("HOME", desk.path())
            .output();
        match output {
            Ok(output) => {
                let offered = String::from_utf8_lossy(&output.stdout);
                assert_eq!(offered.trim(), offers, "{line}: {output:?}");
            }
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
        }
    }
}
