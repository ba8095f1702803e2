"""Who had a run in hand, and what became of every sending of every write. Holds no contact data; never forgotten.

A sending is noted once it is known what became of it: with its answer; when the same process sends the write again
(`put_off`: Microsoft put it off, or it did not go out after all); or when a later look ends or plans it again without
an answer ever noted (`unanswered`: the process was killed, or cut off).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sspr.ledger.schema import attempt, change, session
from sspr.ledger.states import ChangeState
from sspr.model import ChangeKind

PUT_OFF = "put_off"
UNANSWERED = "unanswered"

Key = tuple[int, ChangeKind]


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One process that had the run in hand. `command`: that of the run then; `ended_at` None: it is at work, or was
    killed. Times in seconds since the epoch.
    """

    number: int
    who: str
    command: str
    began_at: float
    ended_at: float | None
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One sending of one write. `fate`: a `Fate`, `put_off` or `unanswered`."""

    seq: int
    kind: ChangeKind
    number: int
    sent_at: float | None
    answered_at: float | None
    fate: str
    status: int | None
    code: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class FaultTally:
    """An error that Graph answered to writes of the run: how often, and the request ids that support asks for."""

    status: int
    code: str
    times: int
    request_ids: tuple[str, ...]


class Trail:
    """The sessions and the attempts of the run `run_id`."""

    def __init__(self, engine: sa.Engine, run_id: str) -> None:
        self._engine = engine
        self._run_id = run_id

    def begin_session(self, who: str, command: str, now: float) -> int:
        """Notes that a process takes the run up. Returns the session's number."""
        last = sa.select(sa.func.max(session.c.number)).where(session.c.run_id == self._run_id)
        with self._engine.begin() as connection:
            number: int = (connection.scalar(last) or 0) + 1
            values = {"run_id": self._run_id, "number": number, "who": who, "command": command}
            connection.execute(sa.insert(session).values(**values, began_at=now))
        return number

    def end_session(self, number: int, exit_code: int | None, now: float) -> None:
        """Notes that the process let go of the run in order."""
        here = (session.c.run_id == self._run_id) & (session.c.number == number)
        with self._engine.begin() as connection:
            connection.execute(sa.update(session).where(here).values(ended_at=now, exit_code=exit_code))

    def sessions(self) -> list[SessionRecord]:
        """Who had the run in hand, in order."""
        columns = [column for column in session.columns if column.name != "run_id"]
        query = sa.select(*columns).where(session.c.run_id == self._run_id).order_by(session.c.number)
        with self._engine.connect().execution_options(reading=True) as connection:
            return [SessionRecord(**found) for found in connection.execute(query).mappings()]

    def attempts(self) -> list[AttemptRecord]:
        """Every sending whose end is known, row by row."""
        columns = [column for column in attempt.columns if column.name != "run_id"]
        query = sa.select(*columns).where(attempt.c.run_id == self._run_id)
        query = query.order_by(attempt.c.seq, attempt.c.kind, attempt.c.number)
        with self._engine.connect().execution_options(reading=True) as connection:
            found = connection.execute(query).mappings().all()
        return [AttemptRecord(**{**each, "kind": ChangeKind(each["kind"])}) for each in found]

    def fates(self) -> dict[str, int]:
        """How many sendings ended how, and how many of those that stand as sent have no answer yet (`unanswered`)."""
        ended = sa.select(attempt.c.fate, sa.func.count().label("times"))
        ended = ended.where(attempt.c.run_id == self._run_id)
        with self._engine.connect().execution_options(reading=True) as connection:
            found = {each.fate: each.times for each in connection.execute(ended.group_by(attempt.c.fate))}
            silent = sa.select(sa.func.count()).where(*_silent(self._run_id))
            found[UNANSWERED] = found.get(UNANSWERED, 0) + (connection.scalar(silent) or 0)
        return {fate: count for fate, count in found.items() if count}

    def faults(self) -> list[FaultTally]:
        """The errors that Graph answered to writes, the most frequent first."""
        query = sa.select(attempt.c.status, attempt.c.code, attempt.c.request_id)
        query = query.where(attempt.c.run_id == self._run_id, attempt.c.code.is_not(None))
        ids: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
        with self._engine.connect().execution_options(reading=True) as connection:
            for status, code, request_id in connection.execute(query.order_by(attempt.c.sent_at)):
                ids[status, code].append(request_id)
        told = [
            FaultTally(*fault, len(all_ids), tuple(dict.fromkeys(filter(None, all_ids))))
            for fault, all_ids in ids.items()
        ]
        return sorted(told, key=lambda tally: -tally.times)


def unanswered(connection: sa.Connection, run_id: str, keys: Sequence[Key]) -> list[Key]:
    """Those of the writes that stand as sent without an answer."""
    if not keys:
        return []
    seqs = [seq for seq, _ in keys]
    query = sa.select(change.c.seq, change.c.kind).where(
        *_silent(run_id), change.c.seq.between(min(seqs), max(seqs))
    )
    wanted = set(keys)
    found = ((seq, ChangeKind(kind)) for seq, kind in connection.execute(query))
    return [key for key in found if key in wanted]


def note_attempts(
    connection: sa.Connection, run_id: str, keys: Collection[Key], fate: str, *, faults: bool = False
) -> None:
    """Notes the last sending of these writes as it stands in the table of writes; `faults`: with their errors.

    Copied within the database, all of a kind at once: that is on the way of every write.
    """
    for kind, seqs in _by_kind(keys).items():
        statement = _COPY_WITH_FAULTS if faults else _COPY
        connection.execute(statement, {"of_run": run_id, "of_kind": kind, "seqs": seqs, "as_fate": fate})


def _silent(run_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        change.c.run_id == run_id,
        change.c.state == ChangeState.SENT.value,
        change.c.answered_at.is_(None),
    )


def _by_kind(keys: Iterable[Key]) -> dict[str, list[int]]:
    seqs: dict[str, list[int]] = {}
    for seq, kind in keys:
        seqs.setdefault(kind.value, []).append(seq)
    return seqs


def _copy(*of_fault: sa.ColumnElement[object]) -> sa.Insert:
    names = ["run_id", "seq", "kind", "number", "sent_at", "answered_at", "fate"]
    fate = sa.bindparam("as_fate", type_=sa.String)
    columns = (change.c.run_id, change.c.seq, change.c.kind, change.c.attempts, change.c.sent_at)
    query = sa.select(*columns, change.c.answered_at, fate, *of_fault).where(
        change.c.run_id == sa.bindparam("of_run"),
        change.c.kind == sa.bindparam("of_kind"),
        change.c.seq.in_(sa.bindparam("seqs", expanding=True)),
    )
    return sa.insert(attempt).from_select([*names, *("status", "code", "request_id")[: len(of_fault)]], query)


_COPY = _copy()
_COPY_WITH_FAULTS = _copy(
    change.c.fault["status"].as_integer(),
    change.c.fault["code"].as_string(),
    change.c.fault["request_id"].as_string(),
)
