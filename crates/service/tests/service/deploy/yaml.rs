//! The files of YAML, by a parser of its own: there is none among the dependencies.
//!
//! `cargo xtask test` names this as skipped where Python has no yaml.

use std::path::Path;
use std::process::Command;

/// The shape of what is in it; what the names mean is for Kubernetes and Prometheus.
const LOOK: &str = r#"
import sys, yaml
folder = sys.argv[1]
rules = yaml.safe_load(open(folder + "/alerts.yaml"))
for rule in rules["groups"][0]["rules"]:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule
    assert rule["labels"]["severity"] in ("warning", "critical"), rule
    assert rule["annotations"]["summary"], rule
config, app = yaml.safe_load_all(open(folder + "/kubernetes.yaml"))
assert config["kind"] == "ConfigMap" and config["data"]["config.toml"]
pod = app["spec"]["template"]["spec"]
sidecar, = pod["initContainers"]
assert sidecar["restartPolicy"] == "Always"
assert sidecar["securityContext"]["readOnlyRootFilesystem"] is True
assert {mount["name"] for mount in sidecar["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
"#;

#[test]
fn they_are_what_their_readers_want() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let look = Command::new("python3")
        .args(["-c", LOOK])
        .arg(folder)
        .output()
        .unwrap();
    assert!(
        look.status.success(),
        "{}",
        String::from_utf8_lossy(&look.stderr)
    );
}
