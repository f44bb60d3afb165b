//! Identity operations: a small store of enrolled identities.

use serde_json::{Value, json};

use super::{Call, TEST_USER, flow, is_test_user, new_id};
use crate::answer::{Answer, code};

/// One enrolled identity, under its prove id.
pub(super) struct Identity {
    client_id: String,
    active: bool,
    created_at: u64,
    client_customer_id: String,
    device_id: String,
    attributes: Vec<Attribute>,
}

struct Attribute {
    id: String,
    value: String,
}

const ISSUER: &str = "emulator";
const DEFAULT_PAGE: usize = 100;

pub(super) fn enroll(call: &Call) -> Result<Value, Answer> {
    let prove_id = insert(call, &Value::Object(call.body.clone()));
    Ok(json!({ "proveId": prove_id, "success": true }))
}

pub(super) fn enroll_batch(call: &Call) -> Result<Value, Answer> {
    let results: Vec<Value> = flow::items(call)?
        .iter()
        .map(|item| match item["phoneNumber"].as_str() {
            Some(number) if is_test_user(number) => json!({ "proveId": insert(call, item) }),
            Some(_) => json!({ "error": "sandbox user not found" }),
            // What the official SDKs send in place of a number.
            None if item["identityId"].is_string() => json!({ "proveId": insert(call, item) }),
            None => json!({ "error": "field 'phoneNumber' is missing" }),
        })
        .collect();
    Ok(json!({ "results": results }))
}

/// One page; `lastKey` is there if more follow, and is the next `startKey`.
pub(super) fn list(call: &Call) -> Result<Value, Answer> {
    let limit = match call.query.get("limit") {
        None => DEFAULT_PAGE,
        Some(limit) => match limit.parse() {
            Ok(limit @ 1..) => limit,
            _ => {
                return Err(Answer::malformed(
                    "field 'limit' must be a positive integer",
                ));
            }
        },
    };
    let start = call.query.get("startKey");
    let inactive = call.query.get("showInactive") == Some("true");
    let identities = call.context.store.identities();
    let own = identities
        .iter()
        .filter(|(_, identity)| identity.client_id == call.client_id)
        .filter(|(_, identity)| identity.active || inactive)
        .map(|(prove_id, _)| prove_id);
    let mut rest: Vec<_> = own
        .skip_while(|id| start.is_some_and(|start| *id != start))
        .collect();
    if start.is_some() {
        if rest.is_empty() {
            return Err(Answer::malformed("field 'startKey' is not valid"));
        }
        rest.remove(0);
    }
    let page: Vec<_> = rest
        .iter()
        .take(limit)
        .map(|id| json!({ "proveId": id }))
        .collect();
    let mut answer = json!({ "results": page });
    if rest.len() > limit {
        answer["lastKey"] = rest[limit - 1].into();
    }
    Ok(answer)
}

pub(super) fn read(call: &Call) -> Result<Value, Answer> {
    with_own(call, &call.segment, |identity| {
        describe(&call.segment, identity)
    })
}

pub(super) fn remove(call: &Call) -> Result<Value, Answer> {
    let answer = with_own(call, &call.segment, |_| json!({ "success": true }))?;
    call.context.store.identities().remove(&call.segment);
    Ok(answer)
}

pub(super) fn activate(call: &Call) -> Result<Value, Answer> {
    set_active(call, true)
}

pub(super) fn deactivate(call: &Call) -> Result<Value, Answer> {
    set_active(call, false)
}

/// Nothing is linked, so no other domain knows the identity.
pub(super) fn cross_domain(call: &Call) -> Result<Value, Answer> {
    with_own(
        call,
        &call.segment,
        |_| json!({ "count": 0, "identities": [] }),
    )
}

pub(super) fn lookup(call: &Call) -> Result<Value, Answer> {
    if !is_test_user(&call.segment) {
        return Err(Answer::error(
            400,
            code::USER_NOT_FOUND,
            "sandbox user not found",
        ));
    }
    let identities = call.context.store.identities();
    let items: Vec<_> = identities
        .iter()
        .filter(|(_, identity)| identity.client_id == call.client_id)
        .map(|(prove_id, identity)| describe(prove_id, identity))
        .collect();
    // Prove omits what is empty.
    Ok(if items.is_empty() {
        json!({})
    } else {
        json!({ "items": items })
    })
}

pub(super) fn discover(call: &Call) -> Result<Value, Answer> {
    let prove_id = call.query.get("proveId").unwrap_or_default();
    with_own(call, prove_id, |identity| {
        let results: Vec<_> = identity
            .attributes
            .iter()
            .map(|attribute| json!({ "attributeId": attribute.id, "issuerId": ISSUER }))
            .collect();
        if results.is_empty() {
            json!({})
        } else {
            json!({ "results": results })
        }
    })
}

pub(super) fn fetch(call: &Call) -> Result<Value, Answer> {
    let prove_id = call.query.get("proveId").unwrap_or_default();
    let attribute_id = call.query.get("attributeId").unwrap_or_default();
    with_own(call, prove_id, |identity| {
        let results: Vec<_> = identity
            .attributes
            .iter()
            .filter(|attribute| attribute.id == attribute_id)
            .map(|attribute| {
                json!({
                    "attributeId": attribute.id,
                    "attributeValue": attribute.value,
                    "issuerId": ISSUER,
                })
            })
            .collect();
        json!({ "results": results })
    })
}

/// Enrolls the test user once per client and customer; a repetition finds the
/// identity that is already there.
fn insert(call: &Call, item: &Value) -> String {
    let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let customer = match text("clientCustomerId") {
        given if given.is_empty() => text("identityId"),
        given => given,
    };
    let mut identities = call.context.store.identities();
    let known = identities.iter().find(|(_, identity)| {
        identity.client_id == call.client_id && identity.client_customer_id == customer
    });
    if let Some((prove_id, _)) = known {
        return prove_id.to_owned();
    }
    let attributes = item["identityAttributes"].as_array();
    let prove_id = new_id();
    let identity = Identity {
        client_id: call.client_id.to_owned(),
        active: true,
        created_at: call.context.clock.epoch_seconds(),
        client_customer_id: customer,
        device_id: text("deviceId"),
        attributes: attributes
            .into_iter()
            .flatten()
            .filter_map(|attribute| attribute["attributeValue"].as_str())
            .map(|value| Attribute {
                id: new_id(),
                value: value.to_owned(),
            })
            .collect(),
    };
    identities.insert(prove_id.clone(), identity);
    prove_id
}

fn set_active(call: &Call, active: bool) -> Result<Value, Answer> {
    with_own(call, &call.segment, |identity| {
        identity.active = active;
        json!({ "success": true })
    })
}

/// An identity of another client is as unknown as none.
fn with_own(
    call: &Call,
    prove_id: &str,
    then: impl FnOnce(&mut Identity) -> Value,
) -> Result<Value, Answer> {
    let mut identities = call.context.store.identities();
    identities
        .get_mut(prove_id)
        .filter(|identity| identity.client_id == call.client_id)
        .map(then)
        .ok_or_else(|| Answer::error(404, code::IDENTITY_NOT_FOUND, "identity not found"))
}

fn describe(prove_id: &str, identity: &Identity) -> Value {
    let mut answer = json!({
        "active": identity.active,
        "carrier": "Verizon",
        "countryCode": "US",
        "createdAt": identity.created_at,
        "lineType": "mobile",
        "phoneNumber": TEST_USER,
        "proveId": prove_id,
    });
    for (name, value) in [
        ("clientCustomerId", &identity.client_customer_id),
        ("deviceId", &identity.device_id),
    ] {
        if !value.is_empty() {
            answer[name] = value.as_str().into();
        }
    }
    answer
}
