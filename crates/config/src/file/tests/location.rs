//! Where the file is, and what it must be.

use super::*;

#[test]
fn what_is_not_text_is_refused() {
    let error = load(b"version = 1\n# \xff".as_slice()).unwrap_err();
    assert!(error.to_string().ends_with("is not valid UTF-8"), "{error}");
    let error = load("#".repeat(1024 * 1024 + 1)).unwrap_err();
    assert!(
        error.to_string().ends_with("is larger than 1024 KiB"),
        "{error}"
    );
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.toml");
    let error = Config::load(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the configuration file {} does not exist", path.display())
    );
    assert!(error.hint().is_some());
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_write_is_refused() {
    let fixture = Fixture::new("version = 1\n");
    for mode in [0o622, 0o602, 0o620, 0o666] {
        fixture.set_mode(mode);
        let error = Config::load(&fixture.path()).unwrap_err();
        assert!(error.to_string().contains("can be written by other users"));
        let path = fixture.path();
        assert_eq!(
            error.hint(),
            Some(&*format!("run: chmod go-w {}", path.display()))
        );
    }
    for mode in [0o600, 0o644, 0o444] {
        fixture.set_mode(mode);
        assert!(Config::load(&fixture.path()).is_ok(), "{mode:o}");
    }
}

#[test]
fn the_named_file_comes_first() {
    let env: Env = [
        ("PROVE_TOKEN_CONFIG", "/from/variable"),
        ("HOME", "/home/x"),
    ]
    .into_iter()
    .collect();
    let flag = Path::new("/from/flag");
    let found = Config::find(Some(flag), &env).unwrap();
    assert_eq!(found.as_deref(), Some(flag));
    let found = Config::find(None, &env).unwrap();
    assert_eq!(found.as_deref(), Some(Path::new("/from/variable")));
    let empty: Env = [("PROVE_TOKEN_CONFIG", "")].into_iter().collect();
    let error = Config::find(None, &empty).unwrap_err();
    assert_eq!(error.to_string(), "PROVE_TOKEN_CONFIG is set, but empty");
}

#[test]
fn the_file_of_the_user_is_found() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config").join("prove-token");
    std::fs::create_dir_all(&folder).unwrap();
    let env: Env = [("HOME", home.path())].into_iter().collect();
    let path = folder.join("config.toml");
    assert_eq!(Config::search_path(&env).first(), Some(&path));
    assert_ne!(Config::find(None, &env).unwrap(), Some(path.clone()));
    std::fs::write(&path, "").unwrap();
    assert_eq!(Config::find(None, &env).unwrap(), Some(path));
}

#[cfg(unix)]
#[test]
fn folders_follow_the_xdg_specification() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;
    let first = |variables: &[(&str, &str)]| {
        let env: Env = variables.iter().copied().collect();
        Config::search_path(&env).remove(0).display().to_string()
    };
    let home = ("HOME", "/home/x");
    let of_home = "/home/x/.config/prove-token/config.toml";
    assert_eq!(first(&[home]), of_home);
    assert_eq!(
        first(&[home, ("XDG_CONFIG_HOME", "/xdg")]),
        "/xdg/prove-token/config.toml"
    );
    assert_eq!(first(&[home, ("XDG_CONFIG_HOME", "relative")]), of_home);
    assert_eq!(first(&[home, ("XDG_CONFIG_HOME", "")]), of_home);
    assert_eq!(first(&[]), "/etc/prove-token/config.toml");
    let foreign = OsString::from_vec(b"/home/\xff".to_vec());
    let env: Env = [("HOME", foreign.clone())].into_iter().collect();
    let expected = Path::new(&foreign).join(".config/prove-token/config.toml");
    assert_eq!(Config::search_path(&env)[0], expected);
}

proptest! {
    /// Whatever a file holds, reading it ends with an answer.
    #[test]
    fn any_text_is_judged(text in "[\\[\\]{}=.\"'#a-c0-9 \n\\\\-]{0,200}") {
        let _ = load(format!("version = 1\n{text}"));
    }

    /// Each line of the full file replaced by anything.
    #[test]
    fn any_value_is_judged(index in 0_usize..40, value in "\\PC{0,40}") {
        let lines: Vec<&str> = FULL.lines().collect();
        let index = index % lines.len();
        let key = lines[index].split_once(" = ").map_or("x", |(key, _)| key);
        let changed = format!("{key} = {value}");
        let mut text = lines.clone();
        text[index] = &changed;
        if let Err(error) = load(text.join("\n")) {
            prop_assert!(!error.problems().is_empty());
            prop_assert!(error.problems().iter().all(|problem| problem.place.is_some()));
        }
    }
}
