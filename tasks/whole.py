"""A run from its first task run to its final state, as every flow that carries one out ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.states import Completed

from sspr.masking import mask_text
from sspr.report.text import one_line
from sspr.stages.approval import Refused
from tasks.approval import asking
from tasks.artifacts import Progress, ProgressArtifact, publish_summary
from tasks.stages import carry_out, summarise

if TYPE_CHECKING:
    from sspr.stages.steps import Step
    from tasks.hosting import Hosted


def carry_through(work: Hosted, approval: str, command: str) -> Any:
    """Takes the run through its steps and tells how it ended: the final state of the flow run.

    `approval`: the flow's parameter; `command`: what the flow's runs are. Raises what stopped the run.
    """
    progress = Progress(ProgressArtifact())

    def take(step: Step) -> None:
        carry_out(work, step)
        progress.passed(step)

    if work.job.record.command == "plan":  # it was refused, and the flow run is retried: it is asked anew
        work.job.adopt(command, approved=False)
    try:
        work.job.carry_out(take, asking(work, approval))
    except Refused as refused:
        if work.lent:
            raise
        work.error = refused
        progress.end(one_line(summarise(work)))
        return Completed(name="Refused", message=f"{refused} Refused by {mask_text(work.job.approver)}.")
    report = summarise(work)
    progress.end(one_line(report))
    return Completed(
        message=one_line(report), name="NeedsPeople" if report["exit_code"] == 1 else "Completed"
    )


def counts_of(work: Hosted | None) -> str:
    """The counts of a run that did not come to its end, published too; empty where none was begun."""
    if work is None or work.report is None:
        return ""
    return one_line(publish_summary(work.report))
