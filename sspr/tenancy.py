"""From a tenant's name to a tenant that answers: settings, sign-in, permissions; the built-in simulated one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sspr.errors import CannotStart
from sspr.ledger import Ledger
from sspr.model import Target
from sspr.settings import FILES, SIMULATED, Settings, TenantSettings, home

if TYPE_CHECKING:
    from sspr.tenant.graph import Tenant

SIMULATED_SECRET = "SSPR_SIMULATED_SECRET"


class Tenancy:
    """The tenants that the settings name, and `simulated`, which is always there."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings = settings
        self._ledger = ledger
        self._open = ExitStack()

    def check(self, name: str) -> None:
        """Raises `CannotStart` where the settings of the tenant cannot work: before a run is opened."""
        tenant = self._settings.tenants.get(name)
        if tenant is None:
            return
        try:
            tenant.require_credential()
        except CannotStart as error:
            raise CannotStart(f"The tenant {name}: {error}") from None
        for key in FILES:
            path: Path | None = getattr(tenant, key)
            if path is not None and not path.is_file():
                raise CannotStart(f"The file that {key} of the tenant {name} names does not exist: {path}.")

    def connect(
        self,
        name: str,
        batch_size: int,
        upns: Iterable[str],
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        cancelled: threading.Event,
        on_wait: Callable[[float, str], None],
    ) -> Tenant:
        """Signs in. For the built-in simulated tenant, starts it first, with accounts for `upns`.

        Raises `SsprError` with what is wrong and what to do.
        """
        from sspr.tenant.graph import Tenant

        settings = self._settings.tenants.get(name) or self._simulate(upns)
        tenant = Tenant.connect(
            settings, self._ledger, batch_size=batch_size, clock=clock, sleep=sleep, cancelled=cancelled,
            on_wait=on_wait,
        )  # fmt: skip
        return self._open.enter_context(tenant)

    def require(
        self,
        tenant: Tenant,
        target: Target,
        enable_feature: bool,
        *,
        writes: bool = True,
        tell: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        """Raises `CannotStart` where a permission, or the directory role, that the run needs is surely missing.

        `writes`: False for a run that only plans. `tell` gets a sentence where the directory role is in doubt, or
        reaches some administrators only: such a run goes on.
        """
        from sspr.tenant import granting, inspection
        from sspr.tenant.directory_roles import Reach
        from sspr.tenant.permissions import needed

        wanted = needed("run" if writes else "plan", target, enable_feature=enable_feature)
        missing = inspection.missing(tenant, wanted)
        roles = inspection.directory_roles(tenant, tenant.identity) if writes and target.contact else None
        if roles is not None and roles.reach is Reach.NONE:
            missing = replace(missing, role=True)
        if missing:
            raise CannotStart(granting.refusal(missing, tenant.identity))
        if roles is not None and granting.caution(roles):
            tell(granting.caution(roles))

    def close(self) -> None:
        """Lets go of the tenant, and ends the simulated one if it was started here."""
        self._open.close()

    def _simulate(self, upns: Iterable[str]) -> TenantSettings:
        """The simulated tenant in this process: the sample's accounts, and one for every other account asked for."""
        from sspr.rehearsal import rehearsal_state
        from sspr.simulated.server import SimulatedTenant

        folder = home() / SIMULATED
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / "tenant.json"
        server = self._open.enter_context(
            SimulatedTenant(rehearsal_state(file, upns), folder=folder, state_file=file)
        )
        os.environ[SIMULATED_SECRET] = server.secret
        return TenantSettings(
            tenant_id=server.tenant_id,
            client_id=server.client_id,
            credential="secret",
            secret_env=SIMULATED_SECRET,
            graph_url=server.graph_url,
            login_url=server.login_url,
            ca_file=server.ca_file,
        )
