"""From the start of the process to its first requests, without Prefect and through a running Prefect server."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bench import inputs
from bench.processes import SECRET, Place
from bench.table import Measure
from sspr.cli.prefect_local import LocalPrefect
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.samples import accounts_for
from sspr.simulated.server import SimulatedTenant


@dataclass(frozen=True, slots=True)
class Way:
    """One way to start, the bare imports beside it, and what was measured so far, in seconds."""

    name: str
    imports: str
    goal: float
    environment: dict[str, str] = field(repr=False)
    request: list[float] = field(default_factory=list)
    graph: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    bare_cpu: list[float] = field(default_factory=list)

    def measures(self) -> list[Measure]:
        """The bare imports, and both moments and the CPU against them; the CPU knows little of other load."""
        against = f"import {self.imports}"
        return [
            Measure(self.name, f"python -c '{against}'", "s", self.bare),
            Measure(
                self.name, "first HTTP request (sign-in)", "s", self.request, against, self.bare, self.goal
            ),
            Measure(self.name, "first Graph request", "s", self.graph, against, self.bare, self.goal),
            Measure(self.name, "CPU of the whole run of one row", "s", self.cpu, against, self.bare_cpu),
        ]


def measure(place: Place, times: int) -> list[Measure]:
    """Each way so many times, in turn, after one run of each that counts for nothing and fills the caches."""
    folder = place.folder / "start"
    folder.mkdir()
    state = accounts_for(inputs.upn(number) for number in range(1, 2 * times + 3))
    with (
        SimulatedTenant(state, Behaviour(quotas=None), folder=folder / "tls") as tenant,
        LocalPrefect(folder / "prefect") as prefect,
    ):
        config = folder / "tenants.toml"
        config.write_text(tenant.tenants_toml(SECRET), encoding="utf-8")
        prefect.start()
        settings = {SECRET: tenant.secret, "SSPR_CONFIG": str(config)}
        ways = [
            Way(name, imports, goal, place.environment(folder / "home", **settings, **more))
            for name, imports, goal, more in (
                ("start", "msal, httpx, sqlalchemy", 2.0, {}),
                ("start with Prefect", "prefect", 6.0, {"PREFECT_API_URL": prefect.api}),
            )
        ]
        number = 0
        for turn in range(times + 1):
            for way in ways:
                number += 1
                _start(place, tenant, way, inputs.write(folder / f"{number}.csv", number, number), turn > 0)
    return [measure for way in ways for measure in way.measures()]


def _start(place: Place, tenant: SimulatedTenant, way: Way, file: Path, counts: bool) -> None:
    """A run of one row to its end; its first requests are looked up in the tenant's journal."""
    bare = place.python(["-c", f"import {way.imports}"], way.environment)
    tenant.journal.clear()
    arguments = ["run", str(file), "--tenant", "simulated", "--target", "contact", "--yes", "--json"]
    ended = place.sspr(arguments, way.environment)
    if ended.report()["counts"]["updated"] != 1:
        raise RuntimeError(f"The row was not updated: {ended.report()['counts']}")
    if counts:
        way.bare.append(bare.wall)
        way.bare_cpu.append(bare.cpu)
        way.cpu.append(ended.cpu)
        way.request.append(min(record.time for record in tenant.journal) - ended.started)
        way.graph.append(min(record.time for record in tenant.journal.requests()) - ended.started)
