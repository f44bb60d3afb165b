"""The command `prove-token` that the wheel brings."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import prove_token
import pytest
from conftest import NEVER

COMMAND = str(Path(sys.executable).parent / "prove-token")
WAYS = [[COMMAND], [sys.executable, "-m", "prove_token"]]
ways = pytest.mark.parametrize("way", WAYS, ids=["command", "module"])


def run(way, *arguments, **how):
    return subprocess.run(
        [*way, *arguments], capture_output=True, text=True, timeout=NEVER, **how
    )


def test_it_is_on_the_path():
    assert shutil.which("prove-token", path=str(Path(sys.executable).parent)) == COMMAND


@ways
def test_a_token_is_printed_alone(way):
    done = run(way, "token", "--environment", "emulator")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(".") == 2
    assert done.stdout.endswith("\n")


@ways
def test_exit_codes_and_streams_are_the_command_s(way, emulator):
    done = run(way, "--version")
    assert (done.returncode, done.stdout) == (0, f"prove-token {prove_token.__version__}\n")
    done = run(way, "no-such-command")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: prove-token" in run(way, "--help").stdout
    done = run(way, "token", "-p", "nothing")
    assert (done.returncode, done.stdout) == (3, "")
    assert "hint" in done.stderr
    emulator.inject("status=401")
    env = {**os.environ, "PROVE_EMULATOR": emulator.url}
    done = run(way, "token", "--environment", "emulator", env=env)
    assert (done.returncode, done.stdout) == (4, "")


@ways
def test_exec_becomes_the_program(way):
    script = 'echo "$$ ${PROVE_ACCESS_TOKEN:+token}"; exit 7'
    env = {**os.environ, "PROVE_CLIENT_ID": "a", "PROVE_CLIENT_SECRET": "b"}
    with prove_token.emulator(client_id="a", client_secret="b") as emulator:
        env |= {"PROVE_ENVIRONMENT": "emulator", "PROVE_EMULATOR": emulator.url}
        process = subprocess.Popen(
            [*way, "exec", "--", "sh", "-c", script], stdout=subprocess.PIPE, text=True, env=env
        )
        output, _ = process.communicate(timeout=NEVER)
    assert process.returncode == 7
    assert output == f"{process.pid} token\n"


@ways
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_wait(way, number, gated, tmp_path):
    config = tmp_path / "c.toml"
    config.write_text(
        f"""version = 1
default_profile = "a"
[profiles.a]
token_endpoint = "{gated.url}/token"
client_id = "a"
client_secret = {{ env = "SECRET" }}
"""
    )
    process = subprocess.Popen(
        [*way, "token", "--config", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "SECRET": "x"},
    )
    assert gated.arrived.wait(NEVER)
    process.send_signal(number)
    output, errors = process.communicate(timeout=NEVER)
    assert (process.returncode, output) == (128 + number, "")
    assert "Traceback" not in errors


@ways
def test_a_signal_ends_the_emulator(way):
    process = subprocess.Popen(
        [*way, "--quiet", "emulator"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline().startswith("PROVE_EMULATOR=http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=NEVER) == ("", "")
    assert process.returncode == -signal.SIGINT


@ways
def test_a_closed_pipe_is_no_traceback(way):
    with subprocess.Popen(
        [*way, "config", "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == ""
