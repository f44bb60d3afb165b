//! The in-memory cache: slots that hold one token each, the flights that fill
//! them, and the thread the flights run on.

mod beacon;
mod cell;
mod flight;
mod key;
mod map;
mod runtime;
mod slot;

pub(crate) use flight::{Flight, Pilot};
pub(crate) use key::Key;
pub(crate) use map::SlotMap;
pub(crate) use runtime::Lane;
pub(crate) use slot::{Demand, Dispatcher, Landing, Slot, Wish};
