//! The command `prove-tokend`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;
use prove_token::ErrorKind;
use prove_token_config::{Config, Env, Overrides, Profile};
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;
use crate::log::{Log, LogFormat};
use crate::service::Service;

/// One place that holds the secret, for everything on the machine.
#[derive(Debug, Parser)]
#[command(name = "prove-tokend", version, max_term_width = 100)]
struct Args {
    /// The configuration file to read
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How log lines are written, to standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    log_format: LogFormat,
    /// Log more: -v each request, -vv everything
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Log less: -q warnings and errors, -qq errors
    #[arg(short, long, action = clap::ArgAction::Count, conflicts_with = "verbose")]
    quiet: u8,
}

/// Runs the service with these arguments (the program's name first) in this environment
/// until it is asked to end, and returns the exit code.
pub fn main_with(args: impl IntoIterator<Item = OsString>, env: Env) -> u8 {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let log = Log::new(args.log_format, args.verbose, args.quiet, &env);
    log.install();
    match serve(&args, &env, log) {
        Ok(()) => 0,
        Err(failure) => {
            log.failure(&failure);
            failure.exit_code()
        }
    }
}

fn serve(args: &Args, env: &Env, log: Log) -> Result<(), Failure> {
    let config = match Config::find(args.config.as_deref(), env)? {
        Some(path) => Some(Config::load(&path)?),
        None => None,
    };
    let settings = config.as_ref().and_then(Config::service).cloned();
    let profiles = profiles(config.as_ref(), env)?;
    let service = Service::new(settings.unwrap_or_default(), profiles, env)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        Failure::new(
            ErrorKind::Internal,
            format!("cannot start the runtime: {}", error.kind()),
        )
    })?;
    runtime.block_on(async {
        let running = service.start().await?;
        for address in running.addresses() {
            log.say(&format!("listening on {address}"));
        }
        for (who, address) in [
            ("operators", running.admin_address()),
            ("probes", running.health_address()),
        ] {
            if let Some(address) = address {
                log.say(&format!("listening on {address} for {who}"));
            }
        }
        for notice in running.notices() {
            log.say(&format!("note: {notice}"));
        }
        log.say("ready");
        let mut terminate = signal(SignalKind::terminate()).map_err(no_signal)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signal)?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        running.stop().await;
        Ok(())
    })
}

/// Every profile of the file; without one, the profile of the variables.
fn profiles(config: Option<&Config>, env: &Env) -> Result<Vec<Profile>, Failure> {
    let names: Vec<_> = config
        .into_iter()
        .flat_map(Config::profiles)
        .map(|entry| Some(entry.name.to_owned()))
        .collect();
    let names = if names.is_empty() { vec![None] } else { names };
    let resolve = |profile| {
        let overrides = Overrides {
            profile,
            ..Overrides::default()
        };
        Profile::from_config(&overrides, env, config)
    };
    Ok(names.into_iter().map(resolve).collect::<Result<_, _>>()?)
}

fn no_signal(error: std::io::Error) -> Failure {
    Failure::new(
        ErrorKind::Internal,
        format!("cannot wait for signals: {}", error.kind()),
    )
}
