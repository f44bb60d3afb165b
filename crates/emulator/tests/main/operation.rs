//! What all operations have in common.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api::{Api, text};
use crate::client::{FORM, JSON, ask, operation, start, start_with, token};

#[test]
fn a_correlation_belongs_to_its_client() {
    let emulator = start_with(|builder| builder.client("a", "1").client("b", "2"));
    let token_of = |id: &str, secret: &str| {
        let body = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let answer = ask(&emulator, "POST /token", &[FORM], &body).json();
        text(&answer, "access_token").to_owned()
    };
    let (a, b) = (token_of("a", "1"), token_of("b", "2"));
    let start = r#"{"flowType":"mobile"}"#;
    let started = operation(&emulator, &a, "POST /v3/start", start).json();
    let body = json!({ "correlationId": started["correlationId"] }).to_string();
    let stranger = operation(&emulator, &b, "POST /v3/validate", &body);
    assert_eq!(stranger.json()["code"], 8008);
    assert_eq!(
        operation(&emulator, &a, "POST /v3/validate", &body).status,
        200
    );
}

/// Every listed operation, with the least it requires.
#[test]
fn every_operation_answers_and_names_what_is_missing() {
    let api = Api::new();
    let enrolled = api.ok("POST /v3/identity", &json!({ "phoneNumber": "2001001695" }));
    let id = text(&enrolled, "proveId");
    let rows: [(&str, Value); 20] = [
        ("POST /v3/start", json!({ "flowType": "desktop" })),
        (
            "POST /v3/unify",
            json!({ "possessionType": "none", "clientRequestId": "r" }),
        ),
        (
            "POST /v3/verify",
            json!({ "phoneNumber": "2001001695", "verificationType": "x" }),
        ),
        ("POST /v3/verify/batch", json!({ "items": [{}] })),
        (
            "POST /v3/device/revoke",
            json!({ "deviceId": "d", "clientRequestId": "r" }),
        ),
        ("GET /v3/discover?proveId=ID", Value::Null),
        ("GET /v3/fetch?proveId=ID&attributeId=a", Value::Null),
        ("GET /v3/identity", Value::Null),
        ("POST /v3/identity", json!({ "phoneNumber": "2001001695" })),
        ("POST /v3/identity/batch", json!({ "items": [{}] })),
        ("GET /v3/identity/ID", Value::Null),
        ("POST /v3/identity/ID/activate", Value::Null),
        ("POST /v3/identity/ID/deactivate", Value::Null),
        ("POST /v3/identity/ID/cross-domain", Value::Null),
        ("GET /v3/identity/2001001695/lookup", Value::Null),
        ("GET /v3/domain/id", Value::Null),
        ("GET /v3/domain/linked", Value::Null),
        ("POST /v3/domain/link", json!({ "pcid": "1" })),
        ("POST /v3/domain/confirm-link", json!({ "pcid": "1" })),
        ("POST /v3/domain/unlink", json!({ "pcidTo": "1" })),
    ];
    for (line, body) in &rows {
        api.ok(&line.replace("ID", id), body);
    }
    for (line, body) in rows {
        let optional = line == "POST /v3/domain/unlink";
        for name in body.as_object().into_iter().flat_map(|body| body.keys()) {
            let mut less = body.clone();
            less.as_object_mut().unwrap().remove(name);
            let (status, answer) = api.call(line, &less);
            if optional {
                assert_eq!(status, 200);
            } else {
                let message = format!("field '{name}' is missing");
                assert_eq!(
                    (status, &answer),
                    (400, &json!({ "code": 1001, "message": message }))
                );
            }
        }
    }
    assert_eq!(api.refused("GET /v3/discover", &Value::Null), (400, 1001));
    assert_eq!(
        api.refused("GET /v3/fetch?proveId=x", &Value::Null),
        (400, 1001)
    );
}

#[test]
fn a_malformed_body_is_refused() {
    let api = Api::new();
    let refused = |body: &str| {
        let answer = operation(&api.emulator, &api.token, "POST /v3/start", body);
        (answer.status, answer.json()["code"].clone())
    };
    let long = json!({ "flowType": "mobile", "x": "x".repeat(4096) }).to_string();
    for body in [
        "{",
        "[]",
        "\"x\"",
        r#"{"flowType":1}"#,
        r#"{"flowType":"fax"}"#,
        &long,
    ] {
        assert_eq!(refused(body), (400, json!(8001)), "{body}");
    }
    assert_eq!(refused(r#"{"flowType":""}"#), (400, json!(1001)));
    assert_eq!(refused(r#"{"flowType":null}"#), (400, json!(1001)));
}

#[test]
fn only_the_test_user_exists() {
    let api = Api::new();
    for (line, body) in [
        (
            "POST /v3/start",
            json!({ "flowType": "mobile", "phoneNumber": "2001001686" }),
        ),
        (
            "POST /v3/verify",
            json!({ "phoneNumber": "2001004053", "verificationType": "x" }),
        ),
        ("POST /v3/identity", json!({ "phoneNumber": "2001004053" })),
        ("GET /v3/identity/2001004053/lookup", Value::Null),
    ] {
        assert_eq!(api.refused(line, &body), (400, 8007), "{line}");
    }
}

#[test]
fn an_unknown_place_is_forbidden() {
    let api = Api::new();
    for line in [
        "POST /v3/nothing",
        "GET /v3/start",
        "POST /v2/start",
        "DELETE /v3/identity",
        "POST /_emulator",
    ] {
        let (status, answer) = api.call(line, &Value::Null);
        assert_eq!(
            (status, answer),
            (403, json!({ "message": "Forbidden" })),
            "{line}"
        );
    }
    let bearer = format!("Authorization: Bearer {}", api.token);
    let form = ask(
        &api.emulator,
        "POST /v3/start",
        &[FORM, &bearer],
        "flowType=mobile",
    );
    assert_eq!(form.status, 403);
}

#[test]
fn a_bearer_token_is_required() {
    let emulator = start();
    let good = token(&emulator);
    let expected = r#"{"code":8002,"message":"not authorized"}"#;
    let call = |authorization: &str| {
        let answer = ask(&emulator, "GET /v3/domain/id", &[JSON, authorization], "");
        (answer.status, answer.body)
    };
    for authorization in [
        "X-None: 1".to_owned(),
        "Authorization: Bearer".to_owned(),
        "Authorization: Bearer x.y.z".to_owned(),
        format!("Authorization: Basic {good}"),
        format!("Authorization: {good}"),
        format!("Authorization: Bearer {good}x"),
        format!("Authorization: Bearer {good}\r\nAuthorization: Bearer {good}"),
    ] {
        assert_eq!(
            call(&authorization),
            (401, expected.to_owned()),
            "{authorization}"
        );
    }
    assert_eq!(call(&format!("Authorization: Bearer {good}")).0, 200);
    assert_eq!(call(&format!("authorization: bearer {good}")).0, 200);
}

#[test]
fn tokens_expire_and_are_revoked() {
    let emulator = start_with(|builder| builder.lifetime(Duration::from_secs(60)));
    let call = |token: &str| operation(&emulator, token, "GET /v3/domain/id", "").status;
    let first = token(&emulator);
    assert_eq!(call(&first), 200);
    emulator.advance(Duration::from_secs(60));
    assert_eq!(call(&first), 401);
    let second = token(&emulator);
    emulator.revoke_all_tokens();
    assert_eq!(call(&second), 401);
    assert_eq!(call(&token(&emulator)), 200);
}

#[test]
fn the_rate_limit_covers_operations() {
    let emulator = start_with(|builder| builder.rate_limit(2));
    let token = token(&emulator);
    let call = || operation(&emulator, &token, "GET /v3/domain/id", "").status;
    assert_eq!(call(), 200);
    assert!((0..60).any(|_| call() == 429));
    emulator.advance(Duration::from_secs(1));
    assert_eq!(call(), 200);
}
