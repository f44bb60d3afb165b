"""The wire cases of tests/fixtures/wire through a profile, as one table."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import prove_token
from canary import CLIENT_ID, SECRET, TOKEN, leak
from conftest import ROOT
from play import playing

CASES = sorted((ROOT / "tests/fixtures/wire").glob("*/case.json"))
# What reads well on one line of a log.
LONGEST_TEXT = 600
FORM = (
    "grant_type=client_credentials&client_id=wire+client"
    "&client_secret=p%2Bo%26s%3Dt%25+%C3%BC%7Es3cret5e1f"
)
EXCEPTIONS = {
    "credentials_rejected": prove_token.RejectedError,
    "request_rejected": prove_token.RejectedError,
    "unavailable": prove_token.UnavailableError,
    "rate_limited": prove_token.RateLimitedError,
    "protocol": prove_token.ProtocolError,
}


def test_every_case_comes_out_as_it_says(tmp_path):
    assert len(CASES) > 400
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)

    def problems(path):
        case = json.loads(path.read_text())
        name = path.parent.name
        return [f"{name}: {problem}" for problem in run(case, tmp_path / f"{name}.toml", secret)]

    with ThreadPoolExecutor(4) as pool:
        found = [problem for each in pool.map(problems, CASES) for problem in each]
    assert not found, "\n".join(found)


def run(case, config, secret):
    """What is wrong with the outcome of one case."""
    ask = case.get("ask", {})
    with playing(*map(as_bytes, case["answers"])) as server:
        config.write_text(profile(server.url, secret, ask))
        client = prove_token.TokenClient.from_profile("wire", config=config)
        try:
            outcome = client.access_token()
        except prove_token.ProveTokenError as error:
            outcome = error
    same = Same()
    same("requests", len(server.requests), case["requests"])
    scope = ask.get("scope", "")
    form = FORM + (f"&scope={scope.replace(' ', '+')}" if scope else "")
    for _, body in server.requests:
        same("request body", body, form)
    if isinstance(outcome, prove_token.AccessToken):
        check_token(same, outcome, case["expect"])
    else:
        last = case["answers"][min(case["requests"], len(case["answers"])) - 1]
        check_error(same, outcome, case["expect"], last["status"])
    return same.problems


def profile(url, secret, ask):
    """Three attempts, next to no pause, and two seconds for everything."""
    scope = ask.get("scope", "").split()
    narrower = ask.get("accept_narrower_scope", False)
    return f"""version = 1
[cache]
store = "memory"
[profiles.wire]
token_endpoint = "{url}/token"
client_id = "{CLIENT_ID}"
client_secret = {{ file = "{secret}" }}
scope = {json.dumps(scope)}
accept_narrower_scope = {json.dumps(narrower)}
attempt_timeout = "2s"
connect_timeout = "2s"
flight_timeout = "2s"
[profiles.wire.renewal]
retry_base = "1ms"
retry_cap = "1ms"
"""


def as_bytes(answer):
    """The answer as it goes over the wire."""
    interim = "".join(f"HTTP/1.1 {status} Test\r\n\r\n" for status in answer.get("interim", []))
    headers = answer.get("headers", [])
    names = {name.lower() for name, _ in headers}
    status, body = answer["status"], body_of(answer)
    has_body = status >= 200 and status not in (204, 304)
    if has_body and not names & {"content-length", "transfer-encoding"}:
        headers = [*headers, ("Content-Length", len(body))]
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{interim}HTTP/1.1 {status} Test\r\n{fields}\r\n".encode() + body


def body_of(answer):
    if "body_base64" in answer:
        return base64.b64decode(answer["body_base64"])
    parts = answer.get("body_parts", [])
    text = answer.get("body", "") + "".join(part["text"] * part["times"] for part in parts)
    return text.encode()


def check_token(same, token, expect):
    value = expect.get("token", TOKEN)
    same("lifetime", token.lifetime, expect.get("lifetime"))
    same("token", token.value, value)
    same("header", token.authorization_header, f"Bearer {value}")
    scope = expect.get("scope")
    same("scope", token.scope, None if scope is None else scope.split())
    same("refresh token", token.refresh_token, expect.get("refresh_token"))
    same("its life", token.refresh_expires_in, expect.get("refresh_expires_in"))
    same("leak", leak(f"{token!r} {token}"), None)


def check_error(same, error, expect, status):
    same("kind", error.kind, expect.get("kind"))
    same("exception", type(error), EXCEPTIONS.get(expect.get("kind")))
    same("status", error.status, status)
    same("retryable", error.retryable, expect.get("retryable", False))
    same("Retry-After", error.retry_after, expect.get("retry_after"))
    same("error object", error.error_response, expect.get("response"))
    for text, pieces in (
        (str(error), expect.get("says", [])),
        (error.hint or "", expect.get("hints", [])),
    ):
        same(f"missing in {text!r}", [piece for piece in pieces if piece not in text], [])
        same(f"one bounded line: {text!r}", text.isprintable() and len(text) <= LONGEST_TEXT, True)
    same("leak", leak(f"{error!r} {error.hint} {error.error_response} {vars(error)}"), None)


class Same:
    """Collects what differs."""

    def __init__(self):
        self.problems = []

    def __call__(self, what, got, expected):
        if got != expected:
            self.problems.append(f"{what}: expected {expected!r}, got {got!r}")
