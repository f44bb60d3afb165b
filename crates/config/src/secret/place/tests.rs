//! Tests of writing secrets to their places.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use prove_token::ErrorKind;

use super::*;

const CANARY: &str = "canary-place-7 ü";

fn secret() -> ClientSecret {
    ClientSecret::new(CANARY).unwrap()
}

fn file(path: impl Into<PathBuf>) -> SecretPlace {
    SecretPlace::File(path.into())
}

/// The words with which a place refuses to be written, removed and looked at.
fn refusal(place: &SecretPlace, env: &Env) -> String {
    let error = place.save(&secret(), env).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SecretSource);
    let words = format!("{error} ({})", error.hint().unwrap_or("-"));
    assert!(
        !format!("{words}{error:?}{place:?}").contains("canary"),
        "{words}"
    );
    for other in [place.remove(env).map(drop), place.check_writable(env)] {
        assert_eq!(other.unwrap_err().to_string(), error.to_string());
    }
    words
}

#[test]
fn a_file_is_made_private_with_its_folder_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets/acme");
    let (place, env) = (file(&path), Env::default());
    place.check_writable(&env).unwrap();
    assert!(
        !path.parent().unwrap().exists(),
        "nothing was asked to be written"
    );
    place.save(&secret(), &env).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().mode() & 0o7777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    let source = crate::FileSecret::new(&path, &env);
    assert_eq!(source.read().unwrap().expose_secret(), CANARY);
    place
        .save(&ClientSecret::new("two").unwrap(), &env)
        .unwrap();
    assert_eq!(source.read().unwrap().expose_secret(), "two");
    assert!(place.remove(&env).unwrap());
    assert!(!path.exists());
    assert!(!place.remove(&env).unwrap());
}

#[test]
fn a_secret_that_others_could_read_is_private_afterwards() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    file(&path).save(&secret(), &Env::default()).unwrap();
    assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn links_stay_and_what_they_lead_to_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    fs::write(&target, "old").unwrap();
    symlink("target", &link).unwrap();
    let env = Env::default();
    file(&link).save(&secret(), &env).unwrap();
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&target).unwrap(), CANARY);
    assert!(file(&link).remove(&env).unwrap());
    assert!(!target.exists());
    let words = refusal(&file(&link), &env);
    assert!(words.contains("is a link that leads nowhere"), "{words}");
}

#[test]
fn places_that_are_not_ours_to_write_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let env: Env = [("CREDENTIALS_DIRECTORY", folder.path())]
        .into_iter()
        .collect();
    for name in ["there", "new"] {
        let path = folder.path().join(name);
        if name == "there" {
            fs::write(&path, "x").unwrap();
        }
        let words = refusal(&file(&path), &env);
        assert!(
            words.contains("is handed over by systemd (change the secret"),
            "{words}"
        );
    }
    let words = refusal(&file(folder.path()), &Env::default());
    assert!(words.contains("is not a regular file"), "{words}");
    let below_a_file = file(Path::new("/proc/self/status").join("secret"));
    let error = below_a_file.save(&secret(), &Env::default()).unwrap_err();
    assert!(error.to_string().contains("cannot be written"), "{error}");
    assert_eq!(
        refusal(&SecretPlace::Env("A".into()), &Env::default()),
        "the environment variable A cannot be changed from here: it belongs to whoever starts \
         prove-token (set A there, or keep the secret elsewhere)"
    );
    let words = ["pass", "canary"].map(Secret::new).to_vec();
    assert_eq!(
        refusal(&SecretPlace::Command(words), &Env::default()),
        "the command pass cannot be told a secret: it only prints one (change the secret in \
         the program that the command asks)"
    );
}

#[test]
fn a_profile_tells_where_its_secret_is_kept_whatever_else_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let text = "version = 1\ndefault_profile = \"a\"\n[profiles.a]\nenvironment = \"uat-us\"\n\
        client_secret = { file = \"kept\" }\n[profiles.b]\nenvironment = \"emulator\"\n\
        [profiles.c]\nenvironment = \"uat-us\"\nclient_id = { env = \"NONE\" }\n\
        client_secret = { command = [\"pass\", \"canary\"] }\n";
    crate::replace_file(&path, text.as_bytes(), 0o600).unwrap();
    let kept = |profile: Option<&str>| {
        let overrides = Overrides {
            config: Some(path.clone()),
            profile: profile.map(str::to_owned),
            ..Overrides::default()
        };
        let env: Env = [("PROVE_CLIENT_SECRET_FILE", "/x")].into_iter().collect();
        KeptSecret::of(&overrides, &env).map_err(|error| error.to_string())
    };
    let a = kept(None).unwrap();
    assert_eq!(a.profile(), "a");
    assert_eq!(
        a.place().to_string(),
        format!("the file {}/kept", folder.path().display())
    );
    assert_eq!(a.read().unwrap_err().kind(), ErrorKind::SecretSource);
    a.place().save(&secret(), &Env::default()).unwrap();
    assert_eq!(a.read().unwrap().expose_secret(), CANARY);
    let c = kept(Some("c")).unwrap();
    assert_eq!(c.place().to_string(), "the command pass");
    assert!(!format!("{a:?}{c:?}").contains("canary"), "{c:?}");
    assert_eq!(
        kept(Some("env")).unwrap().place().to_string(),
        "the file /x"
    );
    assert_eq!(
        kept(Some("b")).unwrap_err(),
        "client_secret: the profile \"b\" does not say where its secret is kept"
    );
}
