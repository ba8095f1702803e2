"""What Prefect's UI shows of a run beside its states: one progress bar, one page of counts. Never contact data."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from sspr.report.text import summary_markdown
from sspr.report.write import HTML
from sspr.stages.report import how_to_mend
from sspr.stages.steps import Stage, Step

if TYPE_CHECKING:
    from sspr.report.content import Report

# Each update costs the server 10 to 30 ms and a row of its events.
SECONDS_BETWEEN = 2.0
# After a failed one: the client has been patient already, and the rows must not wait for a display.
SECONDS_AFTER_FAILURE = 60.0

# How far each stage takes the bar, in percent, from where to where: about what it costs of Graph's limits.
SPANS = {
    Stage.CHECK: (0, 5),
    Stage.COMPARE: (5, 20),
    Stage.VERIFY: (5, 20),  # of a run that is taken up again
    Stage.APPLY: (20, 95),
    Stage.SETTLE: (95, 98),
}


class Progress:
    """The progress of one run. It never goes back: a run that is taken up again verifies before it applies.

    `show(percent, what)` shows it; it may raise, and is then left alone for a while.
    """

    def __init__(
        self, show: Callable[[float, str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bar = show
        self._clock = clock
        self._not_before = 0.0
        self._percent = 0.0

    def passed(self, step: Step) -> None:
        """A step is done; shown where the last showing is long enough ago."""
        first, last = SPANS.get(step.stage, (0, 0))
        share = step.chunk.number / step.chunk.of if step.chunk else 1.0
        self._percent = max(self._percent, first + (last - first) * share)
        if self._clock() >= self._not_before:
            self._show(f"{step.name} is done")

    def end(self, what: str) -> None:
        """The bar's last word."""
        self._percent = 100.0
        self._show(what)

    def _show(self, what: str) -> None:
        wait = SECONDS_BETWEEN
        try:
            self._bar(self._percent, what)
        except Exception:  # noqa: BLE001 - a display that fails must not stop the writing of rows
            wait = SECONDS_AFTER_FAILURE
        self._not_before = self._clock() + wait


class ProgressArtifact:
    """A progress bar among the artifacts of the flow run in whose body it is made."""

    def __init__(self) -> None:
        self._id: UUID | None = None

    def __call__(self, percent: float, what: str) -> None:
        """Makes or moves the bar."""
        if self._id is None:
            made = create_progress_artifact(progress=percent, description=what)
            self._id = made if isinstance(made, UUID) else None
        else:
            update_progress_artifact(self._id, progress=percent, description=what)


def publish_summary(report: Report) -> Report:
    """Publishes the page of counts under the run's id, the table of reasons, and where the report lies; returns the
    report that they show.
    """
    run_id = report["run_id"]
    with suppress(
        Exception
    ):  # the rows are where they are to be; a display that fails must not make the run fail
        create_markdown_artifact(
            key=f"sspr-{run_id}",
            markdown=summary_markdown(report, how_to_mend),
            description=f"What became of the rows of run {run_id}",
        )
        if codes := _codes(report):
            create_table_artifact(
                key=f"sspr-{run_id}-reasons",
                table=codes,
                description="Why rows need a person, and what was warned of",
            )
        create_link_artifact(
            key=f"sspr-{run_id}-report",
            link=(Path(report["folder"]) / HTML).as_uri(),
            link_text=f"{HTML} of run {run_id}, on the machine of the worker",
            description=f"The report with every row: {report['folder']}",
        )
    return report


def publish_plan(run_id: str, page: str) -> None:
    """Publishes the plan that a person is asked about; `page` is Markdown without contact data."""
    create_markdown_artifact(
        key=f"sspr-{run_id}-plan", markdown=page, description=f"What run {run_id} would write"
    )


def _codes(report: Report) -> list[dict[str, Any]]:
    """The rows of the table: reasons first, the most frequent first."""
    kinds = (("needs a person", report["reasons"]), ("warning", report["warnings"]))
    return [
        {"rows": count, "code": code, "kind": kind, "what to do": how_to_mend(code)}
        for kind, codes in kinds
        for code, count in codes.items()
    ]
