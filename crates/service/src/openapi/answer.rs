//! What may be answered.

/// Whom it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Caller,
    /// A caller that speaks OAuth.
    Client,
    Operator,
    Probe,
}

pub(super) struct Answer {
    /// 0 for whatever is not listed.
    pub(super) status: u16,
    pub(super) description: &'static str,
    pub(super) body: Option<(&'static str, &'static str)>,
    pub(super) headers: &'static [&'static str],
}

pub(super) const JSON: &str = "application/json";

pub(super) const fn answer(status: u16, description: &'static str, schema: &'static str) -> Answer {
    Answer {
        status,
        description,
        body: Some((JSON, schema)),
        headers: &[],
    }
}

pub(super) const fn text(description: &'static str, media: &'static str) -> Answer {
    Answer {
        status: 200,
        description,
        body: Some((media, "")),
        headers: &[],
    }
}

pub(super) const fn error(status: u16, description: &'static str) -> Answer {
    answer(status, description, "Error")
}

pub(super) const fn later(status: u16, description: &'static str) -> Answer {
    Answer {
        headers: &["Retry-After"],
        ..error(status, description)
    }
}

pub(super) const MALFORMED: Answer = error(400, "The request is not well-formed, or was forwarded");
pub(super) const BROWSER: Answer = error(
    403,
    "It came from a web page, or the caller may not do this",
);
pub(super) const NOT_FOUND: Answer = error(404, "No such profile for this caller");
pub(super) const METHOD: Answer = Answer {
    headers: &["Allow"],
    ..error(405, "The path has another method")
};
pub(super) const LATE: Answer = error(408, "The body did not come in time");
pub(super) const LONG: Answer = error(413, "The body is too long");
pub(super) const MEDIA: Answer = error(415, "The body is of another type");
pub(super) const FOREIGN: Answer = error(421, "It is for another host");
pub(super) const QUOTA: Answer = later(
    429,
    "More requests in a second, or at a time, than this caller may send",
);
pub(super) const DEFECT: Answer = error(500, "A defect, or a configuration that does not work");
pub(super) const BAD_GATEWAY: Answer = error(502, "The provider refuses, or does not speak OAuth");
pub(super) const UNAVAILABLE: Answer = later(503, "No token can be had now");
pub(super) const SLOW: Answer = error(504, "The provider did not answer in time");
pub(super) const UNKNOWN: Answer = Answer {
    headers: &["WWW-Authenticate"],
    ..error(401, "No caller with this key")
};

/// What more than one kind of caller may be told, each status once.
pub(super) const USUAL: [Answer; 10] = [
    MALFORMED,
    UNKNOWN,
    BROWSER,
    METHOD,
    LATE,
    LONG,
    FOREIGN,
    QUOTA,
    DEFECT,
    UNAVAILABLE,
];

impl Who {
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::Caller => "callers",
            Self::Client => "oauth",
            Self::Operator => "operators",
            Self::Probe => "probes",
        }
    }

    /// What everybody of this kind may be told beside an operation's own answers.
    pub(super) const fn refusals(self) -> &'static [Answer] {
        match self {
            Self::Caller => &[
                MALFORMED,
                UNKNOWN,
                BROWSER,
                METHOD,
                FOREIGN,
                QUOTA,
                DEFECT,
                UNAVAILABLE,
            ],
            Self::Client => &USUAL,
            Self::Operator | Self::Probe => &[MALFORMED, BROWSER, METHOD, FOREIGN, DEFECT],
        }
    }
}
