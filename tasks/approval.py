"""The question between plan and writing, in Prefect: the flow run suspends, and a person answers in the UI.

A suspended flow run holds no process. Once it is answered its body begins at its first line, the run goes on in the
ledger where it stood, and comes here again. What a question is about, its id says: the ledger keeps it with the digest
of the plan, so that an answer counts for the plan that it was given for and for no other, and for one time only.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import deployment
from pydantic import Field, ValidationError

from sspr.errors import CannotStart, Stopped
from sspr.masking import mask_text
from sspr.settings import TenantSettings, load_settings
from sspr.stages import approval
from sspr.stages.planned import survey
from tasks.artifacts import publish_plan

if TYPE_CHECKING:
    from sspr.job import Job
    from sspr.stages.planned import Plan
    from tasks.hosting import Hosted

# A question that nobody answers for a week fails its flow run; a retry asks anew.
PATIENCE_SECONDS = 7 * 24 * 3600

NO_DEPLOYMENT = (
    "This flow run has no deployment, and Prefect can suspend no other to ask: start it from the deployment "
    "`onboard/onboard`, or use `sspr run` at a terminal."
)
WAITING = "It waits for approval in Prefect: resume the flow run there, with an answer."


class Answer(RunInput):
    """What the person is asked for. Nothing has a default: an answer without a choice must not pass."""

    approve: bool = Field(
        title="Approve", description="True: write this plan. False: write nothing; the plan is kept."
    )
    approver: str = Field(
        title="Approver",
        description="Your name, for the record.",
        min_length=1,
        max_length=200,
        pattern=r"\S",
    )


def require_deployment(wanted: str, tenant: TenantSettings | None) -> None:
    """Raises `CannotStart` where a person is to be asked in any case, and the flow run cannot be suspended.

    `wanted`: the flow's parameter `approval`; `tenant`: its settings, None for the built-in simulated one.
    """
    if approval.rules_for(wanted, tenant).always and deployment.id is None:
        raise CannotStart(f"Approval is asked for. {NO_DEPLOYMENT}")


def asking(work: Hosted, wanted: str) -> Callable[[], bool | None] | None:
    """What the job asks between plan and writing. None: nobody is asked, whatever the plan is.

    `wanted`: the flow's parameter `approval`. A command that has lent its run to the flow asks by itself.
    """
    if work.lent:
        return work.approve
    rules = approval.rules_for(wanted, load_settings().tenants.get(work.job.record.tenant))
    if rules.never:
        return None

    def ask() -> bool | None:
        if (
            work.job.options.approved
        ):  # by the answer to this run's own question, before it was taken up again
            return None
        plan = survey(work.job.run)
        why = approval.why_asked(rules, plan)
        return _ask(work, plan, why) if why else None

    return ask


def _ask(work: Hosted, plan: Plan, why: str) -> bool:
    """The answer. Leaves by Prefect's `Pause` where there is none yet: the flow run is suspended then.

    Raises `CannotStart` where it cannot be suspended; the plan is kept.
    """
    job = work.job
    if deployment.id is None:
        job.adopt("plan", approved=False)
        raise CannotStart(
            f"{why} {NO_DEPLOYMENT} The plan is kept: `sspr apply {job.id}` at a terminal carries it out."
        )
    page = approval.page(plan, _heading(job, why), job.folder, _sources(job))
    form = Answer.with_initial_data(description=f"{page}\n`approve`: true writes this plan, false keeps it.")
    work.error = Stopped(WAITING)  # what the report says, should this process leave here
    while True:
        question = _question(job, plan.digest, page)
        try:
            answer = suspend_flow_run(
                wait_for_input=form, key=f"approve-{question}", timeout=PATIENCE_SECONDS
            )
        except ValidationError:
            # Asked before, and the time was over without an answer (or a process died between the question and its
            # form). Prefect would not ask again under the same key.
            job.note({}, question="")
            continue
        except RuntimeError:
            raise Stopped(
                "Prefect did not suspend the flow run, so nobody could be asked. Retry it."
            ) from None
        work.error = None
        job.approver = answer.approver.strip()
        return answer.approve


def _question(job: Job, digest: str, page: str) -> str:
    """The id of the open question about this plan: the one that was asked already, or a new one."""
    if not job.options.question or job.options.digest != digest:
        with suppress(Exception):  # a display that fails must not stand in the way
            publish_plan(job.id, page)
        job.note({}, question=secrets.token_hex(6), digest=digest)
    return job.options.question


def _heading(job: Job, why: str) -> str:
    flag = f" The tenant's flag would be turned {job.turns_flag}." if job.turns_flag else ""
    return f"Run `{job.id}`, tenant `{job.record.tenant}`, target `{job.record.target.value}`. {why}{flag}"


def _sources(job: Job) -> dict[int, str]:
    return {source.number: mask_text(source.name) for source in job.run.sources()}
