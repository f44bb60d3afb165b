"""The package as its users get it."""

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import prove_token
import pytest
from conftest import HOME, NEVER, TESTS

README = (TESTS.parent / "README.md").read_text()


@pytest.fixture(scope="module")
def wheel():
    """The wheel under test, which `cargo xtask test` builds."""
    wheel = os.environ.get("PROVE_TOKEN_WHEEL")
    if wheel is None:
        pytest.fail("cargo xtask test -p prove-token-python builds the wheel, and names it")
    return Path(wheel)


def test_the_ten_lines_of_the_readme_in_a_clean_environment(wheel, tmp_path):
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    folder = venv / ("Scripts" if os.name == "nt" else "bin")
    pip = [folder / "python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--no-index", wheel], check=True)
    lines = re.search(r"```python\n(import urllib.*?)```", README, re.DOTALL)[1]
    assert lines.count("\n") <= 12
    done = subprocess.run(
        [folder / "python", "-c", lines], capture_output=True, text=True, timeout=NEVER
    )
    assert (done.returncode, done.stderr) == (0, "")
    shown = done.stdout.splitlines()
    assert shown[0] == "<prove_token.AccessToken [redacted], expires in 3600 s>"
    assert shown[1].startswith("Bearer, 3600 s left, until 20")
    assert shown[2] == "200"
    done = subprocess.run(
        [folder / "prove-token", "--version"], capture_output=True, text=True, timeout=NEVER
    )
    assert done.stdout == f"prove-token {prove_token.__version__}\n"


def test_the_wheel_holds_what_it_should(wheel):
    assert "-cp310-abi3-" in wheel.name
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        [metadata] = [name for name in names if name.endswith(".dist-info/METADATA")]
        text = archive.read(metadata).decode()
    package = {name for name in names if name.startswith("prove_token/")}
    assert {"prove_token/py.typed", "prove_token/_native.pyi"} <= package
    assert [name for name in names if name.endswith("/licenses/LICENSE-APACHE")]
    assert not [name for name in names if "tests" in name or name.endswith(".rs")]
    assert "Requires-Python: >=3.10" in text
    assert "Ten lines, without an account" in text
    assert "Requires-Dist: httpx" in text
    assert [line for line in text.splitlines() if line.startswith("Requires-Dist")] == [
        line for line in text.splitlines() if line.startswith("Requires-Dist") and "extra ==" in line
    ]


def test_the_source_distribution_is_whole(tmp_path):
    """Cargo finds in it every crate that is built, and no crate that is not in there."""
    maturin = [Path(sys.executable).parent / "maturin", "sdist", "--out", tmp_path]
    env = {**os.environ, "HOME": HOME}
    subprocess.run(maturin, cwd=TESTS.parent, check=True, capture_output=True, env=env)
    [archive] = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as source:
        names = source.getnames()
        source.extractall(tmp_path)
    [folder] = [path for path in tmp_path.iterdir() if path.is_dir()]
    cargo = ["cargo", "metadata", "--offline", "--format-version", "1"]
    done = subprocess.run(
        cargo, cwd=folder / "bindings/python", check=True, capture_output=True, text=True, env=env
    )
    packages = [package["name"] for package in json.loads(done.stdout)["packages"]]
    assert "prove-token-python" in packages and "prove-token-tests" not in packages
    assert not [name for name in names if "bindings/python/tests" in name]
    assert {f"{folder.name}/LICENSE-MIT", f"{folder.name}/Cargo.lock"} <= set(names)


def test_the_readme_speaks_of_what_there_is():
    for name in re.findall(r"prove_token\.(\w+)", README):
        assert hasattr(prove_token, name), name
    named = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)
    errors = {
        name
        for name in prove_token.__all__
        if isinstance(getattr(prove_token, name), type)
        and issubclass(getattr(prove_token, name), prove_token.ProveTokenError)
    }
    assert {*named, "ProveTokenError"} == errors
