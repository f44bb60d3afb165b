"""Callbacks."""

import asyncio
import threading
import weakref

import prove_token
import pytest
from canary import SECRET, leak
from conftest import NEVER


class Ear:
    """Hears events, and waits for them."""

    def __init__(self):
        self.events = []
        self.changed = threading.Condition()

    def __call__(self, event):
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def wait_for(self, name):
        with self.changed:
            heard = self.changed.wait_for(lambda: name in self.names(), NEVER)
        assert heard, self.events
        return next(event for event in self.events if event.name == name)

    def names(self):
        return [event.name for event in self.events]


def test_what_happens_is_told_in_order(emulator):
    ear = Ear()
    client = prove_token.TokenClient(**emulator.settings, on_event=ear)
    emulator.inject("status=503")
    token = client.access_token()
    obtained = ear.wait_for("token_obtained")
    assert ear.names() == ["attempt_started", "attempt_failed", "attempt_started", "token_obtained"]
    assert obtained.details["attempts"] == 2
    assert obtained.details["lifetime"] == 3600.0
    failed = ear.events[1].details
    assert isinstance(failed["error"], prove_token.UnavailableError)
    assert failed["error"].status == 503
    assert ear.events[0].details == {"endpoint": emulator.token_endpoint, "attempt": 1}
    client.invalidate(token)
    assert ear.wait_for("token_rejected").details["expires_in"] > 3500
    shown = repr(ear.events) + str([event.details for event in ear.events])
    assert "token_rejected" in shown
    assert leak(shown) is None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_callback_that_raises_costs_no_token(emulator, monkeypatch):
    ear, reported = Ear(), []
    monkeypatch.setattr(threading, "excepthook", reported.append)

    def raise_and_hear(event):
        ear(event)
        raise ValueError("of a callback")

    client = prove_token.TokenClient(**emulator.settings, on_event=raise_and_hear)
    client.access_token()
    ear.wait_for("token_obtained")
    client.access_token(force=True)
    with ear.changed:
        assert ear.changed.wait_for(lambda: ear.names().count("token_obtained") == 2, NEVER)
    assert {str(report.exc_value) for report in reported} == {"of a callback"}


def test_a_callback_may_use_the_client(emulator):
    ear = Ear()
    tokens = []

    def use(event):
        if event.name == "token_obtained":
            tokens.append(client.access_token())
            if len(tokens) == 1:
                client.invalidate(tokens[0])
                client.access_token()
        ear(event)

    client = prove_token.TokenClient(**emulator.settings, on_event=use)
    client.access_token()
    with ear.changed:
        assert ear.changed.wait_for(lambda: ear.names().count("token_obtained") == 2, NEVER)
    assert len({token.value for token in tokens}) == 2


def test_a_callback_that_blocks_holds_up_nobody(emulator):
    entered, leave = threading.Event(), threading.Event()

    def block(_):
        entered.set()
        leave.wait(NEVER)

    client = prove_token.TokenClient(**emulator.settings, on_event=block)
    client.access_token()
    assert entered.wait(NEVER)
    for _ in range(20):
        client.access_token(force=True, timeout=NEVER)
    asynchronous = prove_token.AsyncTokenClient(**emulator.settings)
    assert asyncio.run(asynchronous.access_token())
    leave.set()


def test_a_callback_that_lags_behind_misses_what_is_too_much(emulator):
    ear, entered, leave = Ear(), threading.Event(), threading.Event()

    def lag(event):
        entered.set()
        leave.wait(NEVER)
        ear(event)

    client = prove_token.TokenClient(**emulator.settings, on_event=lag)
    client.access_token()
    assert entered.wait(NEVER)
    for _ in range(1000):
        client.access_token(force=True)
    assert emulator.token_requests == 1001, "each of them is two events"
    leave.set()
    with ear.changed:
        assert ear.changed.wait_for(lambda: len(ear.events) >= 1024, NEVER)
    client.close()
    # What was taken before it lagged, and what may wait.
    assert len(ear.events) <= 2 + 1024


def test_a_callback_goes_with_its_client(emulator):
    gone = threading.Event()
    ear = Ear()
    weakref.finalize(ear, gone.set)
    with prove_token.TokenClient(**emulator.settings, on_event=ear) as client:
        client.access_token()
        ear.wait_for("token_obtained")
    # The thread that called it is done with it at once, and not at the next event.
    del ear, client
    assert gone.wait(5)


def test_a_secret_may_be_a_callable(emulator):
    calls = []

    def secret():
        calls.append(threading.current_thread().name)
        return emulator.client_secret

    arguments = {**emulator.settings, "client_secret": secret}
    client = prove_token.TokenClient(**arguments)
    assert calls == [], "it is called when it is needed"
    client.access_token()
    client.access_token()
    assert len(calls) == 1
    client.access_token(force=True)
    assert len(calls) == 2
    assert asyncio.run(prove_token.AsyncTokenClient(**arguments).access_token())


@pytest.mark.parametrize(
    ("secret", "says"),
    [
        (lambda: 1 / 0, "raised ZeroDivisionError"),
        (lambda: None, "not a str"),
        (lambda: b"bytes", "not a str"),
        (lambda: "", "is empty"),
        (lambda: f"{SECRET}\t", "control characters"),
        (lambda: (_ for _ in ()).throw(SystemExit(SECRET)), "raised SystemExit"),
        (lambda: (_ for _ in ()).throw(KeyboardInterrupt), "raised KeyboardInterrupt"),
    ],
)
def test_a_callable_that_fails_says_so(emulator, secret, says):
    client = prove_token.TokenClient(**{**emulator.settings, "client_secret": secret})
    with pytest.raises(prove_token.SecretSourceError, match=says) as raised:
        client.access_token()
    assert leak(f"{raised.value!r} {raised.value.hint}") is None


def test_clients_of_one_profile_hear_alike(emulator, monkeypatch):
    monkeypatch.setenv("PROVE_EMULATOR", emulator.url)
    monkeypatch.setenv("PROVE_CLIENT_ID", emulator.client_id)
    monkeypatch.setenv("PROVE_CLIENT_SECRET", emulator.client_secret)
    monkeypatch.setenv("PROVE_ENVIRONMENT", "emulator")
    one, other, gone = Ear(), Ear(), Ear()
    first = prove_token.TokenClient.from_env(on_event=one)
    second = prove_token.AsyncTokenClient.from_env(on_event=other)
    prove_token.TokenClient.from_env(on_event=gone).close()
    first.access_token()
    one.wait_for("token_obtained")
    other.wait_for("token_obtained")
    assert asyncio.run(second.access_token()) is first.access_token()
    assert gone.events == []
