"""The tenant-wide flag as a Prefect task: looked at, or changed and read back, and told in an artifact."""

from __future__ import annotations

import threading
import time
from contextlib import closing, suppress

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from sspr.ledger import Ledger
from sspr.report.words import FLAG_MEANING
from sspr.settings import home, load_settings
from sspr.stages.feature import set_feature
from sspr.tenancy import Tenancy
from tasks.errors import told


@task(name="flag", task_run_name="flag", cache_policy=NO_CACHE, persist_result=False)
def change_flag(tenant: str | None, wanted: bool | None) -> bool:
    """The flag of the tenant (None: the default one) after it was made `wanted`, where that is not None.

    Raises `StageError`.
    """
    try:
        name, before, after = _change(tenant, wanted)
    except Exception as error:  # noqa: BLE001 - Prefect would store the text of any
        failure = told(error)
    else:
        with suppress(Exception):  # a display that fails must not make the run fail
            was = "" if before is after else f" (it was {'on' if before else 'off'} before)"
            create_markdown_artifact(
                key="sspr-flag",
                markdown=f"**{name}: the flag is {'on' if after else 'off'}{was}.**\n\n{FLAG_MEANING}\n",
                description=f"The flag of the tenant {name}",
            )
        return after
    # Raised out here, it carries no other exception along.
    raise failure


def _change(tenant: str | None, wanted: bool | None) -> tuple[str, bool, bool]:
    settings = load_settings()
    name = settings.tenant_name(tenant)
    with closing(Ledger.open(settings.ledger.url, home())) as ledger:
        tenancy = Tenancy(settings, ledger)
        tenancy.check(name)
        with closing(tenancy):
            graph = tenancy.connect(
                name, 20, (), time.time, time.sleep, threading.Event(), lambda _seconds, _why: None
            )
            if wanted is None:
                before = after = graph.feature()
            else:
                before, after = set_feature(graph, wanted, time.time, time.sleep), wanted
    return name, before, after
