"""A run in the hands of a flow: begun once, taken up again by a retry, closed however the flow ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from sspr.errors import SsprError, Stopped
from sspr.job import Host, Job, JobRequest
from sspr.ledger import Ledger
from sspr.masking import mask_text
from sspr.settings import Settings, home, load_settings
from sspr.stages.steps import Step

if TYPE_CHECKING:
    from sspr.report.content import Report


@dataclass(slots=True)
class Hosted:
    """A job that a flow carries out. `error` is why it stopped: Prefect may not see it, the report and the lender do.

    `lent`: by the command `sspr`, whose `approve` is asked between the plan and the first write; None where nobody is
    to be asked.
    """

    job: Job
    approve: Callable[[], bool | None] | None = None
    lent: bool = field(default=False, init=False)
    error: SsprError | None = field(default=None, init=False)
    report: Report | None = field(default=None, init=False)
    on_sigterm: Any = field(default=None, init=False)

    def take(self, step: Step) -> None:
        """Carries out one step. Raises `SsprError`, and keeps it."""
        try:
            self.job.take(step)
        except SsprError as error:
            self.error = error
            raise

    def close(self) -> Report:
        """Notes how the run ended and writes its files."""
        self.report = self.job.close(self.error)
        return self.report


_lent: ContextVar[Hosted | None] = ContextVar("lent", default=None)


@contextmanager
def lend(hosted: Hosted) -> Iterator[None]:
    """The flow that runs inside the block, in this thread, takes up this job instead of beginning one.

    The command `sspr` lends a run that it has opened and leased itself, with options that are no parameters of
    the flow and with its own display, question and signals.
    """
    hosted.lent = True
    hosted.on_sigterm = signal.getsignal(signal.SIGTERM)
    token = _lent.set(hosted)
    try:
        yield
    finally:
        _lent.reset(token)


@contextmanager
def hosted(flow_run_id: str, request: Callable[[Settings], JobRequest]) -> Iterator[Hosted]:
    """The lent job; else the run that this flow run began earlier; else a new one for the request, or the one that an
    earlier flow run with the same parameters, or a command, did not bring to its end.

    Leaving the block by an error notes it for the report. Raises `CannotStart` where a run cannot be opened, `Busy`
    where another process works on it: a retry finds it free, and whoever it is bound to.
    """
    lent = _lent.get()
    if lent is not None:
        lent.job.bind_flow(flow_run_id)
        with _orderly_sigterm(lent.on_sigterm), _noting(lent):
            yield lent
        return
    settings = load_settings()
    with closing(Ledger.open(settings.ledger.url, home())) as ledger:
        run_id = ledger.run_of_flow(flow_run_id)
        host = Host(tell=_log)
        if run_id is None:
            job = Job.begin(ledger, settings, request(settings), host)
        else:
            job = Job.load(ledger, settings, run_id, host)
        with job.held():
            # Not before: a run that another process works on may be at its end by the time of the retry.
            job.bind_flow(flow_run_id)
            with _noting(Hosted(job)) as begun:
                yield begun


def _log(sentence: str) -> None:
    """A sentence for a person, in the log of the flow run."""
    with suppress(MissingContextError):  # in a thread of the stages' own
        get_run_logger().info(mask_text(sentence))


@contextmanager
def _noting(hosted: Hosted) -> Iterator[Hosted]:
    try:
        yield hosted
    except BaseException as error:
        # Prefect's signals (cancelled, worker shut down) are no Exceptions: the run was interrupted and can be resumed.
        if hosted.error is None:
            hosted.error = error if isinstance(error, SsprError) else Stopped("Interrupted.")
        hosted.close()
        raise


@contextmanager
def _orderly_sigterm(handler: Any) -> Iterator[None]:
    """Puts the lender's handler back for a while: Prefect's own ends the process in the middle of a batch."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
