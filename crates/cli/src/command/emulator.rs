//! `prove-token emulator`: the local Prove on a port.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use prove_token::{ClientId, ErrorKind};
use prove_token_emulator::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, Emulator, Fault};

use super::{Context, Run};
use crate::console::Console;
use crate::failure::Failure;
use crate::session::{check_room, secret_from_stdin};

/// What `--fault` takes, for people who read the long help.
const FAULT_HELP: &str = "\
Answer wrongly on purpose; may be given several times, and the faults are played in
order. Comma-separated KEY=VALUE pairs, such as:
  status=503,times=2              the next two token requests fail
  status=429,header=Retry-After: 5
  delay=2s                        a slow answer
  reset=body                      the connection breaks in the body
  path=/v3/start,status=500       not the token endpoint";

#[derive(Debug, Args)]
pub(crate) struct EmulatorArgs {
    /// The loopback port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The client id that is accepted
    #[arg(long, value_name = "ID", requires = "client_secret_stdin")]
    client_id: Option<ClientId>,
    /// Read the client secret that is accepted from standard input
    #[arg(long, requires = "client_id")]
    client_secret_stdin: bool,
    #[arg(long = "fault", value_name = "FAULT", help = "Answer wrongly on purpose, such as status=503,times=2", long_help = FAULT_HELP)]
    faults: Vec<Fault>,
    /// Requests a second before 429; 0 for no limit
    #[arg(long, value_name = "REQUESTS", default_value_t = 25)]
    rate: u32,
    /// The life of a token in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    lifetime: u64,
}

impl Run for EmulatorArgs {
    fn run(&self, context: &Context) -> Result<(), Failure> {
        check_room()?;
        // The emulator logs on the thread that answers.
        context.console.let_lines_wait()?;
        let log = Arc::clone(&context.console);
        let mut builder = Emulator::builder()
            .port(self.port)
            .rate_limit(self.rate)
            .lifetime(Duration::from_secs(self.lifetime))
            .log(move |request| log.notice(&request.to_string()));
        if let Some(id) = &self.client_id {
            builder = builder.client(id.as_str(), secret_from_stdin()?.expose_secret());
        }
        for fault in &self.faults {
            builder = builder.fault(fault.clone());
        }
        // All that can be wrong here is what was asked for, and the error says what to do.
        let emulator = builder
            .start()
            .map_err(|error| Failure::new(ErrorKind::Configuration, error.to_string()))?;
        // The one line of the result, for programs that start the emulator and read on.
        // It runs until it is ended, so a shell cannot wait for it in `$(…)`: there, the
        // line is copied by hand.
        context
            .console
            .line(format!("PROVE_EMULATOR={}", emulator.url()))?;
        introduce(&context.console, emulator.url(), self.client_id.as_ref());
        emulator.wait();
        Ok(())
    }
}

fn introduce(console: &Console, url: &str, own_client: Option<&ClientId>) {
    // The emulator's own credentials are public; somebody else's secret is not.
    let (id, secret, field) = match own_client {
        Some(id) => (id.as_str(), "the one you gave", "…"),
        None => (
            DEFAULT_CLIENT_ID,
            DEFAULT_CLIENT_SECRET,
            DEFAULT_CLIENT_SECRET,
        ),
    };
    console.notice(&format!(
        "a local Prove is listening; nothing of it is real, and nothing leaves this machine
  client id      {id}
  client secret  {secret}
  try it         curl {url}/token -d grant_type=client_credentials -d client_id={id} -d client_secret={field}
  or             PROVE_EMULATOR={url} prove-token token --environment emulator
  stop it        Ctrl-C"
    ));
}
