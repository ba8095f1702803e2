"""The one door for rows, and the one for writes: nothing moves from where `states` does not let it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import sqlalchemy as sa

from sspr.ledger.schema import change, row
from sspr.ledger.states import CHANGE_MOVES, MOVES, ChangeState, RowState
from sspr.model import ChangeKind

_Key = TypeVar("_Key")
_State = TypeVar("_State", RowState, ChangeState)


class MovedWronglyError(RuntimeError):
    """A row or a write was to move from where it may not: a fault of the program, never of the data."""


def move_rows(
    connection: sa.Connection, run_id: str, moves: Iterable[tuple[int, RowState, dict[str, Any]]]
) -> None:
    """Moves rows of the run by `MOVES`, setting columns as they go. Raises `MovedWronglyError`."""
    for state, group in _alike(moves):
        may = sa.or_(*(row.c.state == origin.value for origin, goals in MOVES.items() if state in goals))
        here = (row.c.run_id == run_id) & (row.c.seq == sa.bindparam("at_seq")) & may
        update = sa.update(row).where(here).values(state=state.value)
        moved = connection.execute(update, [{"at_seq": seq, **values} for seq, values in group])
        if moved.rowcount != len(group):
            raise MovedWronglyError(f"{len(group)} rows of run {run_id} cannot all become {state.value}")


def move_changes(
    connection: sa.Connection,
    run_id: str,
    moves: Iterable[tuple[tuple[int, ChangeKind], ChangeState, dict[str, Any]]],
    *,
    attempt: bool = False,
) -> None:
    """Moves writes of the run by `CHANGE_MOVES`; `attempt` counts one more sending of each. Raises
    `MovedWronglyError`.
    """
    for state, group in _alike(moves):
        origins = (origin for origin, goals in CHANGE_MOVES.items() if state in goals)
        may = sa.or_(*(change.c.state == origin.value for origin in origins))
        here = (change.c.run_id == run_id) & (change.c.seq == sa.bindparam("at_seq"))
        update = sa.update(change).where(here, change.c.kind == sa.bindparam("at_kind"), may)
        update = update.values(state=state.value)
        if attempt:
            update = update.values(attempts=change.c.attempts + 1)
        rows = [{"at_seq": seq, "at_kind": kind.value, **values} for (seq, kind), values in group]
        moved = connection.execute(update, rows)
        if moved.rowcount != len(group):
            raise MovedWronglyError(f"{len(group)} writes of run {run_id} cannot all become {state.value}")


def _alike(
    moves: Iterable[tuple[_Key, _State, dict[str, Any]]],
) -> Iterator[tuple[_State, list[tuple[_Key, dict[str, Any]]]]]:
    """Moves grouped by where they go and by the columns they set: one statement for each group."""
    groups: dict[tuple[_State, frozenset[str]], list[tuple[_Key, dict[str, Any]]]] = {}
    for key, state, values in moves:
        groups.setdefault((state, frozenset(values)), []).append((key, values))
    for (state, _), group in groups.items():
        yield state, group
