"""The stubs: as the module is, and as the type checkers want them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import prove_token
import pytest
from conftest import TESTS

PACKAGE = Path(prove_token.__file__).parent


def run(module, *arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
    )


def test_the_stubs_are_as_the_module_is(tmp_path):
    done = run("mypy.stubtest", "prove_token", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def configuration(tmp_path_factory):
    """basedpyright as strict as pyright can be, with the interpreter that runs this."""
    folder = tmp_path_factory.mktemp("pyright")
    path = folder / "pyrightconfig.json"
    settings = {
        "typeCheckingMode": "strict",
        "pythonVersion": "3.10",
        "include": [str(TESTS / "sample.py"), str(TESTS / "wrong.py"), str(PACKAGE)],
        # It reads what the package says, and not what is behind it.
        "reportPrivateUsage": False,
        # Who calls may not have checked types.
        "reportUnnecessaryIsInstance": False,
    }
    path.write_text(json.dumps(settings))
    return path


def test_mypy_takes_the_package_and_a_sample(tmp_path):
    done = run("mypy", "--strict", "--python-version", "3.10", TESTS / "sample.py", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    done = run("mypy", "--strict", "--python-version", "3.10", "-p", "prove_token", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_refuses_what_is_wrong(tmp_path):
    done = run("mypy", "--strict", TESTS / "wrong.py", cwd=tmp_path)
    assert set(map(int, re.findall(r"wrong\.py:(\d+): error", done.stdout))) == marked()


def test_pyright_takes_the_package_and_a_sample_and_refuses_what_is_wrong(configuration):
    done = run(
        "basedpyright",
        "--outputjson",
        "--project",
        configuration,
        "--pythonpath",
        sys.executable,
        cwd=configuration.parent,
    )
    found = [
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1, each["message"])
        for each in json.loads(done.stdout)["generalDiagnostics"]
        if each["severity"] == "error"
    ]
    others = [each for each in found if each[0] != "wrong.py"]
    assert not others, "\n".join(map(str, others))
    assert {line for _, line, _ in found} == marked()


def marked():
    lines = (TESTS / "wrong.py").read_text().splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
