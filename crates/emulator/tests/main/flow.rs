//! Operations that keep state: the flow, its relatives, and identities.

use serde_json::{Value, json};

use crate::api::{Api, text};

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
    let odd = json!({ "items": [{ "phoneNumber": "2001004053" }, {}] });
    let refused = api.ok("POST /v3/identity/batch", &odd);
    assert!(refused["results"][0]["error"].is_string());
    assert!(refused["results"][1]["error"].is_string());
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

/// The official SDKs have no number in the items of a batch.
#[test]
fn a_batch_of_the_sdks_shape_is_enrolled() {
    let api = Api::new();
    let item = json!({ "clientName": "a", "identityId": "i1", "pcid": "1" });
    let batch = api.ok("POST /v3/identity/batch", &json!({ "items": [item] }));
    assert!(batch["results"][0]["proveId"].is_string());
}
