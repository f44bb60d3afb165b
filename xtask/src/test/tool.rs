//! The programs that some tests run beside the peers. Nothing installs them: they come
//! with the system, or `.ci/run` gets them.

use std::process::Command;

use super::peer::Missing;
use crate::failure::Failure;
use crate::process;

struct Tool {
    name: &'static str,
    /// The package whose tests run it.
    package: &'static str,
    /// The path that the names of its tests begin with.
    prefix: &'static str,
    works: fn() -> Result<(), Failure>,
}

const TOOLS: [Tool; 12] = [
    Tool {
        name: "strace",
        package: "prove-token-tests",
        prefix: "store::strace::",
        works: strace_works,
    },
    Tool {
        name: "strace",
        package: "prove-token-tests",
        prefix: "edit::strace::",
        works: strace_works,
    },
    Tool {
        name: "strace",
        package: "prove-token-cli",
        prefix: "watch::strace::",
        works: strace_works,
    },
    Tool {
        name: "curl",
        package: "prove-token-tests",
        prefix: "interop::curl::",
        works: || runs("curl", &["--version"]),
    },
    Tool {
        name: "systemd-analyze",
        package: "prove-token-cli",
        prefix: "watch::unit::",
        works: || runs("systemd-analyze", &["--version"]),
    },
    Tool {
        name: "systemd-analyze",
        package: "prove-token-service",
        prefix: "deploy::unit::",
        works: || runs("systemd-analyze", &["--version"]),
    },
    Tool {
        name: "slowhttptest",
        package: "prove-token-service",
        prefix: "slowhttptest::",
        // It ends badly whenever it does nothing.
        works: || runs("sh", &["-c", "command -v slowhttptest"]),
    },
    Tool {
        name: "python3 with yaml",
        package: "prove-token-service",
        prefix: "deploy::yaml::",
        works: || runs("python3", &["-c", "import yaml"]),
    },
    Tool {
        name: "zsh",
        package: "prove-token-cli",
        prefix: "completion::zsh::",
        works: || runs("zsh", &["--version"]),
    },
    Tool {
        name: "fish",
        package: "prove-token-cli",
        prefix: "completion::fish::",
        works: || runs("fish", &["--version"]),
    },
    Tool {
        name: "elvish",
        package: "prove-token-cli",
        prefix: "completion::elvish::",
        works: || runs("elvish", &["-version"]),
    },
    Tool {
        name: "mandoc",
        package: "prove-token-cli",
        prefix: "man::mandoc::",
        works: || runs("mandoc", &["-T", "lint", "-W", "error", "/dev/null"]),
    },
];

/// The tools that this machine does not have, or does not allow.
pub(crate) fn missing() -> Vec<Missing> {
    let missing = |tool: &Tool| {
        let why = (tool.works)().err()?;
        Some(Missing {
            name: tool.name,
            package: tool.package,
            prefix: tool.prefix,
            why,
        })
    };
    TOOLS.iter().filter_map(missing).collect()
}

/// Containers may have the program and not the right to trace, and old versions
/// inject nothing.
fn strace_works() -> Result<(), Failure> {
    let inject = ["-o", "/dev/null", "-e", "inject=write:error=EIO:when=9999"];
    process::capture(Command::new("strace").args(inject).arg("true")).map(drop)
}

fn runs(program: &str, arguments: &[&str]) -> Result<(), Failure> {
    process::capture(Command::new(program).args(arguments)).map(drop)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_tests_of_every_tool_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for tool in &TOOLS {
            let tests = match tool.package {
                "prove-token-cli" => root.join("crates/cli/tests/cli"),
                "prove-token-service" => root.join("crates/service/tests/service"),
                _ => root.join("tests/tests"),
            };
            let module = tool.prefix.trim_end_matches("::").replace("::", "/");
            assert!(tests.join(module + ".rs").is_file(), "{}", tool.name);
        }
    }
}
