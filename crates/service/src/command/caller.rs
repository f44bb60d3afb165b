//! `prove-tokend caller`: who may use the service by a key.

use std::path::PathBuf;

use prove_token_config::{Config, Edit, Env, HandsOut, NewCaller, ServiceSettings};
use serde_json::json;

use crate::args::{Add, Common, List, Output, Remove};
use crate::banner::known_by;
use crate::console::{print, printable, say};
use crate::failure::Failure;
use crate::key::Key;

/// Adds a caller and prints its key: to standard output, alone and once, so that
/// `KEY=$(prove-tokend caller add …)` holds it and nothing else. All other words go to
/// standard error.
pub(crate) fn add(common: &Common, args: &Add, env: &Env) -> Result<(), Failure> {
    let file = file(common, env)?;
    let key = Key::random()?;
    let mut caller = NewCaller::new(&args.name, key.hash(), &args.profiles);
    caller.hands_out = args.hands_out.into();
    let edit = Edit::new().add_caller(caller.clone());
    if args.print {
        edit.preview(&file)?;
        say(&format!(
            "add this to {}:\n\n{}",
            printable(&file),
            caller.to_toml()
        ));
        return print(key.text());
    }
    // Without a caller it may have a problem, which ends here.
    let before = Config::inspect(&file)?;
    edit.apply(&file)?;
    if let Err(failure) = print(key.text()) {
        // Nobody will ever know the key.
        let undone = Edit::new().remove_caller(&args.name).apply(&file).is_ok();
        let hint = match undone {
            true => "the caller was removed again: try once more",
            false => "remove the caller, and try once more",
        };
        return Err(failure.hint(hint));
    }
    say(&format!(
        "added the caller {} to {}; its key is not shown again",
        args.name,
        printable(&file)
    ));
    if before
        .service()
        .is_none_or(|service| service.callers.is_empty())
    {
        say("note: from now on callers alone may use the service, its own user only as one");
    }
    Ok(())
}

/// Lists the callers, without anything of their keys.
pub(crate) fn list(common: &Common, args: &List, env: &Env) -> Result<(), Failure> {
    let config = Config::load(&file(common, env)?)?;
    let none = ServiceSettings::default();
    let callers = &config.service().unwrap_or(&none).callers;
    let hands_out = |hands_out| match hands_out {
        HandsOut::Proxy => "proxy",
        _ => "token",
    };
    if let Output::Json = args.output {
        let callers: Vec<_> = callers
            .iter()
            .map(|caller| {
                json!({
                    "name": caller.name,
                    "known_by": known_by(&caller.identity),
                    "profiles": caller.profiles,
                    "hands_out": hands_out(caller.hands_out),
                    "rate_limit": caller.rate_limit,
                })
            })
            .collect();
        return print(&format!("{:#}", json!({ "callers": callers })));
    }
    if callers.is_empty() {
        say("there are no callers: the service's own user may use it, on the Unix socket");
        return Ok(());
    }
    let rows = callers.iter().map(|caller| {
        let limit = caller.rate_limit.map(|limit| format!("{limit}/s"));
        [
            caller.name.clone(),
            known_by(&caller.identity),
            hands_out(caller.hands_out).to_owned(),
            limit.unwrap_or_else(|| "-".to_owned()),
            caller.profiles.join(", "),
        ]
    });
    let head = ["CALLER", "KNOWN BY", "HANDS OUT", "LIMIT", "PROFILES"].map(str::to_owned);
    print(&table([head].into_iter().chain(rows).collect()))
}

/// Removes a caller: a running service refuses it as soon as it has read the file.
pub(crate) fn remove(common: &Common, args: &Remove, env: &Env) -> Result<(), Failure> {
    let file = file(common, env)?;
    Edit::new().remove_caller(&args.name).apply(&file)?;
    say(&format!(
        "removed the caller {} from {}",
        args.name,
        printable(&file)
    ));
    Ok(())
}

fn file(common: &Common, env: &Env) -> Result<PathBuf, Failure> {
    Ok(Config::file_to_edit(common.config.as_deref(), env)?)
}

/// Columns as wide as they have to be; the last is not filled up.
fn table(rows: Vec<[String; 5]>) -> String {
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or_default()
    };
    let widths: [usize; 5] = std::array::from_fn(width);
    let line = |row: &[String; 5]| {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        let cells: Vec<_> = cells.collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
