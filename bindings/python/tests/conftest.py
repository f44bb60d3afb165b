"""What all tests share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import play
import prove_token

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parents[2]
# Where the Rust toolchain is.
HOME = os.environ.get("HOME", "")
# Only a defect takes so long.
NEVER = 60.0


def pytest_terminal_summary(terminalreporter):
    """The closing line of Rust's test binaries, which `cargo xtask test` counts."""
    count = {
        outcome: len(terminalreporter.stats.get(outcome, []))
        for outcome in ("passed", "failed", "error", "skipped")
    }
    failed = count["failed"] + count["error"]
    terminalreporter.ensure_newline()
    terminalreporter.write_line(
        f"test result: {'FAILED' if failed else 'ok'}. {count['passed']} passed; {failed} failed; "
        f"{count['skipped']} ignored; 0 measured; 0 filtered out"
    )


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch, tmp_path_factory):
    """Neither a configuration nor a cache of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("PROVE_") and name != "PROVE_TOKEN_WHEEL":
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return home


@pytest.fixture
def emulator():
    """A local Prove without a limit of requests a second."""
    with prove_token.emulator(rate_limit=0) as running:
        yield running


@pytest.fixture
def client(emulator):
    """A client of it."""
    with prove_token.TokenClient(**emulator.settings) as client:
        yield client


@pytest.fixture
def gated():
    """A token endpoint that answers once its gate is open."""
    with play.gated(play.token()) as server:
        yield server


@pytest.fixture
def run(emulator):
    """Runs a script in a process of its own, with PROVE_EMULATOR set, and returns what it
    wrote. It must succeed, and say nothing on standard error."""

    def run_script(code, *arguments, timeout=NEVER, stderr=""):
        done = subprocess.run(
            [sys.executable, "-X", "faulthandler", "-c", code, *map(str, arguments)],
            env={
                **os.environ,
                "PROVE_EMULATOR": emulator.url,
                "PYTHONPATH": str(TESTS),
                "PYTHONWARNINGS": "ignore:This process:DeprecationWarning",
            },
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert (done.returncode, done.stderr) == (0, stderr), done.stdout
        return done.stdout

    return run_script
