"""How near to Graph's quotas a run writes, whatever the service counts, and what it asks for in vain."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench import inputs, limits
from bench.cost import LATENCY
from bench.processes import SECRET, Ended, Place
from bench.table import Measure
from sspr.simulated.behaviour import Behaviour, Limit, Quotas
from sspr.simulated.journal import Journal
from sspr.simulated.samples import accounts_for
from sspr.simulated.server import SimulatedTenant

# learn.microsoft.com, graph/throttling-limits: writes for one application in one tenant.
WRITES = Limit(3_000, 150)
# Microsoft publishes none for authentication methods: one that the run does not know.
METHODS = Limit(300, 20)


@dataclass(frozen=True, slots=True)
class Scene:
    """`path`: what calls that draw on the limit have in method and address; `shortest`: the least seconds for them."""

    name: str
    target: str
    quotas: Quotas
    path: str
    shortest: Callable[[float], float]
    processes: int = 1


def _of_bucket(limit: Limit) -> Callable[[float], float]:
    return lambda writes: max(0.0, writes - limit.amount) * limit.seconds / limit.amount


def _of_window(limit: Limit) -> Callable[[float], float]:
    return lambda writes: (math.ceil(writes / limit.amount) - 1) * limit.seconds


SCENES = (
    Scene("limit, bucket", "contact", Quotas(), "PATCH", _of_bucket(WRITES)),
    Scene("limit, window", "contact", Quotas(sliding=True), "PATCH", _of_window(WRITES)),
    Scene("limit, two processes", "contact", Quotas(), "PATCH", _of_bucket(WRITES), processes=2),
    Scene("limit, methods", "methods", Quotas(methods=METHODS), "/authentication/", _of_bucket(METHODS)),
)


def measure(place: Place, rows: int) -> list[Measure]:
    """Each scene with so many rows, of methods a tenth of them: four calls each, at a slower rate."""
    measures: list[Measure] = []
    for scene in SCENES:
        measures += _run(place, scene, rows // 10 if scene.target == "methods" else rows)
    return measures


def _run(place: Place, scene: Scene, rows: int) -> list[Measure]:
    folder = place.folder / "limit"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    share = rows // scene.processes
    firsts = [1 + share * number for number in range(scene.processes)]
    files = [inputs.write(folder / f"rows-{first}.csv", first, first + share - 1) for first in firsts]
    state = accounts_for(inputs.upn(number) for number in range(1, rows + 1))
    with SimulatedTenant(
        state, Behaviour(latency=LATENCY, quotas=scene.quotas), folder=folder / "tls"
    ) as tenant:
        config = folder / "tenants.toml"
        config.write_text(tenant.tenants_toml(SECRET), encoding="utf-8")
        with ThreadPoolExecutor(scene.processes) as pool:
            ends = list(
                pool.map(lambda file: _sspr(file, folder, config, scene.target, tenant.secret), files)
            )
        return _measures(scene, ends, tenant.journal)


def _sspr(file: Path, folder: Path, config: Path, target: str, secret: str) -> Ended:
    own = folder / file.stem
    own.mkdir()
    place = Place(own)
    ended = place.sspr(
        ["run", str(file), "--tenant", "simulated", "--target", target, "--yes", "--json",
         "--config", str(config), "--out", str(own / "out")],
        place.environment(folder / "home", **{SECRET: secret}),
    )  # fmt: skip
    if set(ended.report()["counts"].values()) - {0} != {ended.report()["counts"]["updated"]}:
        raise RuntimeError(f"Not every row was updated: {ended.report()['counts']}")
    return ended


def _measures(scene: Scene, ends: list[Ended], journal: Journal) -> list[Measure]:
    drew = [
        each for each in journal.calls() if each.status < 300 and scene.path in f"{each.method} {each.url}"
    ]
    times = [each.time for each in drew]
    took, least = limits.span(times), scene.shortest(len(times))
    calls = len(journal.calls())
    measures = [Measure(scene.name, "first call to last", "s", [took])]
    if least:  # else all goes at once, and nothing is waited for
        against = "the least that the quota allows"
        measures = [
            Measure(scene.name, "first call to last", "s", [took], against, [least]),
            Measure(scene.name, "quota left unused", "%", [100 * max(0.0, 1 - least / took)], goal=3),
        ]
    return [
        *measures,
        Measure(scene.name, "answered 429", "%", [100 * len(journal.throttled()) / calls], goal=1),
        Measure(scene.name, "sent before a Retry-After had passed", "", [len(journal.early())], goal=0),
        Measure(
            scene.name, "CPU, of one core", "%", [max(100 * each.cpu / each.wall for each in ends)], goal=15
        ),
        Measure(scene.name, "peak memory", "MiB", [max(each.tree for each in ends)]),
    ]
