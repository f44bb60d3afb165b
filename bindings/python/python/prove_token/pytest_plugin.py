"""A fixture for pytest: prove_emulator, a local Prove for one test."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

import pytest

from ._native import Emulator, emulator


@pytest.fixture
def prove_emulator(monkeypatch: pytest.MonkeyPatch) -> "Iterator[Emulator]":
    """A running local Prove, which everything with environment="emulator" uses meanwhile,
    whether it is a client, a profile or the command prove-token."""
    with emulator() as running:
        monkeypatch.setenv("PROVE_EMULATOR", running.url)
        yield running
