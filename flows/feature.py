"""The flow `feature`: the tenant-wide flag "administrators may use self-service password reset"."""

# No `from __future__ import annotations` here: `flow.serve` cannot build the form from postponed annotations.

from typing import Annotated, Any, Literal

from prefect import flow
from prefect.states import Completed

from tasks.errors import told
from tasks.flag import change_flag
from tasks.form import Tenant, titled


@flow(name="feature", persist_result=False)
def feature(
    tenant: Annotated[Tenant | None, titled("Tenant")] = None,
    action: Annotated[Literal["status", "enable", "disable"], titled("Action")] = "status",
) -> Any:
    """Looks at the tenant-wide flag "administrators may use self-service password reset", or turns it on or off.

    Args:
        tenant: A name in the worker's tenants.toml, or `simulated`. By default the one that it calls default.
        action: Look at the flag, turn it on, or turn it off. A change takes up to 60 minutes to take effect.
    """
    try:
        after = change_flag(tenant, {"status": None, "enable": True, "disable": False}[action])
    except Exception as error:  # noqa: BLE001 - Prefect would store the text of any
        failure = told(error)
    else:
        asks_for_a_person = action == "status" and not after
        return Completed(
            message=f"flag {'on' if after else 'off'}",
            name="NeedsPeople" if asks_for_a_person else "Completed",
        )
    raise failure
