use http::{Method, Request, Version};

use super::*;

fn head(path: &str, headers: &[(&str, &str)]) -> Parts {
    let mut builder = Request::builder()
        .method(Method::POST)
        .uri(path)
        .version(Version::HTTP_11);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

fn presented() -> Presented {
    Presented {
        authentication: "client_secret_post",
        client_id: Some("my-id".into()),
    }
}

fn record(path: &str, headers: &[(&str, &str)], body: &'static str) -> RecordedRequest {
    let (head, body) = (head(path, headers), Bytes::from_static(body.as_bytes()));
    let form = Form::parse(&body);
    RecordedRequest::new(&head, &body, Some(&form), &presented(), Duration::ZERO)
}

fn line(path: &str, status: u16) -> RequestLog {
    RequestLog {
        status: Some(status),
        ..RequestLog::new("POST", path)
    }
}

#[test]
fn what_may_be_secret_is_redacted() {
    let record = record(
        "/token?client_secret=CANARY",
        &[
            ("authorization", "Basic CANARY"),
            ("proxy-authorization", "CANARY"),
            ("cookie", "a=CANARY"),
            ("x-api-key", "CANARY"),
            ("x-client-secret", "CANARY"),
            ("x-trace", "1"),
        ],
        "client_id=my-id&client_secret=CANARY&CANARY&CANARY=1",
    );
    let debug = format!("{record:?}");
    let json = serde_json::to_string(&record).unwrap();
    for text in [&debug, &json] {
        assert!(!text.contains("CANARY"), "{text}");
        assert!(text.contains("Basic [redacted]"), "{text}");
    }
    assert_eq!(record.path, "/token");
    assert_eq!(
        record.body_fields,
        ["client_id", "client_secret", "[other]", "[other]"]
    );
    assert!(record.headers.contains(&("x-trace".into(), "1".into())));
}

#[test]
fn an_authorization_value_without_a_known_scheme_is_all_secret() {
    for value in ["CANARY", "CANARY CANARY", "Basic", "BasicCANARY x"] {
        assert_eq!(redact(value.as_bytes()), "[redacted]", "{value}");
    }
    assert_eq!(redact(b"bearer CANARY"), "Bearer [redacted]");
}

#[test]
fn raw_bytes_are_kept_on_request_and_shown_nowhere() {
    let head = head("/token?a=1", &[("authorization", "Basic CANARY")]);
    let body = Bytes::from_static(b"client_secret=CANARY");
    let form = Form::parse(&body);
    let record = RecordedRequest::new(&head, &body, Some(&form), &presented(), Duration::ZERO);
    assert!(record.raw_head.is_empty() && record.raw_body.is_empty());
    let record = record.with_raw(&head, &body);
    assert_eq!(
        record.raw_head,
        b"POST /token?a=1 HTTP/1.1\r\nauthorization: Basic CANARY\r\n\r\n"
    );
    assert_eq!(record.raw_body, b"client_secret=CANARY");
    assert!(!format!("{record:?}").contains("CANARY"));
    assert!(!serde_json::to_string(&record).unwrap().contains("CANARY"));
}

#[test]
fn members_of_a_json_body_are_named() {
    let body = Bytes::from_static(br#"{"phoneNumber":"CANARY","bad name":1}"#);
    assert_eq!(visible_members(&body), ["[other]", "phoneNumber"]);
    assert!(visible_members(&Bytes::from_static(b"CANARY")).is_empty());
}

#[test]
fn a_line_says_what_happened() {
    let mut line = line("/token", 200);
    line.elapsed = Duration::from_micros(1234);
    line.client_id = Some("my-id".into());
    assert_eq!(line.to_string(), "1.2 ms POST /token 200 client=my-id");
    line.status = None;
    line.fault = Some("silence".into());
    line.client_id = None;
    assert_eq!(
        line.to_string(),
        "1.2 ms POST /token - fault=silence client=-"
    );
}

#[test]
fn the_oldest_records_go_and_the_counts_stay() {
    let recorder = Recorder::default();
    let first = recorder.arrive(record("/token", &[], ""));
    for _ in 0..MAX_REQUESTS {
        let ticket = recorder.arrive(record("/token", &[], ""));
        recorder.complete(ticket, &line("/token", 200));
    }
    recorder.complete(first, &line("/token", 500));
    let requests = recorder.requests();
    assert_eq!(requests.len(), MAX_REQUESTS);
    assert!(requests.iter().all(|request| request.status == Some(200)));
    assert_eq!(recorder.token_requests(), MAX_REQUESTS + 1);
    assert_eq!(
        recorder.counts(),
        serde_json::json!({ "/token": { "200": MAX_REQUESTS, "500": 1 } })
    );
}

#[test]
fn a_reset_forgets_and_late_answers_do_no_harm() {
    let recorder = Recorder::default();
    let early = recorder.arrive(record("/token", &[], ""));
    recorder.reset();
    let late = recorder.arrive(record("/token", &[], ""));
    recorder.complete(early, &line("/token", 500));
    assert_eq!(recorder.requests()[0].status, None);
    recorder.complete(late, &line("/token", 200));
    assert_eq!(recorder.requests()[0].status, Some(200));
    assert_eq!(recorder.token_requests(), 1);
}

#[test]
fn paths_beyond_the_limit_are_counted_together() {
    let recorder = Recorder::default();
    for number in 0..MAX_PATHS + 5 {
        let path = format!("/{number}");
        let ticket = recorder.arrive(record(&path, &[], ""));
        recorder.complete(ticket, &line(&path, 403));
    }
    let counts = recorder.counts();
    assert_eq!(counts.as_object().unwrap().len(), MAX_PATHS + 1);
    assert_eq!(counts[OTHER]["403"], 5);
}

#[test]
fn waiting_ends_when_time_does() {
    let recorder = Recorder::default();
    assert!(!recorder.wait(1, Duration::ZERO));
    recorder.arrive(record("/token", &[], ""));
    assert!(recorder.wait(1, Duration::ZERO));
}
