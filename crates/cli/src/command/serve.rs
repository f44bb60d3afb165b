//! `prove-token serve`: the service, as `prove-tokend` runs it.

use clap::Args;
use prove_token_service::{LogFormat as ServiceFormat, Logging, serve};

use super::{Context, Run};
use crate::args::{Global, LogFormat, Takes};
use crate::failure::Failure;

const AFTER_HELP: &str = "\
The same as prove-tokend, which brings the commands around it as well: caller add,
healthcheck, --check-config.

It takes no profile: it serves every one of the configuration file, as its table [service]
says. SIGHUP reads the file anew, SIGTERM lets requests come to their end.

On standard error come a line for each thing that listens, may call or is served, and then
a log: -q for warnings and errors alone, -qq for errors, -v with each request, -vv with
everything, --log-format json for machines. Standard output stays empty.";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ServeArgs {}

impl Run for ServeArgs {
    fn takes(&self) -> Takes {
        Takes {
            degrees: true,
            ..Takes::NOTHING
        }
    }

    fn run(&self, context: &Context) -> Result<(), Failure> {
        let logging = logging(&context.global);
        let config = context.global.config.clone();
        match serve(config, logging, context.env.clone()) {
            0 => Ok(()),
            code => Err(Failure::already_told(code)),
        }
    }
}

/// What the global flags say about a log of the service.
pub(crate) fn logging(global: &Global) -> Logging {
    Logging {
        log_format: Some(match global.log_format {
            LogFormat::Text => ServiceFormat::Text,
            LogFormat::Json => ServiceFormat::Json,
        }),
        verbose: global.verbose,
        quiet: global.quiet,
    }
}
