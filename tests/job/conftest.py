"""A simulated tenant with some administrators, and a job against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sspr.ledger import Ledger
from sspr.settings import home
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.gateway import OnExchange
from sspr.simulated.samples import administrators
from sspr.simulated.server import SimulatedTenant
from sspr.simulated.state import State
from tests.protocol import Protocol

Serve = Callable[..., SimulatedTenant]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts simulated tenants, and ends them after the test. Every request and every answer is held against
    Microsoft's published schema.
    """
    servers: list[SimulatedTenant] = []
    protocol = Protocol()

    def start(
        state: State | None = None,
        behaviour: Behaviour | None = None,
        admins: int = 40,
        on_exchange: OnExchange | None = None,
    ) -> SimulatedTenant:
        def exchanged(*exchange: Any) -> None:
            protocol(*exchange)
            if on_exchange is not None:
                on_exchange(*exchange)

        state, behaviour = state or administrators(admins), behaviour or Behaviour(quotas=None)
        server = SimulatedTenant(state, behaviour, folder=tmp_path / "tenant", on_exchange=exchanged)
        servers.append(server.start())
        return server

    yield start
    for server in servers:
        server.stop()
    assert protocol.request_faults == []
    assert protocol.answer_faults == []


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """The ledger in the test's own `$SSPR_HOME`."""
    with closing(Ledger.open(None, home())) as opened:
        yield opened
