"""A Prefect server, its worker, and a simulated tenant that the test can look into."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.kills import Disturbed
from sspr.simulated.server import SimulatedTenant

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

# What a run of the sample may take on a busy machine with two cores.
PATIENCE = 120.0
SECRET = "E2E_CLIENT_SECRET"


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it wrote to standard error."""

    code: int
    said: str


def ended(process: subprocess.Popen[str]) -> Ended:
    """Waits for the command's end."""
    _, said = process.communicate(timeout=PATIENCE)
    return Ended(process.returncode, said)


@dataclass(frozen=True)
class Stack:
    """Server, deployment and worker, and where the worker keeps its ledger and finds its settings."""

    prefect: Disturbed
    home: Path
    config: Path
    folder: Path
    project: Path
    secrets: dict[str, str] = field(repr=False)

    def run(self, parameters: Mapping[str, Any]) -> FlowRun:
        """A flow run of the deployment, started over the API, as it ended."""
        return self.prefect.wait(self.prefect.create_run("onboard/onboard", parameters), PATIENCE)

    def start_sspr(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """The command, in the worker's home, with the server configured."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "SSPR_"))
        }
        return subprocess.Popen(
            [sys.executable, "-m", "sspr", *arguments],
            env={
                **inherited,
                **self.secrets,
                "SSPR_HOME": str(self.home),
                "SSPR_CONFIG": str(self.config),
                "PYTHONPATH": str(self.project),
                "PREFECT_HOME": str(self.folder / "prefect-of-the-command"),
                "PREFECT_API_URL": self.prefect.api,
                **environment,
            },
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def sspr(self, *arguments: str, **environment: str) -> Ended:
        """The command as it ended."""
        return ended(self.start_sspr(*arguments, **environment))

    def again(self, flow_run: FlowRun) -> FlowRun:
        """The Retry button of Prefect's UI, which sends just this; the flow run as it ended then."""
        from prefect.states import AwaitingRetry

        self.prefect.client.set_flow_run_state(flow_run.id, AwaitingRetry())
        return self.prefect.wait(flow_run, PATIENCE)

    def configure(self, tenant: SimulatedTenant) -> None:
        """The settings of worker and command: this tenant, under the name `simulated`."""
        self.config.write_text(tenant.tenants_toml(SECRET), encoding="utf-8")

    def flow_runs(self) -> list[FlowRun]:
        """All flow runs that the server knows."""
        return self.prefect.client.read_flow_runs(limit=200)
