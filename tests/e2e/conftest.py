"""A real Prefect server with the deployment and a worker, one for all tests here: they share one pytest process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.kills import Disturbed
from sspr.rehearsal import rehearsal_state
from sspr.simulated.samples import application
from sspr.simulated.server import SimulatedTenant
from tests.e2e.stack import SECRET, Stack


@pytest.fixture(scope="session")
def stack(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    config = folder / "tenants.toml"
    config.write_text("", encoding="utf-8")
    secrets = {SECRET: application().secrets[0]}
    with Disturbed(folder / "prefect") as prefect:
        prefect.start()
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
        yield Stack(prefect, folder / "home", config, folder, project, secrets)


@pytest.fixture
def tenant(stack: Stack, tmp_path: Path) -> Iterator[SimulatedTenant]:
    """The sample's tenant, new for each test, under the name `simulated` in the settings of worker and command."""
    with SimulatedTenant(rehearsal_state(None, ()), folder=tmp_path) as server:
        stack.configure(server)
        yield server
