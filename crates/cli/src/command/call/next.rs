//! The steps that an answer of Prove names as `next`, as commands to run.

use serde_json::{Map, Value, json};

use crate::args::Global;
use crate::shell;

/// An id or a path longer than this is none.
const LONGEST: usize = 200;

/// What `--follow-next` says of a successful answer: a line for each step. `sent` is the
/// body of the request, which knows the flow's id if the answer does not repeat it.
pub(super) fn steps(answer: &[u8], sent: &[u8], global: &Global) -> Vec<String> {
    let object = |bytes| serde_json::from_slice::<Map<String, Value>>(bytes).unwrap_or_default();
    let (answer, sent) = (object(answer), object(sent));
    let Some(Value::Object(next)) = answer.get("next") else {
        return vec!["the answer names no next step".to_owned()];
    };
    let id = ["correlationId", "authId"].into_iter().find_map(|name| {
        let id = answer.get(name).or_else(|| sent.get(name))?.as_str()?;
        is_id(id).then(|| (name, id.to_owned()))
    });
    next.values()
        .filter_map(Value::as_str)
        .filter_map(|step| match step {
            "done" => Some("next: nothing, the flow is done".to_owned()),
            path if is_path(path) => Some(format!("next: {}", command(path, id.clone(), global))),
            // A server's words are not repeated as a command.
            _ => None,
        })
        .collect()
}

fn command(path: &str, id: Option<(&str, String)>, global: &Global) -> String {
    let mut body = Map::new();
    if let Some((name, id)) = id {
        body.insert(name.to_owned(), Value::String(id));
    }
    if path.ends_with("/complete") {
        // What is known of a person is not copied into a shell's history.
        body.insert(
            "individual".to_owned(),
            json!({"firstName": "", "lastName": ""}),
        );
    }
    let mut words = vec!["prove-token".to_owned()];
    let mut flag = |name: &str, value: Option<String>| {
        words.extend(
            value
                .into_iter()
                .flat_map(|value| [name.to_owned(), word(&value)]),
        );
    };
    flag(
        "--config",
        global
            .config
            .as_ref()
            .map(|path| path.display().to_string()),
    );
    flag("--profile", global.profile.clone());
    flag(
        "--environment",
        global.environment.map(|name| name.to_string()),
    );
    let data = shell::posix(&Value::Object(body).to_string());
    words.push(format!("call POST {path} --follow-next -d {data}"));
    words.join(" ")
}

fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => shell::posix(text),
    }
}

fn is_id(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=LONGEST).contains(&text.len()) && text.chars().all(is_plain)
}

fn is_path(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    text.len() <= LONGEST
        && text.starts_with('/')
        && !text.starts_with("//")
        && text.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::Cli;

    fn global(args: &[&str]) -> Global {
        let line = [&["prove-token"], args, &["config", "path"]].concat();
        Cli::try_parse_from(line).unwrap().global
    }

    #[test]
    fn a_step_is_a_command_with_the_flows_id() {
        let answer = br#"{"correlationId":"c-1","authToken":"canary","next":{"v3-validate":"/v3/validate"}}"#;
        assert_eq!(
            steps(answer, b"", &global(&["-p", "prove-uat"])),
            [
                r#"next: prove-token --profile prove-uat call POST /v3/validate --follow-next -d '{"correlationId":"c-1"}'"#
            ]
        );
        let answer =
            br#"{"success":true,"individual":{"firstName":"canary"},"next":{"x":"/v3/complete"}}"#;
        assert_eq!(
            steps(
                answer,
                br#"{"correlationId":"c-1"}"#,
                &global(&["--config", "my file"])
            ),
            [
                r#"next: prove-token --config 'my file' call POST /v3/complete --follow-next -d '{"correlationId":"c-1","individual":{"firstName":"","lastName":""}}'"#
            ]
        );
    }

    #[test]
    fn the_end_and_the_lack_of_steps_are_said() {
        let none = &global(&[]);
        let done = br#"{"next":{"done":"done"}}"#;
        assert_eq!(steps(done, b"", none), ["next: nothing, the flow is done"]);
        for other in [&b"{}"[..], b"[]", b"", b"{\"next\":3}"] {
            assert_eq!(steps(other, b"", none), ["the answer names no next step"]);
        }
    }

    /// A server that is not to be trusted gets no words into a shell.
    #[test]
    fn a_server_writes_no_command() {
        let none = &global(&[]);
        for step in [
            "/v3/x; rm -rf /",
            "//evil",
            "https://evil",
            "/v3/$(x)",
            "/\u{1b}[2J",
            "/a b",
        ] {
            let answer = json!({"correlationId": "'; x", "next": {"a": step, "b": "/v3/ok"}});
            let text = answer.to_string();
            assert_eq!(
                steps(text.as_bytes(), b"", none),
                ["next: prove-token call POST /v3/ok --follow-next -d '{}'"]
            );
        }
    }
}
