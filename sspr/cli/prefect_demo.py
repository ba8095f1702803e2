"""The sample through Prefect as a person would set it up: a server, a work pool, a deployment, a worker, a run."""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from sspr.cli import show
from sspr.cli.common import Session, session
from sspr.cli.prefect_host import parameters_of, project_folder
from sspr.cli.prefect_local import LocalPrefect
from sspr.cli.starting import start_sample
from sspr.errors import Stopped
from sspr.job import Job
from sspr.settings import Settings, home

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

PATIENCE = 600.0


def demo_with_prefect(sample: Path, *, keep: bool, out: Path | None, verbose: bool) -> int:
    """Runs `sample` on the simulated tenant through the deployment `onboard/onboard`, on a Prefect of its own.

    The worker works in our `SSPR_HOME`. Server and worker end with this call, by whatever it ends, unless `keep`.
    Returns the exit code: 0, too, where rows need a person, for that is what the sample is for. Raises
    `CannotStart` where server, worker or deployment do not come up, `Stopped` where the run does not come to its end,
    `KeyboardInterrupt` at a signal.
    """
    folder = Path(tempfile.mkdtemp(prefix="prefect-", dir=home()))
    with session(None, verbose=verbose, settings=Settings()) as here, _signals_interrupt():
        job = start_sample(here, sample, out)
        with LocalPrefect(folder, keep=keep) as prefect:
            _run(here, job, prefect)
            if keep:
                _say_how_to_stop(prefect, here.terminal.say)
    if not keep:
        prefect.remove()
    report = json.loads((job.folder / "report.json").read_text(encoding="utf-8"))
    show.outcome(report, here.terminal)
    return 0 if report["exit_code"] == 1 else int(report["exit_code"])


def _run(here: Session, job: Job, prefect: LocalPrefect) -> None:
    say = here.terminal.say
    say("Starting a Prefect server of its own on loopback (some 15 seconds) …")
    prefect.start()
    prefect.make_pool()
    # The settings of the person who shows the demo have no part in it.
    config = prefect.folder / "tenants.toml"
    config.touch(mode=0o600)
    prefect.start_worker({"SSPR_HOME": str(home()), "SSPR_CONFIG": str(config)})
    say(f"It is up: {prefect.url}. Deploying onboard/onboard to the work pool sspr …")
    prefect.deploy(project_folder())
    flow_run = prefect.create_run(
        "onboard/onboard", parameters_of(job), lambda flow_run_id: here.ledger.bind_flow(flow_run_id, job.id)
    )
    say(f"The run in Prefect's UI: {prefect.page(flow_run)}")
    ended = prefect.wait(flow_run, PATIENCE, _Teller(say))
    if ended.state is None or not ended.state.is_completed():
        raise Stopped(f"The flow run ended {ended.state_name}: {ended.state.message if ended.state else ''}")


class _Teller:
    """Says each new state of the flow run once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._last = ""

    def __call__(self, seen: FlowRun) -> None:
        state = seen.state_name or "Unknown"
        if state != self._last:
            self._last = state
            message = seen.state.message if seen.state and seen.state.is_final() else ""
            self._say(f"  {state}{': ' if message else ''}{message or ''}")


def _say_how_to_stop(prefect: LocalPrefect, say: Callable[[str], None]) -> None:
    say(f"Server and worker are left up; the database and the logs lie in {prefect.folder}. To end them:")
    for command in prefect.how_to_stop():
        say(f"  {command}")


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt once, so that server and worker are ended; later ones wait."""
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        for name in names:
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {name: signal.signal(getattr(signal, name), interrupt) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
