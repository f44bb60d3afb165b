//! Calls to an API over real connections, by both integrations: what becomes of a
//! rejected token, and where a token goes.

mod origin;
mod replay;
mod stack;
mod storm;
