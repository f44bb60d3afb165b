//! `prove-token init`, asked and answered at a terminal, and by flags alone.

#[cfg(target_os = "linux")]
mod asked;
mod flags;
