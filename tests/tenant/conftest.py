"""A clock and a scripted Microsoft for every test here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sspr.tenant.graph import Tenant
from tests.tenant.scripted import SECRET, SECRET_ENV, FakeClock, ScriptedMicrosoft


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def microsoft(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> ScriptedMicrosoft:
    monkeypatch.setenv(SECRET_ENV, SECRET)
    return ScriptedMicrosoft(clock)


@pytest.fixture
def tenant(microsoft: ScriptedMicrosoft) -> Iterator[Tenant]:
    """Signed in to the scripted Microsoft; nothing was asked of Graph yet."""
    with microsoft.connect() as connected:
        yield connected
