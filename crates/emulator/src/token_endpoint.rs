//! `POST /token`: the client credentials grant, as Prove documents it.

use bytes::Bytes;
use http::Method;
use http::request::Parts;
use serde_json::json;

use crate::answer::Answer;
use crate::credential::Presented;
use crate::form::{Form, OTHER, field_name};
use crate::operation::{BODY_LIMIT, media_type};
use crate::random;
use crate::state::State;

pub(crate) const PATH: &str = "/token";

/// Answers a token request whose credentials were judged already.
pub(crate) fn answer(
    state: &State,
    head: &Parts,
    body: &Bytes,
    form: &Form,
    presented: &Presented,
) -> Answer {
    let answer = grant(state, head, body, form, presented).unwrap_or_else(|refusal| refusal);
    answer.header("Cache-Control", "no-store")
}

/// Whether the body is a form, whatever the path and method.
pub(crate) fn is_form(content_type: Option<&str>) -> bool {
    media_type(content_type).eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn grant(
    state: &State,
    head: &Parts,
    body: &Bytes,
    form: &Form,
    presented: &Presented,
) -> Result<Answer, Answer> {
    let content_type = head.headers.get(http::header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    if head.method != Method::POST || !is_form(content_type) {
        return Err(Answer::forbidden());
    }
    if body.len() >= BODY_LIMIT {
        return Err(Answer::malformed("the body is 4 KB or more"));
    }
    check_fields(form, presented)?;
    let Some(client_id) = &presented.client_id else {
        return Err(Answer::not_authorized());
    };
    if !state.rate.admit(client_id, state.clock.now()) {
        return Err(Answer::too_many_requests());
    }
    Ok(issue(state, client_id, form.get("scope")))
}

fn check_fields(form: &Form, presented: &Presented) -> Result<(), Answer> {
    if let Some(name) = form.repeated() {
        return Err(Answer::malformed(&match field_name(name) {
            OTHER => "a field is given more than once".to_owned(),
            name => format!("field '{name}' is given more than once"),
        }));
    }
    match form.get("grant_type") {
        None => return Err(Answer::missing("grant_type")),
        Some("client_credentials") => {}
        Some(_) => {
            return Err(Answer::malformed(
                "field 'grant_type' must be 'client_credentials'",
            ));
        }
    }
    match presented.authentication {
        "multiple" => Err(Answer::malformed(
            "the client authenticates twice, in the body and by HTTP Basic",
        )),
        "none" | "client_secret_post" if form.get("client_id").is_none() => {
            Err(Answer::missing("client_id"))
        }
        "none" => Err(Answer::missing("client_secret")),
        _ => Ok(()),
    }
}

fn issue(state: &State, client_id: &str, scope: Option<&str>) -> Answer {
    let lifetime = state.tokens.lifetime().as_secs();
    Answer::json(
        200,
        &json!({
            "access_token": state.tokens.mint(client_id, scope, &state.clock),
            "token_type": "Bearer",
            "expires_in": lifetime,
            // Documented as not supported, and shown all the same.
            "refresh_token": random::hex(&random::bytes::<32>()),
            "refresh_expires_in": lifetime,
        }),
    )
}
