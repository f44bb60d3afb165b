//! The kinds of outage: what the provider does, and what a caller without a token hears.

use prove_token_emulator::Fault;

/// One kind.
pub(super) struct Kind {
    /// Of the profile, too.
    pub(super) name: &'static str,
    /// As text; none stands for a port where nobody listens.
    fault: &'static str,
    pub(super) heard: Heard,
}

/// The status, the errors that it may be, and whether to try again.
pub(super) type Heard = (u16, &'static [&'static str], bool);

const CONNECT: Heard = (503, &["connect"], true);
/// It depends on who is faster.
const CONNECT_OR_UNAVAILABLE: Heard = (503, &["connect", "unavailable"], true);
const UNAVAILABLE: Heard = (503, &["unavailable"], true);
const UNABLE: Heard = (503, &["unavailable"], false);
const LIMITED: Heard = (503, &["rate_limited"], true);
const TIMEOUT: Heard = (504, &["timeout"], true);
const REFUSED: Heard = (502, &["request_rejected"], false);
const REJECTED: Heard = (502, &["credentials_rejected"], false);
const PORTAL: Heard = (502, &["protocol"], true);
const PROTOCOL: Heard = (502, &["protocol"], false);

const fn kind(name: &'static str, fault: &'static str, heard: Heard) -> Kind {
    Kind { name, fault, heard }
}

/// Whatever the emulator can do to an answer.
pub(super) const KINDS: [Kind; 40] = [
    kind("refused", "", CONNECT),
    kind("reset-accept", "reset=accept", CONNECT_OR_UNAVAILABLE),
    kind("reset-request", "reset=request", UNAVAILABLE),
    kind("reset-headers", "reset=headers", UNAVAILABLE),
    kind("reset-body", "reset=body", UNAVAILABLE),
    kind("closed", "close", UNAVAILABLE),
    kind(
        "short",
        r"raw=HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
        UNAVAILABLE,
    ),
    kind("silence", "silence", TIMEOUT),
    kind("half-silence", "headers_then_silence", TIMEOUT),
    kind("slow", "delay=3s", TIMEOUT),
    kind("drip", "drip=1/100ms", TIMEOUT),
    kind(
        "held",
        r"raw=HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{,hold",
        TIMEOUT,
    ),
    kind("late", "status=408", UNAVAILABLE),
    kind("early", "status=425", UNAVAILABLE),
    kind("limited", "status=429", LIMITED),
    kind("limited-to", "status=429,header=Retry-After: 2", LIMITED),
    kind("internal", "status=500", UNAVAILABLE),
    kind("unknown", "status=501", UNABLE),
    kind("gateway", "status=502,body=<html>", UNAVAILABLE),
    kind(
        "overloaded",
        "status=503,header=Retry-After: 1",
        UNAVAILABLE,
    ),
    kind("gateway-late", "status=504", UNAVAILABLE),
    kind(
        "busy",
        r#"status=400,body={"error":"temporarily_unavailable"}"#,
        UNAVAILABLE,
    ),
    kind(
        "bad-request",
        r#"status=400,body={"error":"invalid_request"}"#,
        REFUSED,
    ),
    kind(
        "bad-client",
        r#"status=400,body={"error":"invalid_client"}"#,
        REJECTED,
    ),
    kind("unauthorized", "status=401", REJECTED),
    kind("forbidden", "status=403", REFUSED),
    kind("missing", "status=404", REFUSED),
    kind("portal", "body=<html>", PORTAL),
    kind("empty", "body=", PORTAL),
    kind("no-http", r"raw=SSH-2.0\r\n", PROTOCOL),
    kind("bad-length", "header=Content-Length: x", PROTOCOL),
    kind(
        "bad-chunks",
        r"raw=HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        PROTOCOL,
    ),
    kind(
        "redirect",
        "status=307,header=Location: http://127.0.0.1:1/",
        PROTOCOL,
    ),
    kind("no-content", "status=204", PROTOCOL),
    kind("zipped", "header=Content-Encoding: gzip", PROTOCOL),
    kind("array", "body=[]", PROTOCOL),
    kind("no-token", "without_token_member=access_token", PROTOCOL),
    kind("bad-token", "token_member=access_token=a b", PROTOCOL),
    kind("bad-type", "token_member=token_type=mac", PROTOCOL),
    kind("bad-life", "token_member=expires_in=0", PROTOCOL),
];

impl Kind {
    pub(super) fn fault(&self) -> Option<Fault> {
        match self.fault {
            "" => None,
            text => Some(text.parse::<Fault>().unwrap().times(0)),
        }
    }
}
