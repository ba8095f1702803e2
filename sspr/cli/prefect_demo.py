"""The sample through Prefect as a person would set it up: a server, a work pool, a deployment, a worker, a run."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from sspr.cli.prefect_host import project_folder
from sspr.cli.prefect_local import LocalPrefect
from sspr.errors import Stopped
from sspr.settings import home

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

PATIENCE = 600.0


def demo_with_prefect(
    sample: Path,
    out: Path,
    *,
    environment: Mapping[str, str],
    say: Callable[[str], None],
    tenant: str = "simulated",
    enable_feature: bool = True,
    keep: bool = False,
) -> None:
    """Runs `sample` through the deployment `onboard/onboard` on a Prefect server and worker of its own.

    The run leaves its files in `out`. `environment` is what the worker is given beside our own: `SSPR_HOME`,
    `SSPR_CONFIG`, a secret's variable; none of it reaches Prefect's database. Server and worker end with this
    call, by whatever it ends, unless `keep`. Raises `CannotStart` where one of them does not start, `Stopped`
    where the run does not come to its end, `KeyboardInterrupt` at a signal.
    """
    folder = Path(tempfile.mkdtemp(prefix="prefect-demo-", dir=home()))
    with _signals_interrupt():
        say("Starting a Prefect server of its own on loopback (about 15 seconds) …")
        with LocalPrefect(folder, keep=keep) as prefect:
            prefect.make_pool()
            prefect.start_worker(environment)
            say(f"Prefect's UI: {prefect.url} Deploying onboard/onboard to its work pool …")
            prefect.deploy(project_folder())
            parameters = {
                "files": [str(sample.absolute())],
                "tenant": tenant,
                "enable_feature": enable_feature,
                "out": str(out.absolute()),
            }
            flow_run = prefect.start_run("onboard/onboard", parameters)
            say(f"The run: {prefect.page(flow_run)}")
            ended = prefect.wait(flow_run, PATIENCE, _Teller(say))
            if keep:
                _say_how_to_stop(prefect, say)
    if not keep:
        prefect.remove()
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
