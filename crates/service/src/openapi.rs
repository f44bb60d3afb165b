//! `/openapi.json`: what there is, for programs that write clients. It is made of the
//! same table as the routers; `openapi.json` beside `Cargo.toml` is a copy.

mod answer;
mod operation;
mod schema;

use serde_json::{Map, Value, json};

use self::answer::{Answer, USUAL, Who};
use self::operation::{INTENT, OPERATIONS, Operation, Parameter};
use crate::route::Route;

/// The whole description.
pub(crate) fn document() -> Value {
    let mut paths = Map::new();
    for operation in &OPERATIONS {
        let path = operation.route.pattern().replace("{*", "{");
        let methods = paths.entry(path).or_insert_with(|| json!({}));
        for method in operation.methods {
            methods[method] = describe(operation, method);
        }
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "prove-tokend",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Access tokens for the programs of a machine. The paths of callers \
                are on the data listeners, those of operators on the admin listener, and \
                /livez, /readyz, /startupz and /metrics on the health listener as well.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:7878" }],
        "paths": paths,
        "components": {
            "schemas": schema::all(),
            "responses": usual(),
            "securitySchemes": credentials(),
        },
    });
    // Whether maps keep their order is for whoever builds this to say.
    document.sort_all_objects();
    document
}

/// How a caller says who it is.
fn credentials() -> Value {
    json!({
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "The caller's key. On the Unix socket the kernel says who calls, and \
                there needs to be none.",
        },
        "client": {
            "type": "http",
            "scheme": "basic",
            "description": "The caller's name and key, as client id and secret of OAuth.",
        },
    })
}

fn describe(operation: &Operation, method: &str) -> Value {
    let mut description = json!({
        "operationId": identifier(operation, method),
        "summary": operation.summary,
        "tags": [operation.who.tag()],
        "responses": responses(operation),
    });
    if is_for_operators(operation.route) {
        description["servers"] = json!([{ "url": "http://127.0.0.1:7879" }]);
    }
    match operation.who {
        Who::Caller => description["security"] = json!([{ "key": [] }]),
        Who::Client => description["security"] = json!([{ "client": [] }]),
        Who::Operator | Who::Probe => {}
    }
    let intent = operation.route.asks_intent().then_some(&INTENT);
    let parameters = operation.parameters.iter().chain(intent);
    let parameters: Vec<_> = parameters.map(parameter).collect();
    if !parameters.is_empty() {
        description["parameters"] = parameters.into();
    }
    if let Some((media, schema)) = operation.body {
        description["requestBody"] = json!({ "required": true, "content": content(media, schema) });
    }
    description
}

fn is_for_operators(route: Route) -> bool {
    !Route::DATA.contains(&route)
}

/// One for each method, if there are several.
fn identifier(operation: &Operation, method: &str) -> String {
    match operation.methods {
        [_] => operation.name.to_owned(),
        _ => format!("{}_{method}", operation.name),
    }
}

fn parameter(parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.description,
        "schema": (parameter.schema)(),
    })
}

fn responses(operation: &Operation) -> Value {
    let own = operation.answers.iter();
    let own = own.map(|answer| (status(answer), response(answer)));
    let usual = operation.who.refusals().iter().map(|answer| {
        let name = status(answer);
        let reference = format!("#/components/responses/{name}");
        (name, json!({ "$ref": reference }))
    });
    let responses: Map<_, _> = own.chain(usual).collect();
    responses.into()
}

/// What several operations answer, by status.
fn usual() -> Value {
    let responses = USUAL
        .iter()
        .map(|answer| (status(answer), response(answer)));
    responses.collect::<Map<_, _>>().into()
}

fn status(answer: &Answer) -> String {
    match answer.status {
        0 => "default".to_owned(),
        status => status.to_string(),
    }
}

fn response(answer: &Answer) -> Value {
    let mut response = json!({ "description": answer.description });
    if let Some((media, schema)) = answer.body {
        response["content"] = content(media, schema);
        // Whoever wants the token alone says so.
        if schema == "Token" {
            response["content"]["text/plain"] = json!({ "schema": { "type": "string" } });
        }
    }
    for name in answer.headers {
        response["headers"][name] = json!({ "schema": { "type": "string" } });
    }
    response
}

fn content(media: &str, schema: &str) -> Value {
    let schema = match schema {
        "" => json!({ "type": "string" }),
        name => json!({ "$ref": format!("#/components/schemas/{name}") }),
    };
    json!({ media: { "schema": schema } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_described() {
        let routes = [&Route::DATA[..], &Route::HEALTH, &Route::ADMIN].concat();
        for route in routes {
            let described = OPERATIONS.iter().any(|operation| operation.route == route);
            // What makes up the page is no interface.
            let is_part = matches!(route, Route::Script | Route::Style);
            assert_eq!(described, !is_part, "{route:?}");
        }
    }

    #[test]
    fn what_is_referred_to_is_there() {
        let document = document();
        let text = document.to_string();
        for reference in text.split("\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            let there = document.pointer(pointer);
            assert!(there.is_some_and(Value::is_object), "{pointer}");
        }
    }

    #[test]
    fn the_copy_is_the_same() {
        let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
        let compare = snapbox::Assert::new().action_env("SNAPSHOTS");
        compare.eq(text, snapbox::file!["../openapi.json"].raw());
    }
}
