//! A program with a broker of its own: a service in this process, which stays the
//! program's parent, for one caller whose key the program alone is told.

use std::process::{Command, ExitStatus};

use clap::Args;
use prove_token_config::{HandsOut, child_environment};
use prove_token_emulator::Emulator;
use prove_token_service::{Broker, HandsOutArg, Logging, harden, hide_memory};

use super::{ExecArgs, beside, ended_with};
use crate::child;
use crate::command::{Context, serve};
use crate::failure::Failure;
use crate::interrupt::Signals;
use crate::session::{self, Stage};

const URL: &str = "PROVE_TOKEN_BROKER_URL";
const API_BASE: &str = "PROVE_TOKEN_BROKER_API_BASE";
const TOKEN_URL: &str = "PROVE_TOKEN_BROKER_TOKEN_URL";
const CLIENT_ID: &str = "PROVE_TOKEN_BROKER_CLIENT_ID";
const KEY: &str = "PROVE_TOKEN_BROKER_KEY";

/// Whether there is to be a broker, and what for.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct BrokerFlags {
    /// Give the program no token but a private broker, which renews the token for as long
    /// as the program runs
    #[arg(long, conflicts_with_all = ["variables", "min_validity", "cached_only", "CacheFlags"])]
    broker: bool,
    /// What the broker's token endpoint grants: a bearer that only the broker's way to the
    /// API takes, or the access token
    #[arg(
        long,
        value_enum,
        value_name = "WHAT",
        default_value = "proxy",
        requires = "broker"
    )]
    hands_out: HandsOutArg,
}

impl BrokerFlags {
    pub(super) fn is_wanted(self) -> bool {
        self.broker
    }

    fn hands_out(self) -> HandsOut {
        self.hands_out.into()
    }
}

/// Runs the program with a broker to its end.
pub(super) fn run(args: &ExecArgs, context: &Context) -> Result<(), Failure> {
    // Before anything is read that is to stay here.
    hide_memory()?;
    let environment = child_environment(&context.env, context.global.config.as_deref())?;
    let profile = session::resolve_to_hold(&args.flags, context)?;
    let (profile, emulator) = session::with_emulator(profile, &context.console)?;
    logging(context).install(&context.env);
    let progress = session::progress(&profile, context);
    let stage = Stage::new(context.global.timeout, progress);
    let needs_emulator = emulator.is_none() && profile.target.is_emulator();
    let opened = stage.run(async {
        let broker = Broker::open(profile, args.broker.hands_out(), &context.env).await?;
        let signals = beside::listen();
        // From now on a signal is the program's. One that came before is seen here, and
        // ends us.
        tokio::task::yield_now().await;
        Ok((broker, signals))
    });
    let (broker, signals) =
        opened.map_err(|failure| session::mind_emulator(failure, needs_emulator))?;
    let mut command = child::command(&args.words, &environment);
    introduce(&broker, &mut command)?;
    if let Some(url) = emulator.as_ref().map(Emulator::url) {
        command.env("PROVE_EMULATOR", url);
    }
    let ended = stage.block_on(accompany(command, signals, context))?;
    // The broker's connections would hold a runtime up that is waited for.
    stage.leave();
    ended_with(ended.map_err(|error| child::not_started(&args.words, &error))?)
}

async fn accompany(
    command: Command,
    signals: Signals,
    context: &Context,
) -> std::io::Result<ExitStatus> {
    let child = tokio::process::Command::from(command).spawn()?;
    // Not before: the program would inherit it.
    if let Err(failure) = harden() {
        context.console.notice(failure.message());
    }
    beside::follow(child, signals).await
}

/// Tells the program of its broker.
fn introduce(broker: &Broker, command: &mut Command) -> Result<(), Failure> {
    let url = broker.url()?;
    command
        .env(TOKEN_URL, format!("{url}{}", broker.token_path()))
        .env(CLIENT_ID, broker.client_id())
        .env(KEY, broker.key());
    // That of a broker around this one is another's.
    match broker.api_path() {
        Some(path) => command.env(API_BASE, format!("{url}{path}")),
        None => command.env_remove(API_BASE),
    };
    command.env(URL, url);
    Ok(())
}

/// The program has standard error to itself: without `--verbose` only defects are told.
fn logging(context: &Context) -> Logging {
    let logging = serve::logging(&context.global);
    match logging.verbose {
        0 => Logging {
            quiet: 2,
            ..logging
        },
        _ => logging,
    }
}
