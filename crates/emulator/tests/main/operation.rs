//! The operations behind the token.

use std::time::Duration;

use prove_token_emulator::Emulator;
use serde_json::{Value, json};

use crate::client::{FORM, JSON, ask, operation, start, start_with, token};

/// Calls operations with one token.
struct Api {
    emulator: Emulator,
    token: String,
}

impl Api {
    fn new() -> Self {
        let emulator = start_with(|builder| builder.rate_limit(0));
        let token = token(&emulator);
        Self { emulator, token }
    }

    fn call(&self, line: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = operation(&self.emulator, &self.token, line, &body);
        (answer.status, answer.json())
    }

    /// The body of an answer that must be a 200.
    fn ok(&self, line: &str, body: &Value) -> Value {
        let (status, answer) = self.call(line, body);
        assert_eq!(status, 200, "{line}: {answer}");
        answer
    }

    /// Status and code of a refusal.
    fn refused(&self, line: &str, body: &Value) -> (u16, u64) {
        let (status, answer) = self.call(line, body);
        (status, answer["code"].as_u64().unwrap_or_default())
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

#[test]
fn the_flow_goes_from_start_to_done() {
    let api = Api::new();
    let started = api.ok(
        "POST /v3/start",
        &json!({ "flowType": "mobile", "phoneNumber": "2001001695", "ssn": "0596" }),
    );
    assert_eq!(started["next"], json!({ "v3-validate": "/v3/validate" }));
    assert_eq!(text(&started, "authToken").split('.').count(), 3);
    let id = text(&started, "correlationId");

    let validated = api.ok("POST /v3/validate", &json!({ "correlationId": id }));
    assert_eq!(
        validated,
        json!({
            "success": true,
            "challengeMissing": false,
            "phoneNumber": "2001001695",
            "next": { "v3-challenge": "/v3/challenge" },
        })
    );
    let challenged = api.ok("POST /v3/challenge", &json!({ "correlationId": id }));
    assert_eq!(challenged["success"], true);
    assert_eq!(challenged["individual"]["lastName"], "Pinson");
    assert_eq!(challenged["next"], json!({ "v3-complete": "/v3/complete" }));

    let completed = api.ok(
        "POST /v3/complete",
        &json!({ "correlationId": id, "individual": { "firstName": "Milo" } }),
    );
    assert_eq!(
        completed,
        json!({ "success": true, "next": { "done": "done" } })
    );
}

#[test]
fn a_challenge_without_data_is_asked_again() {
    let api = Api::new();
    let started = api.ok("POST /v3/start", &json!({ "flowType": "mobile" }));
    let id = json!({ "correlationId": started["correlationId"] });
    assert_eq!(api.ok("POST /v3/validate", &id)["challengeMissing"], true);
    let refused = api.ok("POST /v3/challenge", &id);
    assert_eq!(refused["success"], false);
    assert_eq!(refused["next"], json!({ "v3-challenge": "/v3/challenge" }));
    let with_data = json!({ "correlationId": started["correlationId"], "dob": "1981-01" });
    assert_eq!(api.ok("POST /v3/challenge", &with_data)["success"], true);
}

#[test]
fn steps_have_an_order() {
    let api = Api::new();
    let started = api.ok("POST /v3/start", &json!({ "flowType": "mobile" }));
    let id = &started["correlationId"];
    let complete = json!({ "correlationId": id, "individual": {} });
    assert_eq!(
        api.refused("POST /v3/challenge", &json!({ "correlationId": id })),
        (400, 8003)
    );
    assert_eq!(api.refused("POST /v3/complete", &complete), (400, 8003));
    api.ok("POST /v3/validate", &json!({ "correlationId": id }));
    assert_eq!(
        api.refused("POST /v3/validate", &json!({ "correlationId": id })),
        (400, 8003)
    );
    let unknown = json!({ "correlationId": "713189b8-5555-4b08-83ba-75d08780aebd" });
    assert_eq!(api.refused("POST /v3/validate", &unknown), (400, 8008));
}

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

#[test]
fn unify_checks_possession_or_binds() {
    let api = Api::new();
    let body = |kind: &str| json!({ "possessionType": kind, "clientRequestId": "r1" });
    let checked = api.ok("POST /v3/unify", &body("mobile"));
    assert_eq!(checked["success"], "pending");
    assert!(checked["authToken"].is_string());
    let id = json!({ "correlationId": checked["correlationId"] });
    let status = api.ok("POST /v3/unify-status", &id);
    assert_eq!(
        (&status["success"], &status["clientRequestId"]),
        (&json!("true"), &json!("r1"))
    );

    let unchecked = api.ok("POST /v3/unify", &body("none"));
    assert!(unchecked.get("authToken").is_none());
    let id = json!({ "correlationId": unchecked["correlationId"] });
    assert_eq!(
        api.ok("POST /v3/unify-status", &id)["success"],
        "possession_required"
    );
    let bind = json!({ "correlationId": unchecked["correlationId"], "phoneNumber": "2001001695" });
    assert_eq!(api.ok("POST /v3/unify-bind", &bind)["success"], "true");
    assert_eq!(api.ok("POST /v3/unify-status", &id)["success"], "true");
}

#[test]
fn verify_answers_for_the_test_user() {
    let api = Api::new();
    let body = json!({ "phoneNumber": "+12001001695", "verificationType": "verifiedUser" });
    let answer = api.ok("POST /v3/verify", &body);
    assert_eq!(answer["success"], "true");
    assert_eq!(answer["phoneNumber"], "+12001001695");
    assert!(answer["correlationId"].is_string());
    let batch =
        json!({ "items": [{ "phoneNumber": "2001001695" }, { "phoneNumber": "2001001686" }] });
    let answer = api.ok("POST /v3/verify/batch", &batch);
    assert_eq!(answer["results"][0]["success"], "true");
    assert_eq!(answer["results"][1]["success"], "false");
}

#[test]
fn server_authentication_has_three_steps() {
    let api = Api::new();
    let start = json!({ "requestId": "r1", "subjects": { "mobile": {} } });
    let started = api.ok("POST /v1/server/auth/start", &start);
    let id = &started["authId"];
    let next = json!({ "authId": id, "requestId": "r1", "subjects": {} });
    let continued = api.ok("POST /v1/server/auth/continue", &next);
    assert_eq!(continued["subjects"]["mobile"]["success"], true);
    let finished = api.ok("POST /v1/server/auth/finish", &json!({ "authId": id }));
    assert_eq!(&finished["authId"], id);
    assert_eq!(
        api.refused("POST /v1/server/auth/finish", &json!({ "authId": id })),
        (400, 8003)
    );
}

#[test]
fn an_identity_lives_from_enrolment_to_removal() {
    let api = Api::new();
    let enroll = json!({
        "phoneNumber": "2001001695",
        "clientCustomerId": "c1",
        "identityAttributes": [{ "attributeType": "wallet", "attributeValue": "w1" }],
    });
    let enrolled = api.ok("POST /v3/identity", &enroll);
    let id = text(&enrolled, "proveId");
    assert_eq!(
        api.ok("POST /v3/identity", &enroll)["proveId"],
        id,
        "enrolled once"
    );

    let identity = format!("/v3/identity/{id}");
    let read = api.ok(&format!("GET {identity}"), &Value::Null);
    assert_eq!(
        (&read["active"], &read["clientCustomerId"]),
        (&json!(true), &json!("c1"))
    );
    let discovered = api.ok(&format!("GET /v3/discover?proveId={id}"), &Value::Null);
    let attribute = text(&discovered["results"][0], "attributeId").to_owned();
    let fetch = format!("GET /v3/fetch?proveId={id}&attributeId={attribute}");
    assert_eq!(
        api.ok(&fetch, &Value::Null)["results"][0]["attributeValue"],
        "w1"
    );
    let lookup = api.ok("GET /v3/identity/+12001001695/lookup", &Value::Null);
    assert_eq!(lookup["items"][0]["proveId"], id);
    let crossed = api.ok(&format!("POST {identity}/cross-domain"), &Value::Null);
    assert_eq!(crossed, json!({ "count": 0, "identities": [] }));

    api.ok(
        &format!("POST {identity}/deactivate"),
        &json!({ "clientRequestId": "r" }),
    );
    assert_eq!(
        api.ok(&format!("GET {identity}"), &Value::Null)["active"],
        false
    );
    let hidden = api.ok("GET /v3/identity", &Value::Null);
    assert_eq!(hidden["results"], json!([]));
    let shown = api.ok("GET /v3/identity?showInactive=true", &Value::Null);
    assert_eq!(shown["results"], json!([{ "proveId": id }]));
    api.ok(&format!("POST {identity}/activate"), &Value::Null);
    assert_eq!(
        api.ok(&format!("GET {identity}"), &Value::Null)["active"],
        true
    );

    assert_eq!(
        api.ok(&format!("DELETE {identity}"), &Value::Null),
        json!({ "success": true })
    );
    assert_eq!(
        api.refused(&format!("GET {identity}"), &Value::Null),
        (404, 8011)
    );
    assert_eq!(
        api.refused(&format!("POST {identity}/activate"), &Value::Null),
        (404, 8011)
    );
}

#[test]
fn identities_are_listed_in_pages() {
    let api = Api::new();
    let items: Vec<_> = (0..5)
        .map(|n| json!({ "phoneNumber": "2001001695", "clientCustomerId": n.to_string() }))
        .collect();
    let batch = api.ok("POST /v3/identity/batch", &json!({ "items": items }));
    assert_eq!(batch["results"].as_array().unwrap().len(), 5);
    let mut listed = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = api.ok(&format!("GET /v3/identity{query}"), &Value::Null);
        listed.extend(page["results"].as_array().unwrap().clone());
        match page["lastKey"].as_str() {
            Some(key) => query = format!("?limit=2&startKey={key}"),
            None => break,
        }
    }
    assert_eq!(Value::from(listed), batch["results"]);
    assert_eq!(
        api.refused("GET /v3/identity?startKey=none", &Value::Null),
        (400, 8001)
    );
    assert_eq!(
        api.refused("GET /v3/identity?limit=0", &Value::Null),
        (400, 8001)
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
