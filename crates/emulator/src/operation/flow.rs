//! Operations with steps: the flow, unify, verify and server authentication.

use serde_json::{Value, json};

use super::{Call, TEST_USER, is_test_user, new_id};
use crate::answer::{Answer, code};

/// One flow, under its correlation id.
pub(super) struct Flow {
    client_id: String,
    step: Step,
    phone_number: String,
    client_request_id: String,
    /// Whether a date of birth or a social security number was given.
    challenge_known: bool,
}

/// The step that a flow waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Validate,
    Challenge,
    Complete,
    Done,
    /// Unify that checks possession itself.
    UnifyStatus,
    /// Unify without a check of possession: the client binds.
    UnifyBind,
    Auth,
}

const MAX_BATCH: usize = 1000;

pub(super) fn start(call: &Call) -> Result<Value, Answer> {
    one_of(call, "flowType", &["mobile", "desktop"])?;
    let correlation_id = begin(call, Step::Validate);
    Ok(json!({
        "authToken": call.context.tokens.mint_for_flow(&correlation_id, call.context.clock),
        "correlationId": correlation_id,
        "next": { "v3-validate": "/v3/validate" },
    }))
}

pub(super) fn validate(call: &Call) -> Result<Value, Answer> {
    step(call, "correlationId", &[Step::Validate], |flow| {
        flow.step = Step::Challenge;
        json!({
            "success": true,
            "challengeMissing": !flow.challenge_known,
            "phoneNumber": flow.phone_number,
            "next": { "v3-challenge": "/v3/challenge" },
        })
    })
}

pub(super) fn challenge(call: &Call) -> Result<Value, Answer> {
    step(call, "correlationId", &[Step::Challenge], |flow| {
        flow.challenge_known |= knows_challenge(call);
        if !flow.challenge_known {
            return json!({ "success": false, "next": { "v3-challenge": "/v3/challenge" } });
        }
        flow.step = Step::Complete;
        json!({
            "success": true,
            "individual": { "firstName": "Milo", "lastName": "Pinson" },
            "next": { "v3-complete": "/v3/complete" },
        })
    })
}

pub(super) fn complete(call: &Call) -> Result<Value, Answer> {
    step(call, "correlationId", &[Step::Complete], |flow| {
        flow.step = Step::Done;
        json!({ "success": true, "next": { "done": "done" } })
    })
}

pub(super) fn unify(call: &Call) -> Result<Value, Answer> {
    one_of(call, "possessionType", &["mobile", "desktop", "none"])?;
    let checked = call.text("possessionType") != "none";
    let step = if checked {
        Step::UnifyStatus
    } else {
        Step::UnifyBind
    };
    let correlation_id = begin(call, step);
    let mut answer = json!({ "success": "pending", "correlationId": correlation_id });
    if checked {
        let context = call.context;
        answer["authToken"] = context
            .tokens
            .mint_for_flow(&correlation_id, context.clock)
            .into();
    }
    Ok(answer)
}

/// Nobody is there to prove possession, so it counts as proved at once.
pub(super) fn unify_status(call: &Call) -> Result<Value, Answer> {
    let steps = [Step::UnifyStatus, Step::UnifyBind, Step::Done];
    step(call, "correlationId", &steps, |flow| {
        if flow.step == Step::UnifyBind {
            return json!({ "success": "possession_required", "phoneNumber": flow.phone_number });
        }
        flow.step = Step::Done;
        possessed(flow)
    })
}

pub(super) fn unify_bind(call: &Call) -> Result<Value, Answer> {
    let steps = [Step::UnifyStatus, Step::UnifyBind];
    step(call, "correlationId", &steps, |flow| {
        flow.step = Step::Done;
        possessed(flow)
    })
}

pub(super) fn verify(call: &Call) -> Result<Value, Answer> {
    let answer = json!({ "success": "true", "correlationId": new_id(), "proveId": new_id() });
    let names = [
        "phoneNumber",
        "clientRequestId",
        "clientCustomerId",
        "clientHumanId",
    ];
    Ok(call.echo(answer, &names))
}

pub(super) fn verify_batch(call: &Call) -> Result<Value, Answer> {
    let results: Vec<Value> = items(call)?.iter().map(verify_item).collect();
    let answer = json!({ "correlationId": new_id(), "results": results });
    Ok(call.echo(answer, &["clientRequestId"]))
}

pub(super) fn auth_start(call: &Call) -> Result<Value, Answer> {
    let auth_id = begin(call, Step::Auth);
    let auth_token = call
        .context
        .tokens
        .mint_for_flow(&auth_id, call.context.clock);
    Ok(json!({ "authId": auth_id, "authToken": auth_token }))
}

pub(super) fn auth_continue(call: &Call) -> Result<Value, Answer> {
    step(
        call,
        "authId",
        &[Step::Auth],
        |_| json!({ "subjects": { "mobile": { "success": true } } }),
    )
}

pub(super) fn auth_finish(call: &Call) -> Result<Value, Answer> {
    step(call, "authId", &[Step::Auth], |flow| {
        flow.step = Step::Done;
        json!({ "appNamespace": "emulator", "authId": call.text("authId"), "subjects": {} })
    })
}

/// The items of a batch.
pub(super) fn items<'a>(call: &'a Call) -> Result<&'a [Value], Answer> {
    let items = call.body.get("items").and_then(Value::as_array);
    match items.map_or(&[][..], Vec::as_slice) {
        [] => Err(Answer::missing("items")),
        items if items.len() > MAX_BATCH => Err(Answer::malformed(
            "field 'items' has more than 1000 entries",
        )),
        items => Ok(items),
    }
}

fn begin(call: &Call, step: Step) -> String {
    let correlation_id = new_id();
    let flow = Flow {
        client_id: call.client_id.to_owned(),
        step,
        phone_number: if call.has("phoneNumber") {
            call.text("phoneNumber").to_owned()
        } else {
            // With mobile authentication the network tells the number.
            TEST_USER.to_owned()
        },
        client_request_id: call.text("clientRequestId").to_owned(),
        challenge_known: knows_challenge(call),
    };
    call.context
        .store
        .flows()
        .insert(correlation_id.clone(), flow);
    correlation_id
}

/// Takes a step of the flow that the body's `field` names, if the flow waits
/// for one of `allowed`.
fn step(
    call: &Call,
    field: &str,
    allowed: &[Step],
    take: impl FnOnce(&mut Flow) -> Value,
) -> Result<Value, Answer> {
    let mut flows = call.context.store.flows();
    let flow = flows
        .get_mut(call.text(field))
        .filter(|flow| flow.client_id == call.client_id)
        .ok_or_else(|| Answer::error(400, code::CORRELATION, "invalid correlation ID"))?;
    if !allowed.contains(&flow.step) {
        return Err(Answer::error(
            400,
            code::OUT_OF_ORDER,
            "step called out of order, follow 'next' of the previous answer",
        ));
    }
    Ok(take(flow))
}

fn knows_challenge(call: &Call) -> bool {
    call.has("dob") || call.has("ssn")
}

fn possessed(flow: &Flow) -> Value {
    let mut answer = json!({
        "success": "true",
        "phoneNumber": flow.phone_number,
        "proveId": new_id(),
        "deviceId": new_id(),
    });
    if !flow.client_request_id.is_empty() {
        answer["clientRequestId"] = flow.client_request_id.as_str().into();
    }
    answer
}

fn verify_item(item: &Value) -> Value {
    let number = item["phoneNumber"].as_str().unwrap_or_default();
    let mut result = json!({
        "phoneNumber": number,
        "clientCustomerId": item["clientCustomerId"].as_str().unwrap_or_default(),
        "assuranceLevel": if is_test_user(number) { "AL2" } else { "AL-1" },
        "success": is_test_user(number).to_string(),
    });
    if is_test_user(number) {
        result["proveId"] = new_id().into();
    } else {
        result["error"] = "sandbox user not found".into();
    }
    result
}

fn one_of(call: &Call, field: &str, values: &[&str]) -> Result<(), Answer> {
    if values.contains(&call.text(field)) {
        return Ok(());
    }
    let values = values.join(", ");
    Err(Answer::malformed(&format!(
        "field '{field}' must be one of {values}"
    )))
}
