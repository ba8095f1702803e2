"""The ledger: all runs in one database, where the limits that processes share stand, and who works on a run."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from sspr.ledger import leases
from sspr.ledger.claims import Claims
from sspr.ledger.engine import open_engine
from sspr.ledger.history import History
from sspr.ledger.leases import Clock, Wait
from sspr.ledger.run import RunLedger
from sspr.ledger.schema import flow_run, run, source, standing
from sspr.model import Target

_T = TypeVar("_T")


def new_run_id(now: float) -> str:
    """An id for a run that begins `now` (seconds since the epoch): the moment in UTC, and chance."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{secrets.token_hex(3)}"


class Ledger:
    """The database of all runs. Also the `Standings` of the pacer: processes that share it share the limits."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str | None, home: Path) -> Ledger:
        """The ledger at `url`, by default the SQLite file in `home`. Raises `CannotStart`."""
        return cls(open_engine(url, home))

    def close(self) -> None:
        """Gives the connections back."""
        self._engine.dispose()

    # -- runs -------------------------------------------------------------------------------------

    def new_run(
        self,
        run_id: str,
        command: str,
        tenant: str,
        target: Target,
        options: Mapping[str, Any],
        files: Sequence[tuple[Path, str]],
        out: Path,
        who: str,
        now: float,
    ) -> RunLedger:
        """Opens a run. `files`: absolute path and the name under which it was given; `out`: its output folder."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.insert(run).values(
                    id=run_id,
                    command=command,
                    tenant=tenant,
                    target=target.value,
                    options=dict(options),
                    out=str(out.absolute()),
                    who=who,
                    started_at=now,
                    ended=False,
                    stopped_because="",
                    judged=False,
                    traffic={},
                )
            )
            for number, (path, name) in enumerate(files):
                values = {"run_id": run_id, "number": number, "path": str(path), "name": name, "rows": 0}
                connection.execute(sa.insert(source).values(**values))
        return RunLedger(self._engine, run_id)

    def run(self, run_id: str) -> RunLedger:
        """The run of that id. Raises `LookupError` where there is none."""
        found = RunLedger(self._engine, run_id)
        found.record()
        return found

    def run_ids(self) -> list[str]:
        """All runs, the newest first."""
        with self._reading() as connection:
            return list(
                connection.scalars(sa.select(run.c.id).order_by(run.c.started_at.desc(), run.c.id.desc()))
            )

    def last_open_run(self) -> str | None:
        """The newest run that has not ended and that writes (`check` and `plan` are simply done again)."""
        query = sa.select(run.c.id).where(run.c.ended.is_(False)).order_by(run.c.started_at.desc())
        with self._reading() as connection:
            found: str | None = connection.scalars(query.limit(1)).first()
        return found

    def open_runs(self, command: str, tenant: str, target: Target) -> list[RunLedger]:
        """The runs of such a request that have not ended, the newest first."""
        alike = (run.c.command == command) & (run.c.tenant == tenant) & (run.c.target == target.value)
        query = sa.select(run.c.id).where(alike, run.c.ended.is_(False)).order_by(run.c.started_at.desc())
        with self._reading() as connection:
            return [RunLedger(self._engine, run_id) for run_id in connection.scalars(query)]

    def run_by_folder(self, folder: Path) -> str | None:
        """The newest run whose output folder this is."""
        query = (
            sa.select(run.c.id).where(run.c.out == str(folder.absolute())).order_by(run.c.started_at.desc())
        )
        with self._reading() as connection:
            found: str | None = connection.scalars(query.limit(1)).first()
        return found

    def run_of_flow(self, flow_run_id: str) -> str | None:
        """The run that a Prefect flow run works on."""
        with self._reading() as connection:
            found: str | None = connection.scalar(
                sa.select(flow_run.c.run_id).where(flow_run.c.id == flow_run_id)
            )
        return found

    def bind_flow(self, flow_run_id: str, run_id: str) -> str:
        """Binds a flow run to a run, once: a retried flow run finds the run it began. Returns the bound run."""
        self._insert_unless_there(flow_run, id=flow_run_id, run_id=run_id)
        return self.run_of_flow(flow_run_id) or run_id

    @property
    def history(self) -> History:
        """All runs as a record, and the forgetting of what is in it."""
        return History(self._engine)

    # -- the limits that processes share ------------------------------------------------------------

    def change(
        self, names: Sequence[str], step: Callable[[Mapping[str, str]], tuple[Mapping[str, str], _T]]
    ) -> _T:
        """One atomic step over the standings of some quotas. `step` is given their texts, empty where there is none
        yet, and returns those that it changed, and its result. It may be called again where one had to be made first.
        """
        query = sa.select(standing.c.name, standing.c.text).where(standing.c.name.in_(names))
        while True:
            with self._engine.begin() as connection:
                # Locked in the order of their names, so that two processes cannot wait for each other.
                locked = connection.execute(query.order_by(standing.c.name).with_for_update())
                texts = {each.name: each.text for each in locked}
                missing = [name for name in names if name not in texts]
                if not missing:
                    changed, result = step(texts)
                    for name, text in changed.items():
                        here = standing.c.name == name
                        connection.execute(sa.update(standing).where(here).values(text=text))
                    return result
            for name in missing:
                self._insert_unless_there(standing, name=name, text="")

    def read(self, names: Sequence[str]) -> dict[str, str]:
        """The standings of these quotas as they are, empty where there is none yet."""
        query = sa.select(standing.c.name, standing.c.text).where(standing.c.name.in_(names))
        with self._reading() as connection:
            found = {each.name: each.text for each in connection.execute(query)}
        return {name: found.get(name, "") for name in names}

    def _insert_unless_there(self, table: sa.Table, **values: Any) -> bool:
        """Whether the row was made. Where another thread or process was quicker, theirs stays."""
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(table).values(**values))
        except IntegrityError:
            return False
        return True

    # -- who works on what ------------------------------------------------------------------------

    def leased(
        self,
        name: str,
        clock: Clock = time.time,
        wait: Wait | None = None,
        on_lost: Callable[[str], None] = lambda _why: None,
    ) -> AbstractContextManager[None]:
        """Holds the run `name` while the block runs: see `sspr.ledger.leases.leased`."""
        return leases.leased(self._engine, name, clock, wait, on_lost)

    def claims(self, run_id: str, clock: Clock = time.time) -> Claims:
        """What that run claims among the administrators of its tenant."""
        return Claims(self._engine, run_id, clock)

    def _reading(self) -> Any:
        return self._engine.connect().execution_options(reading=True)
