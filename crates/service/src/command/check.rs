//! `prove-tokend --check-config`: what the service would say to this configuration.

use prove_token_config::Env;

use crate::args::Common;
use crate::banner;
use crate::console::{print, printable, say};
use crate::failure::Failure;
use crate::service::Service;
use crate::trace;

/// One line on standard output if it would start, as far as that can be told without
/// doing so: nothing is bound, and no token is asked for.
pub(crate) fn run(common: &Common, env: Env) -> Result<(), Failure> {
    for line in trace::Settings::read(&env)?.lines() {
        say(&line);
    }
    let service = Service::read(common.config.clone(), env)?;
    let plan = service.plan();
    let source = match &plan.file {
        Some(path) => printable(path),
        None => "the environment".to_owned(),
    };
    let listen: Vec<_> = plan
        .settings
        .listen
        .iter()
        .map(ToString::to_string)
        .collect();
    print(&format!(
        "{source} is good: {}, {}, listens on {}",
        banner::count(plan.profiles.len(), "profile"),
        banner::count(plan.settings.callers.len(), "caller"),
        listen.join(" and ")
    ))
}
