"""A simulated tenant, the settings that reach it, and input for its administrators."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from pathlib import Path

from sspr.settings import Settings, load_settings
from sspr.simulated.server import SimulatedTenant

SECRET = "CONTOSO_CLIENT_SECRET"
HEADER = ("user_principal_name", "alternate_email", "mobile_phone")


def settings_for(server: SimulatedTenant, folder: Path, extra: str = "") -> Settings:
    """Settings whose default tenant `simulated` is `server`; written to `tenants.toml` in `folder`."""
    os.environ[SECRET] = server.secret
    path = folder / "tenants.toml"
    path.write_text(f"{server.tenants_toml(SECRET)}\n{extra}", encoding="utf-8")
    return load_settings(path)


def wanted(number: int) -> tuple[str, str]:
    """The address and the number that the input asks for, for the administrator of that number."""
    return f"private{number}@fabrikam.com", f"+1 206555{number:04d}"


def write_input(path: Path, upns: Iterable[str]) -> Path:
    """A CSV that asks for an address and a number of its own for each account."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows((upn, *wanted(number)) for number, upn in enumerate(upns, 1))
    return path


def read_results(folder: Path) -> list[dict[str, str]]:
    """`results.csv` as a script would read it."""
    with (folder / "results.csv").open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def double_writes(server: SimulatedTenant, since: int = 0) -> list[str]:
    """Writes that were applied although one with the same body had been applied to the same place before. `since`: of
    those after so many only.
    """
    seen: set[tuple[str, str]] = set()
    doubles = []
    for record in server.journal.writes()[since:]:
        key = (record.url, str(record.request_body))
        if key in seen:
            doubles.append(f"{record.method} {record.url}")
        seen.add(key)
    return doubles
