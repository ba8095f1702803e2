"""The flow `onboard`: CSV files in, every row judged, the tenant compared, written and read back, a report left."""

# No `from __future__ import annotations` here: `flow.serve` cannot build the form from postponed annotations.

from pathlib import Path
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from sspr.job import JobRequest
from sspr.model import Target
from sspr.settings import Approval, Settings
from sspr.stages.context import Options
from sspr.stages.limits import parse_max_failures
from tasks.approval import require_deployment
from tasks.errors import told
from tasks.form import Tenant, titled
from tasks.hosting import Hosted, hosted
from tasks.whole import carry_through, counts_of


@flow(name="onboard", persist_result=False)
def onboard(
    files: Annotated[list[str], Field(min_length=1), titled("Input files", ["/srv/hr/admins.csv"])],
    tenant: Annotated[Tenant | None, titled("Tenant")] = None,
    default_country: Annotated[
        Annotated[str, Field(pattern="^[A-Za-z]{2}$")] | None, titled("Default country", "US")
    ] = None,
    target: Annotated[Literal["both", "contact", "methods"] | None, titled("Target")] = None,
    enable_feature: Annotated[bool, titled("Turn the flag on")] = False,
    approval: Annotated[Approval, titled("Approval")] = "policy",
    max_failures: Annotated[
        Annotated[str, Field(pattern="^[0-9]+%?$")] | None, titled("Failures at most", "5%")
    ] = None,
    out: Annotated[str | None, titled("Output folder", "/srv/hr/runs/today")] = None,
) -> Any:
    """Brings the administrators of CSV files to self-service password reset, row by row.

    A run that failed or was ended goes on where it was when it is retried: the ledger in `SSPR_HOME` on the machine of
    the worker knows what is left. What became of each row lies in the output folder there; Prefect is told counts only.

    Args:
        files: Paths of the input files as the worker sees them, best absolute, or URLs of them. Never the data itself.
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
        require_deployment(approval, settings.tenants.get(name))
        parse_max_failures(max_failures, 100)
        options = Options(
            default_country=default_country, enable_feature=enable_feature, max_failures=max_failures
        )
        where = Path(out) if out else None
        return JobRequest("run", tuple(files), name, Target(target) if target else None, options, where)

    work: Hosted | None = None
    try:
        with hosted(str(flow_run.id), request) as work:
            return carry_through(work, approval, "run")
    except Exception as error:  # noqa: BLE001 - Prefect would store the text of any
        failure = told(error, counts_of(work))
    raise failure
