//! Files that are replaced whole: settings, secrets and sinks.

mod strace;
