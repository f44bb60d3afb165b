//! The operations, a row each.

use serde_json::{Value, json};

use super::answer::{
    Answer, BAD_GATEWAY, JSON, LATE, LONG, MEDIA, NOT_FOUND, SLOW, Who, answer, error, text,
};
use crate::route::Route;

/// What can be done at a path.
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) route: Route,
    pub(super) methods: &'static [&'static str],
    pub(super) who: Who,
    pub(super) summary: &'static str,
    pub(super) parameters: &'static [Parameter],
    /// The type of a body, and the name of its schema; empty for plain text.
    pub(super) body: Option<(&'static str, &'static str)>,
    pub(super) answers: &'static [Answer],
}

pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) place: &'static str,
    pub(super) required: bool,
    pub(super) description: &'static str,
    pub(super) schema: fn() -> Value,
}

const PROFILE: Parameter = Parameter {
    name: "profile",
    place: "path",
    required: true,
    description: "The name of a profile",
    schema: || json!({ "type": "string", "pattern": "^[a-z0-9_-][a-z0-9._-]{0,63}$" }),
};
/// Of every route that asks for it.
pub(super) const INTENT: Parameter = Parameter {
    name: "Prove-Token-Request",
    place: "header",
    required: true,
    description: "Keeps web pages and forms out, which cannot send it",
    schema: || json!({ "type": "string", "enum": ["true"] }),
};
const TOKEN: &[Parameter] = &[
    PROFILE,
    Parameter {
        name: "min_validity",
        place: "query",
        required: false,
        description: "How long the token must be good for at least, in seconds",
        schema: || json!({ "type": "integer", "minimum": 0, "maximum": 86_400, "default": 0 }),
    },
    Parameter {
        name: "force",
        place: "query",
        required: false,
        description: "Whether to ask the provider whatever is held",
        schema: || json!({ "type": "string", "enum": ["true", "false"], "default": "false" }),
    },
    Parameter {
        name: "wait",
        place: "query",
        required: false,
        description: "How long to wait for another token than that of If-None-Match, in seconds",
        schema: || json!({ "type": "integer", "minimum": 0, "maximum": 60, "default": 0 }),
    },
];
const READY: &[Parameter] = &[Parameter {
    name: "profile",
    place: "query",
    required: false,
    description: "The one profile that matters; without it, all do",
    schema: || json!({ "type": "string" }),
}];

/// Every operation there is.
pub(super) const OPERATIONS: [Operation; 17] = [
    Operation {
        name: "token",
        route: Route::Token,
        methods: &["get"],
        who: Who::Caller,
        summary: "The access token of a profile; alone on its line for Accept: text/plain",
        parameters: TOKEN,
        body: None,
        answers: &[
            Answer {
                headers: &["ETag"],
                ..answer(200, "The token", "Token")
            },
            Answer {
                status: 304,
                description: "It is still that of If-None-Match",
                body: None,
                headers: &["ETag"],
            },
            NOT_FOUND,
            BAD_GATEWAY,
            SLOW,
        ],
    },
    Operation {
        name: "headers",
        route: Route::Headers,
        methods: &["get"],
        who: Who::Caller,
        summary: "The headers that a request to the API needs",
        parameters: TOKEN,
        body: None,
        answers: &[
            answer(200, "The headers", "Headers"),
            NOT_FOUND,
            BAD_GATEWAY,
            SLOW,
        ],
    },
    Operation {
        name: "reject",
        route: Route::Reject,
        methods: &["post"],
        who: Who::Caller,
        summary: "Says that the API rejected a token; it is renewed if it is still the current one",
        parameters: &[PROFILE],
        body: Some((JSON, "Rejection")),
        answers: &[
            answer(200, "Whether it was the current one", "Rejected"),
            NOT_FOUND,
            LATE,
            LONG,
            MEDIA,
        ],
    },
    Operation {
        name: "profiles",
        route: Route::Profiles,
        methods: &["get"],
        who: Who::Caller,
        summary: "How the caller's profiles stand",
        parameters: &[],
        body: None,
        answers: &[answer(200, "The profiles", "Profiles")],
    },
    Operation {
        name: "profile",
        route: Route::Profile,
        methods: &["get"],
        who: Who::Caller,
        summary: "How a profile stands",
        parameters: &[PROFILE],
        body: None,
        answers: &[answer(200, "The profile", "Profile"), NOT_FOUND],
    },
    Operation {
        name: "events",
        route: Route::Events,
        methods: &["get"],
        who: Who::Caller,
        summary: "Server-sent events of the caller's profiles: first how each stands (state), \
            then renewed, renewal_failed and rejected as they happen; connect again after an end",
        parameters: &[],
        body: None,
        answers: &[text("A stream of events", "text/event-stream")],
    },
    Operation {
        name: "grant",
        route: Route::Grant,
        methods: &["post"],
        who: Who::Client,
        summary: "The token endpoint of RFC 6749 section 4.4, for the caller's first profile",
        parameters: &[],
        body: Some(("application/x-www-form-urlencoded", "Grant")),
        answers: &[
            answer(200, "The token", "TokenResponse"),
            NOT_FOUND,
            BAD_GATEWAY,
            SLOW,
        ],
    },
    Operation {
        name: "grant_of",
        route: Route::NamedGrant,
        methods: &["post"],
        who: Who::Client,
        summary: "The token endpoint of RFC 6749 section 4.4, for a profile",
        parameters: &[PROFILE],
        body: Some(("application/x-www-form-urlencoded", "Grant")),
        answers: &[
            answer(200, "The token", "TokenResponse"),
            NOT_FOUND,
            BAD_GATEWAY,
            SLOW,
        ],
    },
    Operation {
        name: "proxy",
        route: Route::Proxy,
        methods: &["get", "put", "post", "delete", "options", "head", "patch"],
        who: Who::Caller,
        summary: "The API of a profile, with its token added to the request",
        parameters: &[
            PROFILE,
            Parameter {
                name: "path",
                place: "path",
                required: true,
                description: "Below the API's base; it may have slashes",
                schema: || json!({ "type": "string" }),
            },
        ],
        body: None,
        answers: &[
            Answer {
                status: 0,
                description: "The API's own answer, whatever it is; with Proxy-Status, and an \
                    Error for its body, it is the service's",
                body: None,
                headers: &["Proxy-Status"],
            },
            NOT_FOUND,
            LATE,
            error(501, "The service passes on no such thing"),
            BAD_GATEWAY,
            SLOW,
        ],
    },
    Operation {
        name: "live",
        route: Route::Live,
        methods: &["get"],
        who: Who::Probe,
        summary: "Whether the service answers at all",
        parameters: &[],
        body: None,
        answers: &[answer(200, "It does", "Live")],
    },
    Operation {
        name: "ready",
        route: Route::Ready,
        methods: &["get"],
        who: Who::Probe,
        summary: "Whether a token can be handed out, until when, and what failed last",
        parameters: READY,
        body: None,
        answers: &[
            answer(200, "A token of each profile", "Ready"),
            answer(503, "At least one has none", "Ready"),
            error(404, "No such profile"),
        ],
    },
    Operation {
        name: "started",
        route: Route::Started,
        methods: &["get"],
        who: Who::Probe,
        summary: "Whether every profile has a token, or knows why it has none",
        parameters: &[],
        body: None,
        answers: &[
            answer(200, "It has begun", "Started"),
            answer(503, "Not yet", "Started"),
        ],
    },
    Operation {
        name: "metrics",
        route: Route::Metrics,
        methods: &["get"],
        who: Who::Probe,
        summary: "Counters for Prometheus",
        parameters: &[],
        body: None,
        answers: &[text("OpenMetrics", "application/openmetrics-text")],
    },
    Operation {
        name: "description",
        route: Route::OpenApi,
        methods: &["get"],
        who: Who::Operator,
        summary: "This description",
        parameters: &[],
        body: None,
        answers: &[answer(200, "OpenAPI 3.1", "Description")],
    },
    Operation {
        name: "state",
        route: Route::State,
        methods: &["get"],
        who: Who::Operator,
        summary: "Everything that the dashboard shows",
        parameters: &[],
        body: None,
        answers: &[answer(200, "How everything stands", "State")],
    },
    Operation {
        name: "dashboard",
        route: Route::Dashboard,
        methods: &["get"],
        who: Who::Operator,
        summary: "The dashboard, for people",
        parameters: &[],
        body: None,
        answers: &[text("A page", "text/html")],
    },
    Operation {
        name: "reload",
        route: Route::Reload,
        methods: &["post"],
        who: Who::Operator,
        summary: "Read the configuration anew, with every secret",
        parameters: &[],
        body: None,
        answers: &[
            answer(200, "It is in effect", "Reloaded"),
            error(409, "Something is wrong with it: the old one goes on"),
        ],
    },
];
