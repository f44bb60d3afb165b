"""No text that Python makes by itself holds a secret or a token."""

import asyncio
import gc
import json
import os
import subprocess
import sys
import traceback

import prove_token
import pytest
import requests
from canary import SECRET, TOKEN, leak
from play import answer, playing

ECHO = json.dumps({"error": "invalid_client", "error_description": SECRET})
FAILURES = {
    "echoed": answer(400, ECHO),
    "echoed in a token": answer(200, json.dumps({"access_token": f"{TOKEN}\n"})),
    "no JSON": answer(200, f"{TOKEN} {SECRET}"),
    "no bearer": answer(200, json.dumps({"access_token": TOKEN, "token_type": SECRET})),
    "redirected": answer(302, "", ("Location", f"https://example.com/?{TOKEN}")),
}


def fail_by_call(settings):
    prove_token.TokenClient(**settings).access_token()


def fail_by_await(settings):
    asyncio.run(prove_token.AsyncTokenClient(**settings).access_token())


def fail_by_request(settings):
    client = prove_token.TokenClient(**settings)
    auth = prove_token.requests.BearerAuth(client, api_base="http://127.0.0.1:9")
    requests.get("http://127.0.0.1:9", auth=auth, timeout=5)


def fail_by_callable(settings):
    def secret():
        raise ValueError(SECRET)

    prove_token.TokenClient(**{**settings, "client_secret": secret}).access_token()


@pytest.mark.parametrize(
    "fail",
    [fail_by_call, fail_by_await, fail_by_request, fail_by_callable],
    ids=lambda fail: fail.__name__,
)
@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_shows_what_it_was_about(fail, failure):
    with playing(FAILURES[failure]) as server:
        with pytest.raises(prove_token.ProveTokenError) as raised:
            fail({**server.settings, "attempt_timeout": 1, "connect_timeout": 1})
    error = raised.value
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [
        f"{frame.filename} {frame.name} {frame.locals}"
        for frame in shown.stack
        # The settings of the tests are in the tests' frames.
        if os.path.dirname(frame.filename) != os.path.dirname(__file__)
    ]
    texts = [str(error), repr(error), str(error.hint), *ours, *map(str, vars(error).items())]
    assert leak("\n".join(texts)) is None


def test_no_object_of_the_package_shows_itself(emulator, client):
    auth = prove_token.httpx.BearerAuth(client)
    handle = prove_token.AsyncTokenClient(**emulator.settings)
    held = [client.access_token(), asyncio.run(handle.access_token()), auth, handle]
    ours = [
        thing
        for thing in [*gc.get_objects(), *held]
        if str(type(thing).__module__).partition(".")[0] == "prove_token"
    ]
    assert len(ours) > len(held)
    shown = "\n".join(f"{thing!r} {thing}" for thing in ours)
    assert leak(shown) is None
    for module in [sys.modules[name] for name in sys.modules if name.startswith("prove_token")]:
        assert leak(repr(vars(module))) is None


CHILD = """
import os, subprocess, sys
import prove_token
client = prove_token.TokenClient.from_env()
client.access_token()
listed = [open(f"/proc/self/{name}", "rb").read().decode(errors="replace") for name in ("cmdline",)]
print(*listed, file=sys.stderr)
import logging; logging.basicConfig(level=0)
client.invalidate(client.access_token())
client.access_token()
print(client, client.access_token(), repr(client.access_token()))
"""


def test_a_program_says_nothing_of_them(emulator):
    env = {
        **os.environ,
        "PROVE_CLIENT_ID": "c",
        "PROVE_CLIENT_SECRET": "s3cret5e1f",
        "PROVE_ENVIRONMENT": "emulator",
        "RUST_LOG": "trace",
        "RUST_BACKTRACE": "1",
    }
    with prove_token.emulator(client_id="c", client_secret="s3cret5e1f") as own:
        env["PROVE_EMULATOR"] = own.url
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-c", CHILD], env=env, capture_output=True, text=True
        )
    assert done.returncode == 0, done.stderr
    assert leak(done.stdout + done.stderr) is None
    assert "[redacted]" in done.stdout
