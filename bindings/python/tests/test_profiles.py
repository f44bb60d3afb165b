"""Profiles: what the command makes of them is what Python gets."""

import asyncio
import os
import subprocess
import sys
import threading
import warnings

import prove_token
import pytest

CONFIG = """version = 1
default_profile = "one"
[cache]
store = "{store}"
[profiles.one]
token_endpoint = "{url}/token"
api_base = "{url}/v3"
client_id = "emulator-client-id"
client_secret = {{ env = "ONE_SECRET" }}
[profiles.two]
environment = "emulator"
"""


@pytest.fixture
def config(tmp_path, emulator, monkeypatch):
    monkeypatch.setenv("ONE_SECRET", emulator.client_secret)
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(url=emulator.url, store="file"))
    return path


def command(*arguments):
    """What `prove-token` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "prove_token", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_the_command_and_python_share_what_is_kept(emulator, config):
    printed = command("token", "--config", config)
    client = prove_token.TokenClient.from_profile(config=config)
    assert client.access_token().value == printed
    assert client.api_base == f"{emulator.url}/v3"
    client.invalidate(client.access_token())
    renewed = client.access_token().value
    assert command("token", "--config", config) == renewed != printed
    assert emulator.token_requests == 2


def test_which_profile_it_is(emulator, config, monkeypatch):
    monkeypatch.setenv("PROVE_TOKEN_CONFIG", str(config))
    monkeypatch.setenv("PROVE_EMULATOR", emulator.url)
    one = prove_token.TokenClient.from_profile()
    assert one.api_base == f"{emulator.url}/v3"
    assert prove_token.TokenClient.from_profile("two").api_base == emulator.url
    monkeypatch.setenv("PROVE_TOKEN_PROFILE", "two")
    assert prove_token.TokenClient.from_profile().api_base == emulator.url
    with pytest.raises(prove_token.ConfigurationError, match="three") as raised:
        prove_token.TokenClient.from_profile("three")
    assert raised.value.kind == "configuration"
    assert raised.value.hint


def test_variables_alone_are_a_profile(emulator, monkeypatch):
    with pytest.raises(prove_token.ConfigurationError) as raised:
        prove_token.TokenClient.from_env()
    # All that is wrong, at once.
    for text in (str(raised.value), raised.value.hint):
        assert text.replace("_", " ").lower().count("client id") >= 1
        assert "secret" in text.lower()
    monkeypatch.setenv("PROVE_CLIENT_ID", emulator.client_id)
    monkeypatch.setenv("PROVE_CLIENT_SECRET", emulator.client_secret)
    monkeypatch.setenv("PROVE_ENVIRONMENT", "emulator")
    monkeypatch.setenv("PROVE_EMULATOR", emulator.url)
    assert prove_token.TokenClient.from_env().access_token()
    # They are of that profile alone.
    assert prove_token.TokenClient(environment="emulator").token_endpoint.startswith(emulator.url)
    with pytest.raises(prove_token.ConfigurationError, match="client_id is missing"):
        prove_token.TokenClient(environment="uat-us")


def test_clients_of_one_profile_share_one_engine(emulator, config):
    make = [prove_token.TokenClient.from_profile, prove_token.AsyncTokenClient.from_profile]
    clients = [kind("one", config=config) for kind in make * 3]
    tokens = [
        asyncio.run(client.access_token())
        if isinstance(client, prove_token.AsyncTokenClient)
        else client.access_token()
        for client in clients
    ]
    assert len({id(token) for token in tokens}) == 1
    clients[0].close()
    assert clients[2].access_token() is tokens[0]
    # A client that is made of arguments has one of its own.
    arguments = prove_token.TokenClient(**emulator.settings)
    assert arguments.access_token().value != tokens[0].value


def test_many_threads_that_make_one_share_it(emulator, config):
    start, values = threading.Barrier(20), []

    def make():
        start.wait()
        client = prove_token.TokenClient.from_profile(config=config)
        values.append((client, client.access_token()))

    threads = [threading.Thread(target=make) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(token) for _, token in values}) == 1
    assert emulator.token_requests == 1


def test_a_profile_that_changed_has_an_engine_of_its_own(emulator, config, monkeypatch):
    config.write_text(config.read_text().replace('"file"', '"memory"'))
    first = prove_token.TokenClient.from_profile(config=config)
    first.access_token()
    monkeypatch.setenv("ONE_SECRET", "another")
    second = prove_token.TokenClient.from_profile(config=config)
    with pytest.raises(prove_token.RejectedError):
        second.access_token()
    monkeypatch.setenv("ONE_SECRET", emulator.client_secret)
    text = config.read_text().replace("client_secret", 'parameters = { t = "1" }\nclient_secret')
    values = {first.access_token().value}
    for tenant in ('"1"', '"2"'):
        config.write_text(text.replace('"1"', tenant))
        client = prove_token.TokenClient.from_profile(config=config)
        values.add(client.access_token().value)
    assert len(values) == 3


def test_a_profile_that_keeps_nothing_asks_each_time(emulator, config):
    config.write_text(config.read_text().replace('"file"', '"none"'))
    client = prove_token.TokenClient.from_profile(config=config)
    values = {client.access_token().value for _ in range(3)}
    handle = prove_token.AsyncTokenClient.from_profile(config=config)
    values.add(asyncio.run(handle.access_token()).value)
    assert len(values) == emulator.token_requests == 4


def test_tokens_that_cannot_be_kept_are_told_of(config, monkeypatch):
    monkeypatch.delenv("HOME")
    with pytest.warns(RuntimeWarning, match="tokens are not kept"):
        client = prove_token.TokenClient.from_profile(config=config)
    assert client.access_token()


def test_the_built_in_emulator_needs_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with prove_token.TokenClient(environment="emulator") as client:
            assert client.access_token()
    with pytest.warns(RuntimeWarning, match="public credentials") as warned:
        own = prove_token.TokenClient(environment="emulator", client_id="a", client_secret="b")
    assert warned[0].filename == __file__, "where the client is made"
    assert own.access_token()


def test_a_client_made_of_arguments_keeps_nothing_on_disk(emulator, no_settings_of_this_machine):
    prove_token.TokenClient(**emulator.settings).access_token()
    assert list(no_settings_of_this_machine.iterdir()) == []


def test_every_problem_of_a_file_has_its_place(config):
    config.write_text('version = 1\n[profiles.one]\nenvironment = "uat-uss"\n')
    with pytest.raises(prove_token.ConfigurationError, match=r"config\.toml:3:"):
        prove_token.TokenClient.from_profile("one", config=os.fspath(config))
    with pytest.raises(prove_token.ConfigurationError, match="nowhere"):
        prove_token.TokenClient.from_profile("one", config=config.parent / "nowhere.toml")
