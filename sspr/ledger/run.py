"""One run in the ledger: its rows, their writes, and the one door through which each moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import msgspec
import sqlalchemy as sa

from sspr.ledger.moves import move_changes, move_rows
from sspr.ledger.records import (
    ChangeMove,
    ChangeRecord,
    Compared,
    Finished,
    NewRow,
    RowRecord,
    RunRecord,
    SourceRecord,
    account_to_json,
    change_record,
    findings_to_json,
    row_record,
    run_record,
    source_from_json,
    source_to_json,
)
from sspr.ledger.schema import change, row, run, source
from sspr.ledger.states import ChangeState, RowState
from sspr.ledger.trail import PUT_OFF, UNANSWERED, Key, Trail, note_attempts, unanswered
from sspr.model import Answer, Change, ChangeKind, Fate, Source, Write

_INSERT_CHUNK = 1000

_STATE_OF_FATE = {
    Fate.ACCEPTED: ChangeState.ACCEPTED,
    Fate.REFUSED: ChangeState.REFUSED,
    Fate.UNKNOWN: ChangeState.SENT,
    Fate.NOT_SENT: ChangeState.PLANNED,
}


class RunLedger:
    """The rows and writes of the run `run_id`. Each method is one transaction."""

    def __init__(self, engine: sa.Engine, run_id: str) -> None:
        self._engine = engine
        self.run_id = run_id
        self.trail = Trail(engine, run_id)
        # What this process has sent and not heard of: sent again by it, it was put off and certainly not applied.
        self._in_flight: set[Key] = set()

    # -- the run itself ---------------------------------------------------------------------------

    def record(self) -> RunRecord:
        """The run as it stands. Raises `LookupError` where there is none."""
        with self._reading() as connection:
            found = connection.execute(sa.select(run).where(run.c.id == self.run_id)).mappings().one_or_none()
        if found is None:
            raise LookupError(self.run_id)
        return run_record(found)

    def sources(self) -> list[SourceRecord]:
        """The input files, in order."""
        with self._reading() as connection:
            query = sa.select(source).where(source.c.run_id == self.run_id).order_by(source.c.number)
            found = connection.execute(query).mappings().all()
        return [
            SourceRecord(
                each["number"], each["path"], each["name"], source_from_json(each["facts"]), each["rows"]
            )
            for each in found
        ]

    def update(self, **values: Any) -> None:
        """Sets columns of the run: command, options, feature_before, feature_after, ended, exit_code, …"""
        if not values:
            return
        with self._engine.begin() as connection:
            connection.execute(sa.update(run).where(run.c.id == self.run_id).values(**values))

    # -- check ------------------------------------------------------------------------------------

    def take_in(self, sources: Sequence[Source], rows: Iterable[NewRow]) -> None:
        """All rows of all files, at once or not at all: a run that was killed here reads its files again."""
        count = [0] * len(sources)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(row).where(row.c.run_id == self.run_id))
            pending: list[dict[str, Any]] = []
            for seq, new in enumerate(rows, 1):
                count[new.source] += 1
                pending.append(self._new_row(seq, new))
                if len(pending) == _INSERT_CHUNK:
                    connection.execute(sa.insert(row), pending)
                    pending = []
            if pending:
                connection.execute(sa.insert(row), pending)
            self._note_sources(connection, sources, count)
            connection.execute(sa.update(run).where(run.c.id == self.run_id).values(judged=True))

    def note_sources(self, sources: Sequence[Source], rows: Sequence[int]) -> None:
        """What reading the files showed, of a run whose rows are not kept here."""
        with self._engine.begin() as connection:
            self._note_sources(connection, sources, rows)

    def _note_sources(
        self, connection: sa.Connection, sources: Sequence[Source], rows: Sequence[int]
    ) -> None:
        for number, (facts, count) in enumerate(zip(sources, rows, strict=True)):
            here = (source.c.run_id == self.run_id) & (source.c.number == number)
            values = {"facts": source_to_json(facts), "rows": count}
            connection.execute(sa.update(source).where(here).values(**values))

    def _new_row(self, seq: int, new: NewRow) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "seq": seq,
            "source": new.source,
            "line": new.line,
            "cells": list(new.cells),
            "upn": new.upn,
            "email": new.email,
            "phone": new.phone,
            "state": new.state.value,
            "reasons": findings_to_json(new.reasons),
            "warnings": findings_to_json(new.warnings),
            "message": "",
            "account_id": "",
        }

    # -- reading where rows stand -----------------------------------------------------------------

    def last_seq(self) -> int:
        """The number of rows; rows are numbered from 1 without a gap."""
        with self._reading() as connection:
            return (
                connection.scalar(sa.select(sa.func.max(row.c.seq)).where(row.c.run_id == self.run_id)) or 0
            )

    def counts(self) -> dict[RowState, int]:
        """How many rows stand in each state."""
        query = (
            sa.select(row.c.state, sa.func.count()).where(row.c.run_id == self.run_id).group_by(row.c.state)
        )
        with self._reading() as connection:
            return {RowState(state): count for state, count in connection.execute(query)}

    def codes(self) -> tuple[Counter[str], Counter[str]]:
        """How many rows have which reason, and which warning."""
        told = []
        for column in (row.c.reasons, row.c.warnings):
            text = sa.cast(column, sa.Text)  # PostgreSQL groups no JSON
            query = sa.select(text, sa.func.count()).where(row.c.run_id == self.run_id).group_by(text)
            counter: Counter[str] = Counter()
            with self._reading() as connection:
                for findings, count in connection.execute(query):
                    for code in {code for code, _ in msgspec.json.decode(findings)}:
                        counter[code] += count
            told.append(counter)
        return told[0], told[1]

    def rows(
        self, first: int = 1, last: int | None = None, states: Iterable[RowState] = RowState
    ) -> list[RowRecord]:
        """The rows `first` to `last` (inclusive) that stand in one of `states`."""
        query = sa.select(row).where(row.c.run_id == self.run_id, row.c.seq >= first)
        query = query.where(row.c.state.in_([state.value for state in states])).order_by(row.c.seq)
        if last is not None:
            query = query.where(row.c.seq <= last)
        with self._reading() as connection:
            return [row_record(found) for found in connection.execute(query).mappings()]

    def pages(self, rows: int = 2000) -> Iterator[list[RowRecord]]:
        """All rows in input order, so many at a time, so that memory stays flat."""
        for first in range(1, self.last_seq() + 1, rows):
            yield self.rows(first, first + rows - 1)

    def every_row(self) -> Iterator[RowRecord]:
        """All rows in input order."""
        for page in self.pages():
            yield from page

    def changes(
        self,
        first: int,
        last: int,
        states: Iterable[ChangeState] = ChangeState,
        kinds: Iterable[ChangeKind] = ChangeKind,
    ) -> list[ChangeRecord]:
        """The writes of the rows `first` to `last` of one of `kinds` that stand in one of `states`."""
        query = (
            sa.select(change, row.c.account_id)
            .join(row, (row.c.run_id == change.c.run_id) & (row.c.seq == change.c.seq))
            .where(change.c.run_id == self.run_id, change.c.seq.between(first, last))
            .where(change.c.state.in_([state.value for state in states]))
            .where(change.c.kind.in_([kind.value for kind in kinds]))
            .order_by(change.c.seq)
        )
        with self._reading() as connection:
            return [change_record(found) for found in connection.execute(query).mappings()]

    def compared_before(self, first: int, last: int, moment: float) -> list[int]:
        """The PLANNED rows whose comparison is older than `moment`."""
        query = sa.select(row.c.seq).where(
            row.c.run_id == self.run_id,
            row.c.seq.between(first, last),
            row.c.state == RowState.PLANNED.value,
            row.c.compared_at < moment,
        )
        with self._reading() as connection:
            return list(connection.scalars(query))

    # -- moving them ------------------------------------------------------------------------------

    def record_compared(self, outcomes: Sequence[Compared], now: float) -> None:
        """Notes what comparing decided; the writes of a PLANNED row replace those of an earlier comparison."""
        if not outcomes:
            return
        with self._engine.begin() as connection:
            seqs = [outcome.seq for outcome in outcomes]
            move_rows(
                connection,
                self.run_id,
                [(each.seq, each.state, _compared_values(each, now)) for each in outcomes],
            )
            connection.execute(
                sa.delete(change).where(change.c.run_id == self.run_id, change.c.seq.in_(seqs))
            )
            new = [self._new_change(each.seq, one) for each in outcomes for one in each.changes]
            if new:
                connection.execute(sa.insert(change), new)

    def record_sent(self, writes: Sequence[Write], now: float) -> None:
        """Notes that these writes are about to be sent. From here on their fate is unknown."""
        with self._engine.begin() as connection:
            keys = [(seq, ChangeKind(kind)) for seq, kind in (write.key for write in writes)]
            note_attempts(connection, self.run_id, self._in_flight.intersection(keys), PUT_OFF)
            move_changes(
                connection,
                self.run_id,
                [(key, ChangeState.SENT, {"sent_at": now, "answered_at": None}) for key in keys],
                attempt=True,
            )
            move_rows(connection, self.run_id, [(seq, RowState.WRITING, {}) for seq in dict(keys)])
        self._in_flight.update(keys)

    def record_answers(self, answers: Sequence[Answer], now: float) -> None:
        """Notes what came back. An unknown fate stays SENT, with its fault for the message."""
        moves = []
        keys_of: dict[Fate, list[Key]] = {}
        for answer in answers:
            key = (answer.key[0], ChangeKind(answer.key[1]))
            keys_of.setdefault(answer.fate, []).append(key)
            values = {"answered_at": now, "fault": asdict(answer.fault) if answer.fault else None}
            moves.append((key, _STATE_OF_FATE[answer.fate], values))
        with self._engine.begin() as connection:
            move_changes(connection, self.run_id, moves)
            for fate, keys in keys_of.items():
                note_attempts(connection, self.run_id, keys, fate.value, faults=fate is not Fate.ACCEPTED)
        self._in_flight.difference_update(key for key, _, _ in moves)

    def record_look(
        self, moves: Sequence[ChangeMove], ends: Sequence[Finished], more: Sequence[tuple[int, Change]] = ()
    ) -> None:
        """Notes what a read showed, all of it or nothing: where writes go (CONFIRMED, DROPPED, LOST, or PLANNED to be
        sent again with both sides as they are now), the rows that are thereby at their end, and `more` writes that what
        was seen calls for, by row.
        """
        if not moves and not ends and not more:
            return
        with self._engine.begin() as connection:
            # What is sent again, or is at its end, and never had an answer: whoever sent it was killed, or cut off.
            silent = unanswered(connection, self.run_id, [(each.seq, each.kind) for each in moves])
            note_attempts(connection, self.run_id, silent, UNANSWERED)
            if more:
                connection.execute(sa.insert(change), [self._new_change(seq, one) for seq, one in more])
            move_changes(
                connection,
                self.run_id,
                [((each.seq, each.kind), each.state, _both_sides(each)) for each in moves],
            )
            self._finish(connection, ends)
        self._in_flight.difference_update(silent)

    def _finish(self, connection: sa.Connection, ends: Sequence[Finished]) -> None:
        mine = (row.c.run_id == self.run_id) & row.c.seq.in_([end.seq for end in ends])
        said = sa.select(row.c.seq, row.c.warnings).where(mine)
        warned = {each.seq: each.warnings for each in connection.execute(said)}
        moves = []
        for end in ends:
            values: dict[str, Any] = {
                "reasons": findings_to_json(end.reasons),
                "warnings": [*warned[end.seq], *findings_to_json(end.more_warnings)],
                "message": end.message,
            }
            if end.account is not None:
                values["now"] = account_to_json(end.account)
            if end.before is not None:
                values["before"] = account_to_json(end.before)
            moves.append((end.seq, end.state, values))
        move_rows(connection, self.run_id, moves)

    def refused_rows(self) -> int:
        """How many rows have a write that the tenant refused and that is not settled yet."""
        query = sa.select(sa.func.count(sa.distinct(change.c.seq))).where(
            change.c.run_id == self.run_id, change.c.state == ChangeState.REFUSED.value
        )
        with self._reading() as connection:
            return connection.scalar(query) or 0

    def reopen_forbidden(self, kind: ChangeKind) -> None:
        """Writes of a kind that were refused for want of a permission are planned again, for when it is granted."""
        here = (change.c.run_id == self.run_id) & (change.c.kind == kind.value)
        with self._engine.begin() as connection:
            query = sa.select(change.c.seq, change.c.fault).where(
                here, change.c.state == ChangeState.REFUSED.value
            )
            forbidden = [seq for seq, fault in connection.execute(query) if fault and fault["status"] == 403]
            move_changes(
                connection, self.run_id, [((seq, kind), ChangeState.PLANNED, {}) for seq in forbidden]
            )

    def _new_change(self, seq: int, new: Change) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "seq": seq,
            "kind": new.kind.value,
            "before": dict(new.before),
            "after": dict(new.after),
            "method_id": new.method_id,
            "state": ChangeState.PLANNED.value,
            "attempts": 0,
        }

    def _reading(self) -> Any:
        return self._engine.connect().execution_options(reading=True)


def _compared_values(outcome: Compared, now: float) -> dict[str, Any]:
    values: dict[str, Any] = {
        "reasons": findings_to_json(outcome.reasons),
        "warnings": findings_to_json(outcome.warnings),
        "message": outcome.message,
        "compared_at": now,
    }
    if outcome.account is not None:
        held = account_to_json(outcome.account)
        values |= {"account_id": outcome.account.id, "before": held, "now": held}
    return values


def _both_sides(move: ChangeMove) -> dict[str, Any]:
    if move.change is None:
        return {}
    anew = move.change
    return {"before": dict(anew.before), "after": dict(anew.after), "method_id": anew.method_id}
