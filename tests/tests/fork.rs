//! A forked child works, whatever the parent's threads were doing: their locks,
//! connections and flights are not its own.

use std::process::Command;

#[test]
#[cfg(unix)]
fn a_forked_child_gets_its_tokens() {
    let output = Command::new(env!("CARGO_BIN_EXE_fork")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "", "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success());
}
