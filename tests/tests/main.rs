//! End-to-end tests of the engine over real connections on loopback.

mod wire;
