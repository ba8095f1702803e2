"""Who writes to which administrator: two runs of one tenant work side by side as long as these are not the same.

A run claims a chunk of its rows right before it sends their writes: all of them, or none and nothing is sent. So an
administrator is claimed by a run where one of its rows in a claimed chunk names them, and is not at its end yet. A
claim is as good as the lease of its run (`sspr.ledger.leases`): that of a run whose process was killed, or that has
come to its end, stands in nobody's way. Nothing is renewed and nothing is released row by row, so that claiming costs a
chunk one short transaction, in which the accounts are not even looked at while no other run is at work.

What another run has written meanwhile is not what the rows were compared with. So a claim tells which accounts another
run had in its hands a short while ago, and they are compared anew; what a run had claimed is remembered after its end
for longer than a comparison is relied on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from sspr.errors import Busy
from sspr.ledger.leases import Clock, Holder, living
from sspr.ledger.schema import claim, row, standing
from sspr.ledger.states import RowState

# By how much the clocks of machines that share a ledger may differ.
SKEW_SECONDS = 60.0

_OPEN = [RowState.PLANNED.value, RowState.WRITING.value]


class Claims:
    """What the run `run_id` claims. `clock` is that of the leases."""

    def __init__(self, engine: sa.Engine, run_id: str, clock: Clock) -> None:
        self._engine = engine
        self._run_id = run_id
        self._clock = clock
        self._told: set[str] = set()

    def take(self, scope: str, first: int, last: int, since: float) -> frozenset[str]:
        """Claims the rows `first` to `last`, which are about to be written; `scope` is their tenant.

        Returns the ids of those of their accounts that another run may have written to at the moment `since` or later;
        each is told once, for from then on no other run writes to it. Raises `Busy`, and claims nothing, where a living
        run has not come to the end with some of them.
        """
        turn = f"claims {scope}"
        while True:
            with self._engine.begin() as connection:
                # One at a time: two runs that cannot see each other's claims yet would both have them.
                query = sa.select(standing.c.name).where(standing.c.name == turn).with_for_update()
                if connection.scalar(query):
                    return self._take(connection, scope, (first, last), since - SKEW_SECONDS)
            self._make_turn(turn)

    def _make_turn(self, name: str) -> None:
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(standing).values(name=name, text=""))
        except IntegrityError:
            pass  # another made it

    def _take(
        self, connection: sa.Connection, scope: str, rows: tuple[int, int], since: float
    ) -> frozenset[str]:
        theirs = sa.select(claim).where(claim.c.scope == scope, claim.c.run_id != self._run_id)
        theirs = theirs.where(claim.c.freed.is_(None) | (claim.c.freed >= since))
        others = connection.execute(theirs.order_by(claim.c.run_id, claim.c.at)).all()
        moved: frozenset[str] = frozenset()
        if others:
            mine = self._accounts(connection, [(self._run_id, *rows)])
            self._refuse_living(connection, others, mine)
            moved = (mine & self._accounts(connection, _lately(others, since))) - self._told
            self._told |= moved
        here = (claim.c.run_id == self._run_id) & (claim.c.first == rows[0])
        values = {"last": rows[1], "scope": scope, "at": self._clock(), "freed": None}
        if not connection.execute(sa.update(claim).where(here).values(**values)).rowcount:
            connection.execute(sa.insert(claim).values(run_id=self._run_id, first=rows[0], **values))
        return moved

    def _refuse_living(
        self, connection: sa.Connection, others: Sequence[sa.Row[Any]], mine: frozenset[str]
    ) -> None:
        """Raises `Busy` where a run that lives has open rows, among those it claimed, for one of these accounts."""
        held = [each for each in others if each.freed is None]
        busy: dict[str, Holder] = {}
        accounts: set[str] = set()
        for run_id, holder in living(connection, {each.run_id for each in held}, self._clock()).items():
            claimed = [(run_id, each.first, each.last) for each in held if each.run_id == run_id]
            theirs = mine & self._accounts(connection, claimed, _OPEN)
            if theirs:
                busy[run_id] = holder
                accounts |= theirs
        if busy:
            runs = " and run ".join(
                f"{run_id}, by process {holder}," for run_id, holder in sorted(busy.items())
            )
            verb = "is" if len(busy) == 1 else "are"
            raise Busy(
                f"Run {runs} {verb} working on {len(accounts)} of these administrators.",
                f"Wait for its end, then sspr resume {self._run_id}.",
            )

    def _accounts(
        self,
        connection: sa.Connection,
        chunks: Sequence[tuple[str, int, int]],
        states: Sequence[str] | None = None,
    ) -> frozenset[str]:
        """The accounts of these rows, by run, first and last; of those in one of `states`."""
        found: set[str] = set()
        for run_id, first, last in chunks:
            query = sa.select(row.c.account_id).where(row.c.run_id == run_id, row.c.seq.between(first, last))
            if states is not None:
                query = query.where(row.c.state.in_(states))
            found.update(connection.scalars(query))
        return frozenset(found - {""})


def _lately(claims: Sequence[sa.Row[Any]], since: float) -> list[tuple[str, int, int]]:
    """Those chunks that a run may have written to since then: it writes to one until it claims the next, or ends.
    `claims`: by run, in the order in which they were made.
    """
    following = [*claims[1:], None]
    lately = []
    for each, after in zip(claims, following, strict=True):
        ended = after.at if after is not None and after.run_id == each.run_id else each.freed
        if ended is None or ended >= since:
            lately.append((each.run_id, each.first, each.last))
    return lately
