"""The flow `onboard`: CSV files in, every row judged, the tenant compared, written and read back, a report left."""

# No `from __future__ import annotations` here: `flow.serve` cannot build the form from postponed annotations.

from pathlib import Path
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.runtime import flow_run
from prefect.states import Completed
from pydantic import Field

from sspr.errors import CannotStart
from sspr.job import JobRequest
from sspr.model import Target
from sspr.report.text import one_line
from sspr.settings import Settings
from sspr.stages.context import Options
from sspr.stages.limits import parse_max_failures
from sspr.stages.steps import Step
from tasks.artifacts import Progress, ProgressArtifact
from tasks.errors import told
from tasks.hosting import hosted
from tasks.stages import carry_out, summarise


@flow(name="onboard", persist_result=False)
def onboard(
    files: Annotated[list[str], Field(min_length=1)],
    tenant: str | None = None,
    default_country: Annotated[str, Field(pattern="^[A-Za-z]{2}$")] | None = None,
    target: Literal["both", "contact", "methods"] | None = None,
    enable_feature: bool = False,
    approval: Literal["policy", "required", "none"] = "policy",
    max_failures: Annotated[str, Field(pattern="^[0-9]+%?$")] | None = None,
    out: str | None = None,
) -> Any:
    """Brings the administrators of CSV files to self-service password reset, row by row.

    A run that failed or was ended goes on where it was when it is retried: the ledger in `SSPR_HOME` on the machine of
    the worker knows what is left. What became of each row lies in the output folder there; Prefect is told counts only.

    Args:
        files: Paths of the CSV files as the worker sees them, best absolute.
        tenant: A name in the worker's tenants.toml, or `simulated`. By default the one that it calls default.
        default_country: ISO 3166 code: the region of phone numbers written without one, where the row names no country.
        target: Where to write: the contact properties, the registered methods, or both. By default as the settings say.
        enable_feature: Turn the flag "administrators may use self-service password reset" on if it is off.
        approval: Whether a person is asked between plan and writing. `policy`: as the tenant's settings say.
        max_failures: Stop once more rows than this have failed: a number, or a share such as `5%`.
        out: The output folder as the worker sees it. By default `runs/` and the run's id, in the worker's folder.
    """

    def request(settings: Settings) -> JobRequest:
        name = settings.tenant_name(tenant)
        configured = settings.tenants[name].approval if name in settings.tenants else "none"
        if approval == "required" or (approval == "policy" and configured == "required"):
            raise CannotStart(
                f"Approval is asked for (the run's parameters, or the settings of the tenant {name}), and a run in "
                "Prefect cannot ask yet. Use `sspr run` at a terminal, or `sspr plan` and `sspr apply`."
            )
        parse_max_failures(max_failures, 100)
        options = Options(
            default_country=default_country, enable_feature=enable_feature, max_failures=max_failures
        )
        where = Path(out) if out else None
        return JobRequest("run", tuple(files), name, Target(target) if target else None, options, where)

    try:
        return _carry_out(str(flow_run.id), request)
    except Exception as error:  # noqa: BLE001 - Prefect would store the text of any
        failure = told(error)
    raise failure


def _carry_out(flow_run_id: str, request: Any) -> Any:
    progress = Progress(ProgressArtifact())

    def take(step: Step) -> None:
        carry_out(work, step)
        progress.passed(step)

    with hosted(flow_run_id, request) as work:
        work.job.carry_out(take, work.approve)
        report = summarise(work)
    progress.end(one_line(report))
    return Completed(
        message=one_line(report), name="NeedsPeople" if report["exit_code"] == 1 else "Completed"
    )
