//! What the command line can be asked for, a file each.

pub(crate) mod caller;
pub(crate) mod check;
pub(crate) mod healthcheck;
pub(crate) mod serve;
