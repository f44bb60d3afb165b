//! A caller who asks too much, and the others.

use std::io::Write as _;

use crate::harness::{KEY, Setup, emulator, raw, until};
use crate::upstream::{Upstream, answer};

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

/// Those of one who asks for more than the provider takes wait for each other alone.
#[test]
fn the_providers_limit_is_shared_among_callers() {
    let emulator = emulator().start().unwrap();
    let api = Upstream::start(|_, _| answer("200 OK", "", "fine"));
    let uid = rustix::process::geteuid().as_raw();
    let modest =
        format!("[[service.callers]]\nname = \"modest\"\nuid = {uid}\nprofiles = [\"local\"]\n");
    let setup = Setup::to_api(&emulator, &api.url(), "rate_limit = 4\n");
    let service = setup.service(&modest).watched().start();
    let request = "GET /proxy/local/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    let eager = format!("{request}Authorization: Bearer {KEY}\r\n\r\n");
    // It would be 10 s until the last is served, and nobody waits for more than 5.
    let _waiting: Vec<_> = (0..40)
        .map(|_| {
            let mut stream = service.tcp();
            stream.write_all(eager.as_bytes()).unwrap();
            stream
        })
        .collect();
    let heard = "prove_token_caller_requests_total{caller=\"billing\"} 40\n";
    until(|| service.probe("/metrics").body.contains(heard));
    let served = raw(service.unix(), format!("{request}\r\n").as_bytes());
    assert_eq!((served.status, &*served.body), (200, "fine"));
}
