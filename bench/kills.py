"""Prefect's processes killed at moments of chance while runs are under way: `python bench/kills.py --help`.

A Prefect server, its worker, the deployment `onboard/onboard`, and a simulated tenant. The flow's process, the worker,
both at once or the server are ended by SIGKILL; server and worker are started anew, as a supervisor would, and what
has crashed is retried as a person would: by the button of Prefect's UI, every third time by a new flow run with the
same parameters. A flow run that nobody is left to report on is set to Crashed by the automation of
`flows/automation.yaml`. In the end the tenant must hold every value of the input, its own journal must show each
written once, `results.csv` must have every row, and nothing that Prefect keeps may hold a value of the input.
"""

from __future__ import annotations

import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
import psutil

# Started by its path, from any folder: the modules beside it are found from the root of the project.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import inputs
from bench.processes import PROJECT, SECRET
from bench.spellings import found, values_of
from bench.torture import tenant_of, values_written
from sspr.cli.prefect_local import LocalPrefect
from sspr.simulated.behaviour import Behaviour, Latency
from sspr.simulated.server import SimulatedTenant

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

Kind = Literal["flow", "worker", "worker and flow", "server"]
KINDS: tuple[Kind, ...] = ("flow", "worker", "worker and flow", "server")
ROWS = 200
KILLS_A_RUN = 5
# So long takes a batch: a run of 200 rows, once begun, takes some ten seconds.
LATENCY = Latency(mean=0.6, jitter=0.3)
# Seconds from the start of a flow's process to the kill: its imports, the whole run, and its end.
MOMENTS = (0.0, 14.0)
# The worker reports a crash twice, a second apart; a retry in between would be overwritten (Prefect 3.8.8).
BEFORE_RETRY = 3.0
MOST_SECONDS = 600.0  # for a flow run to come to its end, once the kills are over


class Disturbed(LocalPrefect):
    """A server and a worker of one's own of which each may be killed."""

    server: subprocess.Popen[bytes]
    worker: subprocess.Popen[bytes]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._of_worker: Mapping[str, str] = {}
        self._orphans: list[psutil.Process] = []

    def start(self) -> None:
        """Starts the server, or starts it anew on its port and database."""
        super().start()
        self.server = self._processes[-1]

    def start_worker(self, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Starts a worker; without an environment, one like the last."""
        self._of_worker = environment if environment is not None else self._of_worker
        self.worker = super().start_worker(self._of_worker)
        return self.worker

    def flows(self) -> list[psutil.Process]:
        """The processes of flow runs that the worker has started."""
        try:
            return psutil.Process(self.worker.pid).children()
        except psutil.Error:
            return []

    def kill(self, kind: Kind) -> bool:
        """By SIGKILL. The server and the worker are up again on return. False where no flow runs."""
        flows = self.flows()
        if not flows:
            return False
        if kind == "worker":
            self._orphans += flows
        if kind == "server":
            self._kill(self.server)
            self.start()
            return True
        if "worker" in kind:
            self._kill(self.worker)
        if "flow" in kind:
            for flow in flows:
                flow.kill()
        if "worker" in kind:
            self.start_worker()
        return True

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        self._processes.remove(process)

    def look(self, flow_run: FlowRun) -> FlowRun | None:
        """The flow run as the server shows it, None where the server does not answer for the moment."""
        import httpx
        from prefect.exceptions import PrefectHTTPStatusError

        try:
            return self.client.read_flow_run(flow_run.id)
        except (httpx.HTTPError, PrefectHTTPStatusError):
            return None

    def retry(self, flow_run: FlowRun) -> FlowRun:
        """What the button Retry of Prefect's UI sends; returns the flow run, which stays the same."""
        from prefect.states import AwaitingRetry

        self.client.set_flow_run_state(flow_run.id, AwaitingRetry())
        return flow_run

    def automate(self) -> None:
        """Makes the automation that sets flow runs without a sign of life to Crashed."""
        file = str(PROJECT / "flows" / "automation.yaml")
        command = [sys.executable, "-m", "prefect", "automation", "create", "--from-file", file]
        subprocess.run(command, env=self.environment(), check=True, capture_output=True)

    def stop(self) -> None:
        """Ends everything, flow runs without a worker too."""
        super().stop()
        for orphan in self._orphans:
            if orphan.is_running():
                orphan.kill()


@dataclass(frozen=True, slots=True)
class Strike:
    """What is to be killed, once `due()`."""

    kind: Kind
    due: Callable[[], bool]


@dataclass(slots=True)
class Course:
    """How a flow run went: what was killed, and how often it was retried."""

    kills: Counter[str]
    retries: int = 0


def carry_through(
    prefect: Disturbed,
    flow_run: FlowRun,
    strikes: deque[Strike],
    *,
    most: int = 1_000,
    again: Callable[[FlowRun], FlowRun] | None = None,
    to_the_end: bool = True,
) -> Course:
    """Takes strikes from the left, at `most` so many, and when the flow run has failed or crashed starts it `again`, by
    default by a retry, until it is Completed; not `to_the_end`: until the last strike. Raises RuntimeError where the
    end does not come.
    """
    course, failed_at = Course(Counter()), 0.0
    until = time.monotonic() + MOST_SECONDS
    while True:
        more = bool(strikes) and course.kills.total() < most
        if not more and not to_the_end:
            return course
        if more and strikes[0].due() and prefect.kill(strikes[0].kind):
            course.kills[strikes.popleft().kind] += 1
            until = time.monotonic() + MOST_SECONDS
        seen = prefect.look(flow_run)
        state = seen.state if seen is not None else None
        if state is None or not state.is_final():
            failed_at = 0.0
        elif state.is_completed():
            return course
        elif not failed_at:
            failed_at = time.monotonic()
        elif time.monotonic() - failed_at > BEFORE_RETRY:
            flow_run = (again or prefect.retry)(flow_run)
            course.retries, failed_at = course.retries + 1, 0.0
        if time.monotonic() > until or (state is not None and state.is_paused()):
            raise RuntimeError(f"The flow run does not end; it is {state.name if state else 'unknown'}.")
        time.sleep(0.1)


def complaints(tenant: SimulatedTenant, rows: int, out: Path) -> list[str]:
    """What is not as it must be after a run of `rows` rows on `tenant_of(rows)`; nothing where all is well."""
    written = values_written(tenant.journal)
    with (out / "results.csv").open(newline="", encoding="utf-8-sig") as file:
        results = list(csv.DictReader(file))
    other = [row["status"] for row in results if row["status"] != "updated"]
    expected = sum(3 + (account.phone("mobile") is None) for account in tenant_of(rows).accounts.values())
    said = [
        (sum(times > 1 for times in written.values()), "values were written more than once"),
        (expected - len(written), "values were not written"),
        (sum(not _holds(tenant, row) for row in results), "accounts do not hold what was asked for"),
        (len(other), f"rows of results.csv are not updated but {', '.join(sorted(set(other)))}"),
        (
            int([int(row["line"]) for row in results] != list(range(2, rows + 2))),
            "results.csv has not each row once",
        ),
    ]
    return [f"{count} {what}" for count, what in said if count]


def _holds(tenant: SimulatedTenant, row: Mapping[str, str]) -> bool:
    account = tenant.state.account(row["user_principal_name"])
    if account is None:
        return False
    registered = account.phone("mobile")
    kept = row["phone_method_before"]  # a number that the person registered is left alone
    return (
        account.other_mails[:1] == (row["alternate_email"],)
        and account.mobile_phone == row["mobile_phone"]
        and account.email_method == row["alternate_email"]
        and registered is not None
        and registered.number == (kept or row["mobile_phone"])
    )


class Moment:
    """Seconds of chance after a flow's process was first seen, or after the strike before; for each process anew."""

    def __init__(self, prefect: Disturbed, chance: random.Random) -> None:
        self._prefect = prefect
        self._chance = chance
        self._of_process: dict[int, float] = {}

    def __call__(self) -> bool:
        """Whether it has come."""
        now = time.monotonic()
        moments = self._of_process
        seen = [each.pid for each in self._prefect.flows()]
        return any(now >= moments.setdefault(pid, now + self._chance.uniform(*MOMENTS)) for pid in seen)


def strikes(prefect: Disturbed, kills: int, chance: random.Random) -> deque[Strike]:
    """So many, each kind as often as the others, at moments of chance."""
    kinds = [KINDS[number % len(KINDS)] for number in range(kills)]
    chance.shuffle(kinds)
    return deque(Strike(kind, Moment(prefect, chance)) for kind in kinds)


def carry_out(
    folder: Path, kills: int, rows: int, chance: random.Random
) -> tuple[Counter[str], int, list[str]]:
    """Flow runs until so many kills are done: the kills by kind, the retries, what is wrong."""
    config, done, retries, wrong = folder / "tenants.toml", Counter[str](), 0, list[str]()
    values = set[str]()
    with Disturbed(folder / "prefect") as prefect:
        config.write_text("", encoding="utf-8")
        prefect.start()
        prefect.make_pool()
        prefect.automate()
        prefect.start_worker({SECRET: tenant_of(1).apps[0].secrets[0], "SSPR_HOME": str(folder / "home"),
                              "SSPR_CONFIG": str(config), "PYTHONPATH": str(PROJECT)})  # fmt: skip
        prefect.deploy(PROJECT)
        left = strikes(prefect, kills, chance)
        while left:
            number = len(wrong)
            place = folder / f"run-{done.total()}-{retries}"
            place.mkdir()
            course = _run(prefect, place, config, rows, left, wrong)
            done.update(course.kills)
            retries += course.retries
            values |= values_of(place / "rows.csv", place / "out" / "results.csv")
            click.echo(f"{done.total()} of {kills}: {dict(course.kills)}, {course.retries} retries, "
                       f"{'; '.join(wrong[number:]) or 'all well'}")  # fmt: skip
        if leaks := found(values, folder / "prefect"):
            wrong.append(f"{len(leaks)} times a value of the input stands in what Prefect keeps")
    return done, retries, wrong


def _run(
    prefect: Disturbed, place: Path, config: Path, rows: int, left: deque[Strike], wrong: list[str]
) -> Course:
    file, out = inputs.write(place / "rows.csv", 1, rows), place / "out"
    parameters: dict[str, Any] = {"files": [str(file)], "out": str(out), "approval": "none"}
    with SimulatedTenant(tenant_of(rows), Behaviour(latency=LATENCY), folder=place / "tls") as tenant:
        config.write_text(tenant.tenants_toml(SECRET), encoding="utf-8")

        def begin(_failed: FlowRun | None = None) -> FlowRun:
            return prefect.create_run("onboard/onboard", parameters)

        ways: Iterator[Callable[[FlowRun], FlowRun]] = cycle((prefect.retry, prefect.retry, begin))

        def again(failed: FlowRun) -> FlowRun:
            return next(ways)(failed)

        course = carry_through(prefect, begin(), left, most=KILLS_A_RUN, again=again)
        wrong += complaints(tenant, rows, out)
    return course


@click.command()
@click.option("--kills", type=click.IntRange(1, 1_000), default=50, show_default=True)
@click.option("--rows", type=click.IntRange(1, 10_000), default=ROWS, show_default=True, help="Of each run.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the kinds and the moments.")
@click.option("--keep", type=click.Path(path_type=Path), help="Leave everything in this new folder.")
def main(kills: int, rows: int, seed: int, keep: Path | None) -> None:
    """Kill, and compare. Ends with 1 where anything was lost or written twice. Half an hour for 50."""
    chance = random.Random(seed)  # noqa: S311 - the same moments each time
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sspr-kills-") as temporary:
        folder = Path(temporary) if keep is None else keep.absolute()
        folder.mkdir(mode=0o700, exist_ok=keep is None)
        done, retries, wrong = carry_out(folder, kills, rows, chance)
    click.echo(f"{', '.join(f'{count} × {kind}' for kind, count in sorted(done.items()))}; {retries} retries; "
               f"{time.monotonic() - began:.0f} s.")  # fmt: skip
    click.echo(
        "; ".join(wrong) or "Nothing lost, nothing written twice, nothing of the input in what Prefect keeps."
    )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    main()
