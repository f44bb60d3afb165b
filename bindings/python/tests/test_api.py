"""The clients, the token and the errors, as their users see them."""

import asyncio
import copy
import datetime
import gc
import pickle
import re
import subprocess
import sys
import traceback
import weakref

import prove_token
import pytest
from canary import SECRET, leak
from conftest import ROOT


def test_a_token_is_obtained_once_and_is_one_object(emulator, client):
    token = client.access_token()
    assert client.access_token() is token
    assert emulator.token_requests == 1
    assert client.authorization_header() == f"Bearer {token.value}" == token.authorization_header
    assert client.authorization_header() is client.authorization_header()
    assert token.value is token.value
    assert (token.token_type, token.lifetime, token.scope) == ("Bearer", 3600.0, None)
    assert 3590 < token.expires_in <= 3600
    left = token.expires_at - datetime.datetime.now(datetime.timezone.utc)
    assert abs(left.total_seconds() - token.expires_in) < 5


def test_an_invalidated_token_is_replaced_once(emulator, client):
    old = client.access_token()
    client.invalidate(old)
    new = client.access_token()
    assert new.value != old.value
    client.invalidate(old)
    assert client.access_token() is new
    assert emulator.token_requests == 2


def test_the_options_of_a_call(emulator, client):
    first = client.access_token(min_validity=60, timeout=5)
    assert client.access_token(min_validity=60.5) is first
    assert client.access_token(force=True).value != first.value
    emulator.inject("delay=30s")
    client.invalidate(client.access_token())
    with pytest.raises(prove_token.ExpiredError) as raised:
        client.access_token(timeout=0)
    assert raised.value.retryable
    for bad in (-1, float("nan"), float("inf"), 1e300):
        for name in ("timeout", "min_validity"):
            with pytest.raises(ValueError, match=name):
                client.access_token(**{name: bad})


def test_the_clients_say_where_they_lead(emulator, client):
    assert client.api_base == emulator.url
    assert client.token_endpoint == emulator.token_endpoint
    uat = prove_token.TokenClient(environment="uat-eu", client_id="a", client_secret="b")
    assert uat.api_base == "https://platform.uat.eu.proveapis.com"
    alone = prove_token.TokenClient(
        token_endpoint="https://idp.example.com/token", client_id="a", client_secret="b"
    )
    assert alone.api_base is None


def test_everything_is_asked_for(emulator):
    arguments = {
        **emulator.settings,
        "scope": ["write", "read"],
        "audience": "https://api.example.com",
        "resource": "https://api.example.com/r",
        "parameters": {"tenant": "t1"},
        "client_authentication": "client_secret_basic",
        "accept_narrower_scope": True,
        "connect_timeout": 1,
        "attempt_timeout": 2.5,
        "flight_timeout": 5,
        "default_lifetime": 60,
    }
    with prove_token.TokenClient(**arguments) as client:
        client.access_token()
    text = prove_token.TokenClient(**{**arguments, "scope": "read write"})
    text.access_token()


def test_a_closed_client_says_so(emulator):
    with prove_token.TokenClient(**emulator.settings) as client:
        token = client.access_token()
    client.close()
    for call in (
        client.access_token,
        client.authorization_header,
        lambda: client.invalidate(token),
        lambda: client.api_base,
        lambda: client.token_endpoint,
    ):
        with pytest.raises(RuntimeError, match="closed"):
            call()
    assert "closed" in repr(client)
    assert token.value, "a token that was handed out stays"


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({}, prove_token.ConfigurationError, "environment is missing"),
        ({"environment": "uat-uss"}, prove_token.ConfigurationError, "uat-uss"),
        ({"environment": "uat-us"}, prove_token.ConfigurationError, "client_id is missing"),
        (
            {"environment": "uat-us", "client_id": "a"},
            prove_token.ConfigurationError,
            "client_secret is missing",
        ),
        (
            {"environment": "uat-us", "token_endpoint": "https://a.example/t",
             "client_id": "a", "client_secret": "b"},
            prove_token.ConfigurationError,
            "together",
        ),
        (
            {"token_endpoint": "http://a.example/t", "client_id": "a", "client_secret": "b"},
            prove_token.ConfigurationError,
            "token_endpoint",
        ),
        ({"enviroment": "uat-us"}, TypeError, "'enviroment'"),
        ({"environment": 3}, TypeError, "environment must be a str, not int"),
        ({"client_secret": b"bytes"}, TypeError, "client_secret must be a str, or"),
        ({"client_secret": f"{SECRET}\t"}, prove_token.SecretSourceError, "control characters"),
        ({"scope": [1]}, TypeError, "scope must be a str or a list"),
        ({"scope": "a\nb"}, prove_token.ConfigurationError, "scope"),
        ({"parameters": {"a": 1}}, TypeError, "parameters must be a dict"),
        ({"accept_narrower_scope": "no"}, TypeError, "must be a bool, not str"),
        ({"connect_timeout": "5s"}, TypeError, "a number of seconds, not str"),
        ({"connect_timeout": -1}, ValueError, "connect_timeout"),
        ({"environment": "uat-us", "client_id": "a", "client_secret": "b",
          "default_lifetime": 1e6}, prove_token.ConfigurationError, "default_lifetime"),
        ({"ca_file": 3}, TypeError, "ca_file must be a path"),
        ({"environment": "uat-us", "client_id": "a", "client_secret": "b",
          "ca_file": "/no/such/file"}, prove_token.ConfigurationError, "ca_file"),
        ({"on_event": 3}, TypeError, "on_event must be a callable"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_named(arguments, error, says):
    for kind in (prove_token.TokenClient, prove_token.AsyncTokenClient):
        with pytest.raises(error) as raised:
            kind(**arguments)
        assert says in str(raised.value)
        assert leak(str(raised.value)) is None
        if isinstance(raised.value, prove_token.ProveTokenError):
            assert raised.value.hint
            assert "--" not in raised.value.hint, "no flag of the command"


def test_calls_refuse_what_is_no_argument(client):
    for call in (
        lambda: client.access_token(60),
        lambda: client.access_token(min_validity="60"),
        lambda: client.access_token(foo=1),
        lambda: client.invalidate("token"),
        lambda: prove_token.TokenClient("uat-us"),
        lambda: prove_token.TokenClient.from_profile(3),
        lambda: prove_token.TokenClient.from_profile(on_event=3),
        prove_token.AccessToken,
        lambda: prove_token.emulator(8080),
    ):
        with pytest.raises(TypeError):
            call()


def test_nothing_shows_the_token_or_the_secret(emulator):
    def failing():
        client = prove_token.TokenClient(**emulator.settings)
        token = client.access_token()
        # Whatever holds them, and nothing that is one.
        held = (client, token, [token], {"token": token})
        raise ValueError(len(held))

    try:
        failing()
    except ValueError as error:
        shown = "".join(
            traceback.TracebackException.from_exception(error, capture_locals=True).format()
        )
    assert "[redacted]" in shown
    assert leak(shown) is None
    token = prove_token.TokenClient(**emulator.settings).access_token()
    assert leak(f"{token} {token!r} {[token]!r}") is None


def test_a_refused_secret_is_in_no_frame():
    """An exception shows the local variables of our own frames, too."""
    secrets = [f"{SECRET}\t"]
    for kind in (prove_token.TokenClient, prove_token.AsyncTokenClient):
        try:
            kind(environment="uat-us", client_id="a", client_secret=secrets.pop)
            kind(environment="uat-us", client_id="a", client_secret=f"{SECRET}\t")
        except prove_token.SecretSourceError as error:
            shown = traceback.TracebackException.from_exception(error, capture_locals=True)
            frames = [frame for frame in shown.stack if frame.filename != __file__]
            assert leak("".join(map(str, frames)) + str(shown)) is None
        else:
            pytest.fail("it was taken")


def test_neither_a_client_nor_a_token_can_be_copied_or_pickled(emulator, client):
    handle = prove_token.AsyncTokenClient(**emulator.settings)
    for thing in (client, client.access_token(), handle):
        for take in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="neither pickled nor copied"):
                take(thing)


def test_a_client_can_be_collected_whatever_its_callback_holds(emulator):
    class Watcher:
        def __init__(self):
            self.client = prove_token.TokenClient(**emulator.settings, on_event=self.hear)

        def hear(self, event):
            pass

    gone = weakref.ref(Watcher())
    gc.collect()
    assert gone() is None


def test_the_table_of_errors_is_the_documented_one():
    rows = re.findall(
        r"^\| `(\w+)` \|.*\| `(\w+)` \|$",
        (ROOT / "crates/README.md").read_text(),
        re.MULTILINE,
    )
    assert len(rows) == 11
    for _, name in rows:
        assert issubclass(getattr(prove_token, name), prove_token.ProveTokenError)
    assert issubclass(prove_token.TimeoutError, TimeoutError)


@pytest.mark.parametrize(
    ("fault", "error", "facts"),
    [
        (
            "status=401",
            prove_token.RejectedError,
            {"kind": "credentials_rejected", "status": 401, "retryable": False},
        ),
        (
            "status=403",
            prove_token.RejectedError,
            {"kind": "request_rejected", "status": 403, "retryable": False},
        ),
        (
            "status=429,times=9,header=Retry-After: 60",
            prove_token.RateLimitedError,
            {"kind": "rate_limited", "status": 429, "retryable": True, "retry_after": 60.0},
        ),
        (
            "status=503,times=9",
            prove_token.UnavailableError,
            {"kind": "unavailable", "status": 503, "retryable": True},
        ),
        (
            "silence,times=9",
            prove_token.TimeoutError,
            {"kind": "timeout", "status": None, "retryable": True},
        ),
        (
            "token_member=token_type=mac",
            prove_token.ProtocolError,
            {"kind": "protocol", "status": 200, "retryable": False},
        ),
    ],
)
def test_each_failure_is_its_exception(emulator, fault, error, facts):
    emulator.inject(fault)
    arguments = {**emulator.settings, "attempt_timeout": 0.2, "connect_timeout": 0.2,
                 "flight_timeout": 3}  # fmt: skip
    client = prove_token.TokenClient(**arguments)
    with pytest.raises(error) as raised:
        client.access_token()
    assert {name: getattr(raised.value, name) for name in facts} == facts
    again = pickle.loads(pickle.dumps(raised.value))
    assert (type(again), str(again), vars(again)) == (error, str(raised.value), vars(raised.value))
    if sys.version_info >= (3, 11):
        hint = raised.value.hint
        assert getattr(raised.value, "__notes__", []) == ([f"hint: {hint}"] if hint else [])


def test_a_missing_integration_says_what_to_install():
    code = """
import sys
sys.modules["httpx"] = sys.modules["requests"] = sys.modules["aiohttp"] = None
import prove_token
for name in ("httpx", "requests", "aiohttp"):
    try:
        getattr(prove_token, name)
    except ImportError as error:
        assert f"pip install 'prove-token[{name}]'" in str(error), error
    else:
        raise SystemExit(name)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_costs_nothing_that_is_not_used():
    code = "import prove_token, sys; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert not {"typing", "asyncio", "threading", "httpx", "requests", "aiohttp"} & set(loaded)


def test_the_async_client_is_the_same_engine_awaited(emulator):
    async def main():
        async with prove_token.AsyncTokenClient(**emulator.settings) as client:
            token = await client.access_token()
            assert await client.access_token() is token
            assert await client.authorization_header() == token.authorization_header
            client.invalidate(token)
            new = await asyncio.create_task(client.access_token(timeout=5, min_validity=1))
            assert new.value != token.value
            assert (await client.access_token(force=True)).value != new.value
        with pytest.raises(RuntimeError, match="closed"):
            await client.access_token()

    asyncio.run(main())
    assert emulator.token_requests == 3


def test_a_fresh_token_is_awaited_without_a_turn_of_the_loop(emulator):
    client = prove_token.AsyncTokenClient(**emulator.settings)
    asyncio.run(client.access_token())
    call = client.access_token()
    with pytest.raises(StopIteration) as ended:
        call.send(None)
    assert isinstance(ended.value.value, prove_token.AccessToken)


def test_errors_are_awaited_as_well(emulator):
    emulator.inject("status=401")

    async def main():
        client = prove_token.AsyncTokenClient(**emulator.settings)
        return await asyncio.gather(
            *(client.access_token() for _ in range(10)), return_exceptions=True
        )

    errors = asyncio.run(main())
    assert [type(error) for error in errors] == [prove_token.RejectedError] * 10
    assert len({id(error) for error in errors}) == 10, "each has a traceback of its own"
    assert emulator.token_requests == 1
