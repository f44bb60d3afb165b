//! What bodies look like. Members of one product may be added, so no schema is closed.

use serde_json::{Value, json};

pub(super) fn all() -> Value {
    let mut schemas = json!({ "Error": error(), "Description": { "type": "object" } });
    for part in [tokens(), oauth(), profiles(), probes(), state()] {
        let (Value::Object(all), Value::Object(part)) = (&mut schemas, part) else {
            continue;
        };
        all.extend(part);
    }
    schemas
}

/// An object of which these members are required, and these may be there.
fn object(required: Value, optional: Value) -> Value {
    let mut properties = required.clone();
    if let (Value::Object(properties), Value::Object(optional)) = (&mut properties, optional) {
        properties.extend(optional);
    }
    let members = required.as_object().into_iter();
    let mut names: Vec<_> = members.flat_map(|map| map.keys()).collect();
    names.sort();
    json!({ "type": "object", "required": names, "properties": properties })
}

fn string() -> Value {
    json!({ "type": "string" })
}

fn number() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn list(of: Value) -> Value {
    json!({ "type": "array", "items": of })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn or_null(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

fn error() -> Value {
    object(
        json!({
            "error": { "type": "string", "description": "A word for programs" },
            "error_description": { "type": "string", "description": "A sentence for people" },
            "retryable": { "type": "boolean", "description": "Whether the same may do later" },
            "request_id": { "type": "string", "description": "As in the log" },
        }),
        json!({
            "hint": { "type": "string", "description": "What to do" },
            "code": { "type": ["string", "integer"], "description": "The provider's own code" },
            "retry_after": { "type": "integer", "minimum": 0, "description": "In seconds" },
            "upstream_status": { "type": "integer", "description": "The provider's status" },
        }),
    )
}

fn tokens() -> Value {
    json!({
        "Token": object(
            json!({
                "access_token": string(),
                "token_type": { "type": "string", "enum": ["Bearer"] },
                "expires_in": number(),
                "expires_at": number(),
                "profile": string(),
                "token_id": { "type": "string", "description": "Names the token, and is none" },
                "source": { "type": "string", "enum": ["cache", "server"] },
            }),
            json!({ "scope": string() }),
        ),
        "Headers": object(
            json!({
                "headers": { "type": "object", "additionalProperties": list(string()) },
                "expires": or_null(json!({ "type": "string", "format": "date-time" })),
            }),
            json!({}),
        ),
        "Rejection": object(json!({ "token_id": string() }), json!({})),
        "Rejected": object(json!({ "rejected": flag() }), json!({})),
    })
}

fn oauth() -> Value {
    json!({
        "Grant": object(
            json!({ "grant_type": { "type": "string", "enum": ["client_credentials"] } }),
            json!({ "client_id": string(), "client_secret": string(), "scope": string() }),
        ),
        "TokenResponse": object(
            json!({
                "access_token": string(),
                "token_type": { "type": "string", "enum": ["Bearer"] },
                "expires_in": number(),
            }),
            json!({ "scope": string() }),
        ),
    })
}

fn profiles() -> Value {
    let token = object(
        json!({ "expires_at": number(), "expires_in": number(), "lifetime": number() }),
        json!({ "token_id": string() }),
    );
    let failure = object(
        json!({ "error": string(), "error_description": string() }),
        json!({
            "hint": or_null(string()),
            "retryable": flag(),
            "retry_after": or_null(number()),
        }),
    );
    json!({
        "TokenState": token,
        "Failure": failure,
        "Profile": object(
            json!({
                "profile": string(),
                "ready": flag(),
                "token": or_null(reference("TokenState")),
                "renewal_in": or_null(number()),
                "failure": or_null(reference("Failure")),
                "api_base": or_null(string()),
            }),
            json!({}),
        ),
        "Profiles": object(json!({ "profiles": list(reference("Profile")) }), json!({})),
    })
}

fn probes() -> Value {
    let profile = object(
        json!({
            "profile": string(),
            "ready": flag(),
            "expires_at": or_null(number()),
            "expires_in": or_null(number()),
            "failure": or_null(reference("Failure")),
        }),
        json!({}),
    );
    json!({
        "Live": object(json!({ "live": flag() }), json!({})),
        "Started": object(json!({ "started": flag() }), json!({})),
        "Ready": object(json!({ "ready": flag(), "profiles": list(profile) }), json!({})),
    })
}

fn state() -> Value {
    let request = json!({
        "route": string(), "method": string(), "status": string(), "count": number(),
    });
    let connections = json!({
        "listener": string(), "open": number(), "refused": number(), "given_up": number(),
    });
    json!({
        "Reloaded": object(json!({ "changes": list(string()) }), json!({})),
        "State": object(
            json!({
                "version": string(),
                "started_at": number(),
                "now": number(),
                "profiles": list(state_of_profile()),
                "callers": list(state_of_caller()),
                "requests": list(object(request, json!({}))),
                "connections": list(object(connections, json!({}))),
            }),
            json!({}),
        ),
    })
}

fn state_of_profile() -> Value {
    object(
        json!({
            "profile": string(),
            "token": or_null(reference("TokenState")),
            "renewal_in": or_null(number()),
            "failure": or_null(reference("Failure")),
            "renewed": number(),
            "failed": number(),
            "insecure": list(string()),
        }),
        json!({}),
    )
}

fn state_of_caller() -> Value {
    object(
        json!({
            "caller": string(),
            "known_by": { "type": "string", "enum": ["key", "uid", "gid", "other"] },
            "hands_out": { "type": "string", "enum": ["token", "proxy"] },
            "profiles": list(string()),
            "rate_limit": or_null(number()),
            "requests": number(),
            "over_quota": number(),
        }),
        json!({}),
    )
}
