"""The flow `undo`: what a run changed is put back, where nobody has changed it since."""

# No `from __future__ import annotations` here: `flow.serve` cannot build the form from postponed annotations.

from contextlib import closing
from typing import Annotated, Any

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from sspr.job import Host, Job, JobRequest
from sspr.ledger import Ledger
from sspr.settings import Settings, home
from tasks.approval import require_deployment
from tasks.errors import told
from tasks.form import Tenant, titled
from tasks.hosting import Hosted, hosted
from tasks.whole import carry_through, counts_of


@flow(name="undo", persist_result=False)
def undo(
    run_id: Annotated[
        str, Field(min_length=1, pattern=r"\S"), titled("Run to undo", "20261123-142501-1f00ab")
    ],
    tenant: Annotated[Tenant | None, titled("Tenant")] = None,
) -> Any:
    """Puts back what a run changed, property by property, where nobody has changed it since.

    It is a run of its own, with a report of its own, and asks for approval where the tenant's settings do. One that
    failed or was ended goes on where it was when it is retried.

    Args:
        run_id: The id of the run to undo, as its report names it, or its output folder as the worker sees it.
        tenant: The tenant of that run, to make sure. By default it is not compared.
    """

    def request(settings: Settings) -> JobRequest:
        with closing(Ledger.open(settings.ledger.url, home())) as ledger:
            wanted = Job.load(ledger, settings, run_id.strip(), Host()).undoing(tenant, None)
        require_deployment("policy", settings.tenants.get(wanted.tenant))
        return wanted

    work: Hosted | None = None
    try:
        with hosted(str(flow_run.id), request) as work:
            return carry_through(work, "policy", "undo")
    except Exception as error:  # noqa: BLE001 - Prefect would store the text of any
        failure = told(error, counts_of(work))
    raise failure
