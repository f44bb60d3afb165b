"""Measures the rows of the Python package, and prints a line of JSON for each figure.

`cargo xtask bench` runs it in an environment with the package as users build it.
"""

import asyncio
import datetime
import json
import statistics
import sys
import time

import prove_token

ROUNDS = 30
CALLS = 20_000


def per_call(subjects, calls=CALLS):
    """The CPU time per call in nanoseconds: subjects in turn, round after round, and
    medians."""
    samples = {name: [] for name in subjects}
    for _ in range(ROUNDS):
        for name, run in subjects.items():
            before = time.process_time_ns()
            run(calls)
            samples[name].append((time.process_time_ns() - before) / calls)
    return {name: statistics.median(times) for name, times in samples.items()}


def figure(row, subject, value, unit):
    print(json.dumps({"row": row, "subject": subject, "value": value, "unit": unit}))


def missing(row, subject, why):
    print(json.dumps({"row": row, "subject": subject, "missing": why}))


def repeated(call):
    """So many calls of something that takes no argument."""

    def run(times):
        for _ in range(times):
            call()

    return run


def cached(row, settings):
    """A token that is fresh, called for and awaited."""
    client = prove_token.TokenClient(**settings)
    asynchronous = prove_token.AsyncTokenClient(**settings)
    client.access_token()
    asyncio.run(asynchronous.access_token())
    subjects = {
        "prove-token": repeated(client.access_token),
        "prove-token, header": repeated(client.authorization_header),
        # It returns what it is called on, and does nothing else.
        "empty PyO3 method": repeated(client.__enter__),
    }
    for name, peer in (("authlib", authlib), ("google-auth", google_auth)):
        try:
            subjects[name] = repeated(peer())
        except ImportError:
            missing(row, name, "peer missing")
    for name, value in per_call(subjects).items():
        figure(row, name, value, "ns")

    async def wait(times):
        call = asynchronous.access_token
        for _ in range(times):
            await call()

    waited = per_call({"prove-token, awaited": lambda times: asyncio.run(wait(times))})
    figure(row, "prove-token, awaited", waited["prove-token, awaited"] / 1000, "µs")


def authlib():
    from authlib.integrations.requests_client import OAuth2Session

    token = {"access_token": "a", "token_type": "Bearer", "expires_at": time.time() + 3600}
    session = OAuth2Session("id", "secret", token=token, token_endpoint="http://127.0.0.1:9/token")
    # What it does before each request, to a usable token.
    return lambda: session.ensure_active_token(session.token) and session.token["access_token"]


def google_auth():
    from google.oauth2.credentials import Credentials

    # It wants the time of UTC without saying so.
    expiry = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    expiry += datetime.timedelta(hours=1)
    credentials = Credentials("a", expiry=expiry)
    # Headers of its own for each call: what is there already, it adds to.
    return lambda: credentials.before_request(None, "GET", "https://example.com", {})


def per_request(row, settings):
    """What is added to each request, beyond a header that is always the same."""
    client = prove_token.TokenClient(**settings)
    client.access_token()
    for name, make in (("httpx", httpx_flows), ("requests", requests_flows)):
        try:
            ours, static = make(client)
        except ImportError:
            missing(row, f"added by {name}", "library missing")
            continue
        times = per_call({"ours": repeated(ours), "static": repeated(static)})
        figure(row, f"added by {name}", (times["ours"] - times["static"]) / 1000, "µs")


def httpx_flows(client):
    import httpx

    request = httpx.Request("POST", f"{client.api_base}/v3/start", content=b"{}")
    response = httpx.Response(200, request=request)

    class Static(httpx.Auth):
        def auth_flow(self, request):
            request.headers["Authorization"] = "Bearer a"
            yield request

    def through(auth):
        def flow():
            steps = auth.sync_auth_flow(request)
            next(steps)
            try:
                steps.send(response)
            except StopIteration:
                pass

        return flow

    return through(prove_token.httpx.BearerAuth(client)), through(Static())


def requests_flows(client):
    import requests

    request = requests.Request("POST", f"{client.api_base}/v3/start", data=b"{}").prepare()
    response = requests.Response()
    response.status_code, response.request = 200, request

    def static(request):
        request.headers["Authorization"] = "Bearer a"
        return request

    def through(auth):
        def flow():
            auth(request)
            for hook in request.hooks["response"]:
                hook(response)
            request.hooks["response"].clear()

        return flow

    return through(prove_token.requests.BearerAuth(client)), through(static)


ROWS = {"10": cached, "11": per_request}

if __name__ == "__main__":
    (name,) = sys.argv[1:]
    with prove_token.emulator() as emulator:
        ROWS[name](name, emulator.settings)
