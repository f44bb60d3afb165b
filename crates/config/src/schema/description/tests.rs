//! What is said about the keys against what the reader does with them.

use prove_token::ClientAuthentication;

use super::*;
use crate::env::Env;
use crate::error::Problem;
use crate::file::Config;
use crate::overrides::Overrides;
use crate::profile::Profile;
use crate::setting::Origin;

/// Where a secret is, in the file of these tests.
const SECRET: &str = "profiles.p.client_secret.";

const NANOSECOND: Duration = Duration::from_nanos(1);

/// A key, and where it stands.
struct Place {
    table: &'static Table,
    key: &'static Key,
    path: String,
}

/// Every key, in the order of [`keys`], but those below an array: their tests are in
/// `service/tests.rs`.
fn places() -> Vec<Place> {
    fn add(table: &'static Table, path: &str, places: &mut Vec<Place>) {
        for key in table.keys {
            let path = format!("{path}{}", key.name);
            let below = match key.kind {
                Kind::Named(..) => format!("{path}.p."),
                _ => format!("{path}."),
            };
            places.push(Place { table, key, path });
            if !matches!(key.kind, Kind::Tables(_)) {
                add(key.kind.table(), &below, places);
            }
        }
    }
    let mut places = Vec::new();
    add(&ROOT, "", &mut places);
    places
}

/// A value that the key may hold, as TOML: its default, if it has one.
fn sample(key: &Key) -> String {
    if let Preset::Time(default) = key.preset {
        return format!("{:?}", time(default));
    }
    match &key.kind {
        Kind::Boolean => "true".to_owned(),
        Kind::Integer { least, .. } => least.to_string(),
        Kind::Time { least, .. } => format!("\"{}\"", time(*least)),
        Kind::Word(words) => format!("{:?}", words[0]),
        Kind::Texts(what) if what.contains("listen") => "[\"unix:/s\"]".to_owned(),
        Kind::Texts(_) => "[\"x\"]".to_owned(),
        Kind::Tables(_) => "[]".to_owned(),
        Kind::Table(table) => {
            let required = |key: &&Key| matches!(key.preset, Preset::Required);
            let keys = table.keys.iter().filter(required);
            let lines: Vec<_> = keys
                .map(|key| format!("{} = {}", key.name, sample(key)))
                .collect();
            format!("{{ {} }}", lines.join(", "))
        }
        Kind::Named(..) | Kind::Pairs(_) | Kind::Unknown => "{}".to_owned(),
        Kind::Text(what) | Kind::TextOr(what, _) => match *what {
            what if what.contains("listen") => "\"127.0.0.1:1\"".to_owned(),
            what if what.contains("address") => "\"https://x.example\"".to_owned(),
            _ => "\"p\"".to_owned(),
        },
    }
}

/// A file in which the key has `value`, beside what it cannot be without and the
/// `others`.
fn file(place: &Place, value: &str, others: &[(String, String)]) -> String {
    let mut lines = vec![(place.path.clone(), value.to_owned())];
    lines.extend(others.iter().cloned());
    let mut also = |path: &str, value: &str| {
        let is_there =
            |(other, _): &(String, String)| other == path || other.starts_with(&format!("{path}."));
        if !lines.iter().any(is_there) {
            lines.push((path.to_owned(), value.to_owned()));
        }
    };
    also("version", "1");
    if let Some((table, _)) = place.path.rsplit_once('.') {
        let required = |key: &&Key| matches!(key.preset, Preset::Required);
        for key in place.table.keys.iter().filter(required) {
            also(&format!("{table}.{}", key.name), &sample(key));
        }
    }
    if place.path == "default_profile" || place.path.starts_with("profiles.p.") {
        if place.path != "profiles.p.environment" {
            also("profiles.p.token_endpoint", "\"https://x.example/token\"");
        }
        if let Some(source) = place.key.beside.first() {
            let source = place.table.key(source).unwrap();
            if !others.iter().any(|(other, _)| other.starts_with(SECRET)) {
                also(&format!("{SECRET}{}", source.name), &sample(source));
            }
        }
    }
    let lines = lines
        .iter()
        .map(|(path, value)| format!("{path} = {value}\n"));
    lines.collect()
}

fn problems(text: &str) -> Vec<Problem> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    match Config::load(&path) {
        Ok(_) => Vec::new(),
        Err(error) => error.problems().to_vec(),
    }
}

#[test]
fn the_committed_schema_is_that_of_this_code() {
    let committed = include_str!("../../../schema.json");
    assert!(
        committed == json_schema(),
        "run: cargo run -p prove-token-cli -- config schema >crates/config/schema.json"
    );
}

#[test]
fn the_reader_takes_every_key() {
    for place in places() {
        let text = file(&place, &sample(place.key), &[]);
        let found = problems(&text);
        let is_choice = |problem: &Problem| problem.message == "names no source";
        assert!(found.iter().all(is_choice), "{text}{found:?}");
    }
}

/// The other direction: what the reader asks for and the tables do not have is a panic
/// of [`Section::take`](crate::document::Section::take) in every test that reads.
#[test]
fn the_reader_refuses_what_is_in_no_table() {
    for place in places() {
        if !matches!(place.key.kind, Kind::Table(_)) {
            continue;
        }
        let stranger = (format!("{}.x_x", place.path), "1".to_owned());
        let text = file(&place, "{}", &[]).replace(
            &format!("{} = {{}}\n", place.path),
            &format!("{} = {}\n", stranger.0, stranger.1),
        );
        let found = problems(&text);
        let unknown = found.iter().any(|problem| problem.message == "unknown key");
        assert!(unknown, "{text}{found:?}");
    }
}

/// The keys with which this one is checked together.
fn companions<'p>(place: &Place, places: &'p [Place]) -> Vec<&'p Place> {
    let word = |place: &Place| match place.key.name.split('_').next().unwrap() {
        "jitter" => "advisory",
        "connect" | "attempt" | "flight" => "timeout",
        word => word,
    };
    let is_companion = |other: &&Place| {
        let is_numeric = matches!(other.key.kind, Kind::Integer { .. } | Kind::Time { .. });
        is_numeric && word(other) == word(place) && other.path != place.path
    };
    places.iter().filter(is_companion).collect()
}

/// Every combination of the ends of the companions' ranges, and of leaving them out.
fn combinations(companions: &[&Place]) -> Vec<Vec<(String, String)>> {
    let mut all = vec![Vec::new()];
    for companion in companions {
        let ends = match companion.key.kind {
            Kind::Integer { least, most, .. } => [least.to_string(), most.to_string()],
            Kind::Time { least, most } => [least, most].map(|end| format!("{:?}", time(end))),
            _ => continue,
        };
        all = all
            .into_iter()
            .flat_map(|others: Vec<(String, String)>| {
                let with = |end: &String| {
                    let mut others = others.clone();
                    others.push((companion.path.clone(), end.clone()));
                    others
                };
                [with(&ends[0]), with(&ends[1]), others]
            })
            .collect();
    }
    all
}

#[test]
fn the_ranges_are_those_of_the_reader() {
    let places = places();
    let mut checked = 0;
    for place in &places {
        let (within, beyond) = match place.key.kind {
            Kind::Integer { least, most, .. } => {
                let (below, above) = (i64::from(least) - 1, i64::from(most) + 1);
                (
                    [i64::from(least), i64::from(most)].map(|n| n.to_string()),
                    vec![below.to_string(), above.to_string()],
                )
            }
            Kind::Time { least, most } => {
                let beyond = least
                    .checked_sub(NANOSECOND)
                    .into_iter()
                    .chain([most + NANOSECOND]);
                let text = |time_: Duration| format!("{:?}", time(time_));
                ([least, most].map(text), beyond.map(text).collect())
            }
            _ => continue,
        };
        let others = combinations(&companions(place, &places));
        let fits = |value: &String| {
            let accepts = |others: &Vec<_>| problems(&file(place, value, others)).is_empty();
            others.iter().any(accepts)
        };
        for value in &within {
            assert!(fits(value), "{} = {value} is refused", place.path);
        }
        for value in &beyond {
            assert!(!fits(value), "{} = {value} is accepted", place.path);
        }
        checked += 1;
    }
    assert!(checked > 28, "{checked}");
}

#[test]
fn the_words_are_those_of_the_reader() {
    for place in places() {
        let Kind::Word(words) = place.key.kind else {
            continue;
        };
        for word in words {
            let text = file(&place, &format!("{word:?}"), &[]);
            assert!(problems(&text).is_empty() || cfg!(not(unix)), "{text}");
        }
        assert!(
            !problems(&file(&place, "\"x\"", &[])).is_empty(),
            "{}",
            place.path
        );
        if place.key.name == "client_authentication" {
            let all = ClientAuthentication::ALL.map(ClientAuthentication::as_str);
            assert_eq!(*words, all);
        }
    }
}

#[test]
fn the_defaults_are_those_of_a_profile() {
    let overrides = Overrides {
        token_endpoint: Some("https://x.example/token".parse().unwrap()),
        client_id: Some("x".parse().unwrap()),
        client_secret: Some(crate::overrides::SecretOverride::None),
        ..Overrides::default()
    };
    let profile = Profile::from_config(&overrides, &Env::default(), None).unwrap();
    let shown = profile.explain();
    let mut compared = 0;
    for place in places() {
        let is_said = matches!(place.key.preset, Preset::Said(_));
        let default = preset(place.key.preset);
        let key = place.path.trim_start_matches("profiles.p.");
        let row = shown.iter().find(|row| row.key == key);
        // What a secret is read with is not shown, and the store depends on the machine.
        let is_elsewhere = key.starts_with("client_secret.") || key == "cache.store";
        let Some(row) = row.filter(|_| !is_said && !is_elsewhere) else {
            let has_none = matches!(place.key.preset, Preset::Required | Preset::Nothing);
            assert!(has_none || is_said || is_elsewhere, "{key}");
            continue;
        };
        if row.origin != Origin::Default {
            continue;
        }
        assert_eq!(row.value, default, "{key}");
        compared += 1;
    }
    assert!(compared > 28, "{compared}");
    let store = crate::cache::Store::default().as_str();
    let kept = keys().into_iter().find(|row| row.key == "cache.store");
    assert!(cfg!(not(unix)) || kept.unwrap().default == store);
}

#[test]
fn an_option_means_something_beside_its_source_alone() {
    for place in places() {
        for source in place.table.one_of {
            if place.key.beside.is_empty() {
                continue;
            }
            let key = place.table.key(source).unwrap();
            let others = [(format!("{SECRET}{source}"), sample(key))];
            let found = problems(&file(&place, &sample(place.key), &others));
            let fits = place.key.beside.contains(source);
            assert_eq!(
                found.is_empty(),
                fits,
                "{} beside {source}: {found:?}",
                place.path
            );
        }
    }
}

#[test]
fn the_pattern_of_names_is_the_rule_of_names() {
    let rest: Vec<char> = (0..=0x7f_u8)
        .map(char::from)
        .filter(|c| pattern(*c))
        .collect();
    fn pattern(c: char) -> bool {
        c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c)
    }
    for byte in 0..=0x7f_u8 {
        let character = char::from(byte);
        let (first, later) = (format!("{character}"), format!("a{character}"));
        let fits = rest.contains(&character);
        assert_eq!(crate::schema::is_profile_name(&later), fits, "{later:?}");
        assert_eq!(
            crate::schema::is_profile_name(&first),
            fits && byte != b'.',
            "{first:?}"
        );
    }
    assert_eq!(PROFILE_NAME, "^[a-z0-9_-][a-z0-9._-]{0,63}$");
}
