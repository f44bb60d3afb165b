//! The description that is served is the one that is committed.

use serde_json::Value;

use crate::harness::{Setup, emulator};

#[test]
fn it_is_served_as_it_is_committed() {
    let emulator = emulator().start().unwrap();
    let service = Setup::new(&emulator).watched().start();
    let copy: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    assert_eq!(service.operator("/openapi.json").expect(200), copy);
}
