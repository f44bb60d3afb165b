//! A caller who asks too much, and the others.

use std::io::Write as _;

use crate::harness::{Setup, emulator};

#[test]
fn one_callers_quota_is_not_anothers() {
    let emulator = emulator().start().unwrap();
    let uid = rustix::process::geteuid().as_raw();
    let eager = format!(
        "[[service.callers]]\nname = \"eager\"\nuid = {uid}\nprofiles = [\"local\"]\nrate_limit = 1\n"
    );
    let service = Setup::new(&emulator).service(&eager).watched().start();
    let mut stream = service.unix();
    // In one piece, so that all come in one second however slow this machine is.
    let one = "GET /v1/token/local HTTP/1.1\r\nHost: x\r\nProve-Token-Request: true\r\n";
    let all = format!("{one}\r\n").repeat(20) + one + "Connection: close\r\n\r\n";
    stream.write_all(all.as_bytes()).unwrap();
    let text = std::io::read_to_string(&mut stream).unwrap();
    let count = |line: &str| text.matches(line).count();
    let (served, refused) = (count("HTTP/1.1 200"), count("HTTP/1.1 429"));
    assert_eq!(served + refused, 21);
    assert!(served >= 1 && refused >= 1, "{served} {refused}");
    assert_eq!(count("retry-after: 1\r\n"), refused);
    assert_eq!(count("\"error\":\"rate_limited\""), refused);
    for _ in 0..10 {
        service.get("/v1/token/local").expect(200);
    }
    let state = service.operator("/state").expect(200);
    let [billing, eager] = &state["callers"].as_array().unwrap()[..] else {
        panic!("{state}");
    };
    assert_eq!(
        (&eager["requests"], &eager["over_quota"]),
        (&21.into(), &refused.into())
    );
    assert_eq!(
        (&billing["requests"], &billing["over_quota"]),
        (&10.into(), &0.into())
    );
}
