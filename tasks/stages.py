"""The stages of the job as Prefect tasks. A chunk of rows is a task run; what is left to do the ledger says.

No retries and no cached results: a stage that is repeated asks the ledger what is left, and it is the tenant's
client that waits and tries again, by the tenant's own answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.utilities.annotations import quote

from sspr.stages.steps import Stage, Step
from tasks.artifacts import publish_summary
from tasks.errors import told
from tasks.hosting import Hosted

if TYPE_CHECKING:
    from sspr.report.content import Report

T = TypeVar("T")

DESCRIPTIONS = {
    Stage.CHECK: "Reads the files and judges every row. Needs no tenant.",
    Stage.FLAG: "Reads the tenant's flag for administrators.",
    Stage.ENABLE: "Turns the tenant's flag for administrators on, if it is off, and reads it back.",
    Stage.DISABLE: "Turns the tenant's flag for administrators off again, if it is on, and reads it back.",
    Stage.COMPARE: "Reads the accounts of a chunk of rows and notes what each row would change.",
    Stage.APPLY: "Writes the changes of a chunk in batches, within the tenant's limits.",
    Stage.VERIFY: "Reads back what a chunk wrote.",
    Stage.SETTLE: "Reads again, with patience, what the tenant does not show yet.",
}


def carry_out(hosted: Hosted, step: Step) -> None:
    """Runs one step as a task run named like `apply 3/14`. Raises `StageError`."""
    # Quoted: Prefect would look through the job for results of other tasks.
    TASKS[step.stage](quote(hosted), step)


def summarise(hosted: Hosted) -> Report:
    """Writes the run's files and publishes the counts, as a task run. Raises `StageError`."""
    report: Report = REPORT(quote(hosted))
    return report


def _take(hosted: Hosted, step: Step) -> None:
    _sheltered(lambda: hosted.take(step))


def _report(hosted: Hosted) -> Report:
    return _sheltered(lambda: publish_summary(hosted.close()))


def _sheltered(action: Callable[[], T]) -> T:
    try:
        return action()
    except Exception as error:  # noqa: BLE001 - Prefect would store the text of any
        failure = told(error)
    # Raised out here, it carries no other exception along.
    raise failure


def _as_task(function: Callable[..., Any], name: str, run_name: str, description: str) -> Callable[..., Any]:
    decorate = task(
        name=name,
        task_run_name=run_name,
        description=description,
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    return decorate(function)


TASKS = {stage: _as_task(_take, str(stage), "{step.name}", DESCRIPTIONS[stage]) for stage in Stage}
REPORT = _as_task(_report, "report", "report", "Writes the run's files and publishes the counts.")
