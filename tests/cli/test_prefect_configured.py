"""Whether a Prefect API is configured, found out as Prefect would, without importing it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sspr.cli.prefect_host import api_configured
from sspr.errors import CannotStart

PROFILES = """
active = "night"

[profiles.night]
PREFECT_API_URL = "http://night.example.org/api"

[profiles.day]
PREFECT_API_URL = "http://day.example.org/api"

[profiles.ephemeral]
PREFECT_SERVER_ALLOW_EPHEMERAL_MODE = "true"
"""

# What is set beside PREFECT_HOME, and the address that is found.
CASES = [
    ({}, "http://night.example.org/api"),
    ({"PREFECT_PROFILE": "day"}, "http://day.example.org/api"),
    ({"PREFECT_PROFILE": "ephemeral"}, None),
    ({"PREFECT_PROFILE": "unknown"}, None),
    ({"PREFECT_API_URL": "http://set.example.org/api"}, "http://set.example.org/api"),
    (
        {"PREFECT_API_URL": "http://set.example.org/api", "PREFECT_PROFILE": "day"},
        "http://set.example.org/api",
    ),
    ({"PREFECT_API_URL": "", "PREFECT_PROFILE": "ephemeral"}, None),
]
NAMES = ["active", "named", "ephemeral", "unknown", "variable", "variable over profile", "emptied"]


@pytest.fixture
def prefect_home(tmp_path: Path) -> Path:
    (tmp_path / "profiles.toml").write_text(PROFILES, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("environment", "url"), CASES, ids=NAMES)
def test_the_variable_goes_before_the_profile(
    prefect_home: Path, environment: dict[str, str], url: str | None
) -> None:
    assert api_configured({"PREFECT_HOME": str(prefect_home), **environment}) == url


def test_the_file_of_profiles_may_lie_elsewhere(prefect_home: Path, tmp_path: Path) -> None:
    environment = {
        "PREFECT_HOME": str(tmp_path / "none"),
        "PREFECT_PROFILES_PATH": str(prefect_home / "profiles.toml"),
    }
    assert api_configured(environment) == "http://night.example.org/api"


def test_without_a_file_none_is_configured(tmp_path: Path) -> None:
    assert api_configured({"PREFECT_HOME": str(tmp_path)}) is None


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "profiles.toml").write_text("[profiles", encoding="utf-8")
    with pytest.raises(CannotStart, match=r"profiles\.toml"):
        api_configured({"PREFECT_HOME": str(tmp_path)})


def test_prefect_finds_the_same(prefect_home: Path) -> None:
    """Judged by Prefect itself, for the profile that is active and for one that is named."""
    script = (
        "import os, prefect.settings\n"
        "from sspr.cli.prefect_host import api_configured\n"
        "assert prefect.settings.PREFECT_API_URL.value() == api_configured(os.environ)"
    )
    for profile in ({}, {"PREFECT_PROFILE": "day"}):
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PREFECT_HOME": str(prefect_home), "PYTHONPATH": str(Path.cwd()), **profile},
            check=True,
        )
