"""The fixture that users of pytest get."""

import pytest

pytest_plugins = ["pytester"]

TESTS = '''
import os, subprocess, sys
import prove_token

def test_all_of_it(prove_emulator):
    client = prove_token.TokenClient(environment="emulator")
    prove_emulator.inject("status=503,times=2")
    assert client.access_token()
    assert prove_emulator.token_requests == 3
    printed = subprocess.run(
        [sys.executable, "-m", "prove_token", "token", "--environment", "emulator"],
        capture_output=True, text=True, check=True,
    )
    assert printed.stdout.strip() != client.access_token().value
    assert prove_emulator.token_requests == 4

def test_each_test_has_its_own(prove_emulator):
    assert prove_emulator.token_requests == 0
    assert os.environ["PROVE_EMULATOR"] == prove_emulator.url

def test_others_have_none():
    assert "PROVE_EMULATOR" not in os.environ
'''


def test_the_fixture_is_found_by_itself(pytester):
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=3)


def test_the_plugin_starts_nothing_by_itself(pytester):
    """It is loaded into every run of pytest where the package is installed."""
    pytester.makepyfile("import sys\ndef test(): assert 'prove_token._courier' not in sys.modules")
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


@pytest.mark.parametrize("call", ["url", "token_endpoint", "client_id", "client_secret"])
def test_it_is_the_emulator_of_the_package(prove_emulator, call):
    assert isinstance(getattr(prove_emulator, call), str)
