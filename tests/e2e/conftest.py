"""A real Prefect server with the deployment and a worker, one for all tests here: they share one pytest process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sspr.cli.prefect_local import LocalPrefect

# What a run of the small input may take on a busy machine with two cores.
PATIENCE = 120.0
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `--dist loadgroup` all of these run in one process: a second server would cost more than it saves."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("prefect"))


@dataclass(frozen=True)
class Stack:
    """Server, deployment and worker, and where the worker keeps its ledger and finds its settings."""

    prefect: LocalPrefect
    home: Path
    config: Path
    folder: Path
    secrets: dict[str, str] = field(repr=False)

    def run(self, parameters: Mapping[str, Any]) -> Any:
        """A flow run of the deployment, started over the API, as it ended."""
        return self.prefect.wait(self.prefect.start_run("onboard/onboard", parameters), PATIENCE)

    def sspr(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The command, in the worker's home, with the server configured."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SSPR_"))}
        return subprocess.run(
            [sys.executable, "-m", "sspr", *arguments],
            env={
                **inherited,
                **self.secrets,
                "SSPR_HOME": str(self.home),
                "SSPR_CONFIG": str(self.config),
                "PREFECT_HOME": str(self.folder / "prefect-of-the-command"),
                "PREFECT_API_URL": self.prefect.api,
                **environment,
            },
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


@pytest.fixture(scope="session")
def stack(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    config = folder / "tenants.toml"
    config.write_text("", encoding="utf-8")
    secrets = {"E2E_CLIENT_SECRET": "e2e-Only~Secret.Of_The-Tests"}
    with LocalPrefect(folder / "prefect") as prefect:
        prefect.make_pool()
        prefect.start_worker(
            {
                **secrets,
                "SSPR_HOME": str(folder / "home"),
                "SSPR_CONFIG": str(config),
                "PYTHONPATH": str(project),
            }
        )
        prefect.deploy(project)
        yield Stack(prefect, folder / "home", config, folder, secrets)


@pytest.fixture
def write_config(stack: Stack) -> Iterator[Callable[[str], None]]:
    """Gives the worker other settings for one test."""
    before = stack.config.read_text(encoding="utf-8")

    def write(text: str) -> None:
        stack.config.write_text(text, encoding="utf-8")

    yield write
    write(before)
