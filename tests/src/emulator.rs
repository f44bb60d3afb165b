//! The emulator with the tests' credentials.

use prove_token::Endpoint;
use prove_token_emulator::{Emulator, EmulatorBuilder, Fault};

use crate::canary::{CLIENT_ID, SECRET};

/// An emulator that knows the tests' client and limits no rate.
pub fn builder() -> EmulatorBuilder {
    Emulator::builder().client(CLIENT_ID, SECRET).rate_limit(0)
}

/// An emulator with a fault.
///
/// # Panics
///
/// If there is no free port.
pub fn with(fault: Fault) -> Emulator {
    builder().fault(fault).start().expect("a free port")
}

/// The address of its token endpoint.
///
/// # Panics
///
/// Never: a loopback address is an endpoint.
pub fn endpoint(emulator: &Emulator) -> Endpoint {
    let address = emulator.token_endpoint();
    address.parse().expect("a loopback address is an endpoint")
}
