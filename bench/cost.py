"""What a whole run costs beside waiting for Graph, and how near to the quotas it writes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bench import inputs, limits
from bench.processes import SECRET, Ended, Place
from bench.table import Measure
from sspr.simulated.behaviour import Behaviour, Latency
from sspr.simulated.journal import Journal
from sspr.simulated.samples import accounts_for
from sspr.simulated.server import SimulatedTenant
from sspr.tenant.quota import Unpublished

LATENCY = Latency(mean=0.120, jitter=0.060)


@dataclass(frozen=True, slots=True)
class Run:
    """One run as it ended, the moments of its requests and of its last answer (epoch seconds)."""

    ended: Ended
    report: dict[str, Any]
    first_request: float
    last_answer: float
    writes: dict[str, list[float]]

    @property
    def waited(self) -> float:
        """Seconds spent waiting for answers or for leave to send."""
        return float(self.report["graph"]["seconds"])

    @property
    def own_share(self) -> float:
        """The part of the run's time that is not waiting, in percent; the start of the process is in it."""
        return 100 * (1 - self.waited / self.ended.wall)


def measure(place: Place, rows: int, times: int) -> list[Measure]:
    """Runs of so many rows for `--target contact` and `both`, each with an empty ledger and a fresh tenant."""
    _run(place, 1, "both")  # fills the cache of bytecode and counts for nothing
    measures: list[Measure] = []
    for target in ("contact", "both"):
        runs = [_run(place, rows, target) for _ in range(times)]
        measures += _measures(f"cost {target}", runs)
    return measures


def _run(place: Place, rows: int, target: str) -> Run:
    folder = place.folder / "cost"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    file = inputs.write(folder / "rows.csv", 1, rows)
    state = accounts_for(inputs.upn(number) for number in range(1, rows + 1))
    answered = [0.0]

    def note(*_exchange: object) -> None:
        answered[0] = time.time()

    with SimulatedTenant(
        state, Behaviour(latency=LATENCY), folder=folder / "tls", on_exchange=note
    ) as tenant:
        config = folder / "tenants.toml"
        config.write_text(tenant.tenants_toml(SECRET), encoding="utf-8")
        ended = place.sspr(
            ["run", str(file), "--tenant", "simulated", "--target", target, "--yes", "--json",
             "--config", str(config), "--out", str(folder / "out")],
            place.environment(folder / "home", **{SECRET: tenant.secret}),
        )  # fmt: skip
        writes = _writes(tenant.journal)
        first = min(record.time for record in tenant.journal)
    report = ended.report()
    if report["counts"]["updated"] != rows:
        raise RuntimeError(f"Not every row was updated: {report['counts']}")
    return Run(ended, report, first, answered[0], writes)


def _writes(journal: Journal) -> dict[str, list[float]]:
    """When each write arrived, by the quota that it draws on."""
    found: dict[str, list[float]] = {"contact": [], "method": []}
    for record in journal.writes():
        found["method" if "/authentication/" in record.url else "contact"].append(record.time)
    return {kind: moments for kind, moments in found.items() if moments}


def _measures(name: str, runs: Sequence[Run]) -> list[Measure]:
    wall = [run.ended.wall for run in runs]

    def of_wall(what: str, values: Sequence[float]) -> Measure:
        return Measure(name, what, "s", values, "the run's time", wall)

    return [
        Measure(name, "time of the run", "s", wall),
        of_wall("waiting for Graph", [run.waited for run in runs]),
        Measure(name, "own share", "%", [run.own_share for run in runs], goal=10),
        of_wall("start to first request", [run.first_request - run.ended.started for run in runs]),
        of_wall("last answer to end", [run.ended.started + run.ended.wall - run.last_answer for run in runs]),
        of_wall("CPU", [run.ended.cpu for run in runs]),
        Measure(name, "peak memory", "MiB", [run.ended.peak for run in runs]),
        Measure(name, "HTTP requests to Graph", "", [run.report["graph"]["requests"] for run in runs]),
        Measure(name, "throttled answers", "", [run.report["graph"]["throttled"] for run in runs], goal=0),
        *_against_quotas(name, runs),
    ]


def _against_quotas(name: str, runs: Sequence[Run]) -> list[Measure]:
    measures = []
    for kind in runs[0].writes:
        moments = [run.writes[kind] for run in runs]
        rates = [limits.rate(each) for each in moments]
        what = f"{kind} writes, first to last"
        documented = limits.DOCUMENTED[kind]
        if isinstance(documented, Unpublished):
            measures.append(Measure(name, what, "1/s", rates))
            continue
        allowed = [limits.allowed_rate(documented, limits.span(each)) for each in moments]
        against = f"documented, {documented.amount:,.0f} in {documented.seconds:g} s"
        measures.append(Measure(name, what, "1/s", rates, against, allowed))
    return measures
