//! What is refused, before anything is asked for.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use snapbox::str;

use crate::harness::{ID, run};
use crate::store::Place;

#[test]
fn what_is_no_file_of_ours_is_left_alone() {
    let place = Place::new();
    let home = place.home();
    fs::write(home.join("target"), "old").unwrap();
    symlink("target", home.join("link")).unwrap();
    symlink("nowhere", home.join("dangling")).unwrap();
    fs::create_dir(home.join("folder")).unwrap();
    let watch = |sink: &str| place.run(&["watch", "--once", "--sink", sink]).outcome();
    watch("link").transcript(
        3,
        str![],
        str![[r#"
error: the sink link is a symbolic link
hint: name the file itself: a link would be replaced, and not followed

"#]],
    );
    watch("dangling").failure(3);
    watch("folder").transcript(
        3,
        str![],
        str![[r#"
error: the sink folder is no regular file
hint: name a file, or a new one

"#]],
    );
    watch("/dev/null").failure(3);
    watch("none/sink").transcript(
        3,
        str![],
        str![[r#"
error: the sink none/sink is in a folder that does not exist
hint: make the folder first, for those who are to read the token

"#]],
    );
    watch("target/sink").failure(3);
    for odd in ["folder/", "..", "-", "/"] {
        watch(odd).failure(2);
    }
    assert_eq!(fs::read_to_string(home.join("target")).unwrap(), "old");
    place.assert_requests(0);
}

/// It would be lost, and the token sent as a secret or read as settings.
#[test]
fn what_is_read_is_left_alone() {
    let place = Place::new();
    let home = place.home();
    for name in ["secret", "other", "given", "ca.pem"] {
        prove_token_config::replace_file(&home.join(name), b"canary-old", 0o600).unwrap();
    }
    place.configure(&format!(
        "[profiles.other]\ntoken_endpoint = \"https://idp.example.com/token\"\nclient_id = \"a\"\n\
         client_secret = {{ file = \"{0}/other\" }}\nca_file = \"{0}/ca.pem\"\n\
         [profiles.filed]\ntoken_endpoint = \"{1}\"\nclient_id = \"{ID}\"\n\
         client_secret = {{ file = \"{0}/secret\" }}\n",
        home.display(),
        place.emulator.token_endpoint(),
    ));
    fs::hard_link(home.join("secret"), home.join("secret-by-another-name")).unwrap();
    let config = walk(home)
        .into_iter()
        .find(|path| path.ends_with("config.toml"));
    let config = config.unwrap();
    let settings = fs::read(&config).unwrap();
    let refuse = |sink: &str, args: &[&str]| {
        let command = ["watch", "--once", "--sink", sink];
        let said = place.run(&[&command, args].concat()).outcome().failure(3);
        assert!(
            said.contains("is a file that prove-token reads"),
            "{sink}: {said}"
        );
    };
    refuse(config.to_str().unwrap(), &[]);
    refuse("other", &[]);
    refuse("ca.pem", &[]);
    refuse("./secret", &["-p", "filed"]);
    refuse("secret-by-another-name", &[]);
    refuse("given", &["--client-secret-file", "given"]);
    for name in ["secret", "other", "given", "ca.pem"] {
        assert_eq!(fs::read(home.join(name)).unwrap(), b"canary-old", "{name}");
    }
    assert_eq!(fs::read(&config).unwrap(), settings);
    place.assert_requests(0);
}

/// Every file below a folder.
fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(walk(&path)),
            false => files.push(path),
        }
    }
    files
}

#[test]
fn what_contradicts_itself() {
    for (args, words) in [
        (&["watch"][..], "--sink <FILE> is missing"),
        (
            &["watch", "--sink", "a", "--sink", "./a"],
            "./a is given twice",
        ),
        (
            &["watch", "--sink", "a", "--mode", "0644"],
            "others must not have access",
        ),
        (&["watch", "--sink", "a", "--signal", "HUP"], "missing"),
        (
            &["watch", "--sink", "a", "--pid", "1"],
            "--signal <NAME> is missing",
        ),
        (
            &["watch", "--sink", "a", "--signal", "KILL", "--pid", "1"],
            "none of HUP",
        ),
        (
            &["watch", "--sink", "a", "--signal", "HUP", "--pid", "0"],
            "no number of a process",
        ),
        (
            &["watch", "--sink", "a", "--run"],
            "--run <CMD>... needs a value",
        ),
        (
            &["watch", "--sink", "a", "--run", "--"],
            "--run needs a command",
        ),
        (
            &[
                "watch", "--sink", "a", "--signal", "HUP", "--pid", "1", "--run", "true",
            ],
            "cannot be used with",
        ),
    ] {
        let said = run(args).outcome().failure(2);
        assert!(said.contains(words), "{args:?}: {said}");
    }
}

/// A supervisor would start it for ever.
#[test]
fn what_does_not_pass_by_itself_ends_it_with_the_code_of_the_table() {
    let place = Place::new();
    let watch = |secret: &str| {
        place
            .run_with(secret, &["watch", "--sink", "sink"])
            .outcome()
    };
    watch("canary-wrong").transcript(4, str![], str![[r#"
error: http://127.0.0.1:[PORT]/token rejected the client credentials (status 401, code 8002: not authorized)
hint: check the client id and secret for stray characters, and that they belong to this server
hint: wait [..] before the next try

"#]]);
    assert!(!place.sink().exists());
    place.configure("scope = [\"no such scope\"]\n");
    let endpoint = place.emulator.token_endpoint();
    run(&[
        "watch",
        "--sink",
        "x",
        "--token-endpoint",
        &endpoint,
        "--client-id",
        ID,
    ])
    .outcome()
    .transcript(
        3,
        str![],
        str![[r#"
error: client_secret: the profile "flags" has no client secret
hint: give --client-secret-file or --client-secret-stdin

"#]],
    );
    run(&["watch", "--sink", "x", "-p", "none"])
        .outcome()
        .transcript(
            3,
            str![],
            str![[r#"
error: there is no profile "none"
hint: there is no configuration file; prove-token config path shows where it is looked for

"#]],
        );
}
