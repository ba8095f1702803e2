"""What all tests share: hypothesis profiles, and an environment of their own for each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No deadline: on a shared machine a slow example is the machine's, not the code's.
settings.register_profile("dev", deadline=None, max_examples=50)
settings.register_profile(
    "ci", deadline=None, max_examples=200, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of the checkout."""
    return PROJECT


@pytest.fixture(autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a fresh `$SSPR_HOME` and none of the developer's settings; returns that folder.

    `PREFECT_HOME` points to an empty folder too: an active profile of the developer's would send runs to their server.
    """
    for name in list(os.environ):
        if name.startswith(("SSPR_", "PREFECT_")):
            monkeypatch.delenv(name)
    base = tmp_path_factory.mktemp("home")
    home = base / "sspr"
    monkeypatch.setenv("SSPR_HOME", str(home))
    monkeypatch.setenv("PREFECT_HOME", str(base / "prefect"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(base / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(base / "data"))
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    return home
