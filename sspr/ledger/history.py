"""All runs as a record: what was run, who has it in hand, and the forgetting of the contact data in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import sqlalchemy as sa

from sspr.ledger.leases import living
from sspr.ledger.records import RunRecord, run_record
from sspr.ledger.schema import change, row, run

_NEWEST_FIRST = sa.select(run).order_by(run.c.started_at.desc(), run.c.id.desc())

_BLANK_ROW: dict[str, Any] = {
    "cells": [],
    "upn": "",
    "email": "",
    "phone": "",
    "message": "",
    "before": sa.null(),
    "now": sa.null(),
}
_BLANK_CHANGE: dict[str, Any] = {"before": {}, "after": {}}


class History:
    """The runs in a ledger, read and pruned."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def runs(self, limit: int | None = None) -> list[RunRecord]:
        """The newest runs, the newest first."""
        return self._runs(_NEWEST_FIRST.limit(limit))

    def count(self) -> int:
        """How many runs there are."""
        with self._reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(run)) or 0

    def undone_by(self, run_id: str) -> list[str]:
        """The runs that undid, or were to undo, this one; the newest first."""
        query = _NEWEST_FIRST.where(run.c.options["undoes"].as_string() == run_id)
        return [record.id for record in self._runs(query)]

    def holder(self, run_id: str, now: float) -> str:
        """Which living process has the run in hand, empty where none has."""
        with self._reading() as connection:
            return " ".join(map(str, living(connection, [run_id], now).values()))

    # -- forgetting -------------------------------------------------------------------------------

    def ended_before(self, moment: float) -> list[RunRecord]:
        """The runs that ended before `moment` and are not pruned yet, the oldest last."""
        ended = run.c.ended.is_(True) & (run.c.finished_at < moment)
        return self._runs(_NEWEST_FIRST.where(ended, run.c.pruned_at.is_(None), ~_is_being_undone()))

    def open_since_before(self, moment: float) -> list[RunRecord]:
        """The runs that began before `moment` and have not ended, or are being undone by one that has not."""
        open_ = run.c.ended.is_(False) | (run.c.pruned_at.is_(None) & _is_being_undone())
        return self._runs(_NEWEST_FIRST.where(open_, run.c.started_at < moment))

    def forget(self, run_id: str, now: float) -> int | None:
        """Blanks the contact data of a run: what the rows asked for, what the accounts held before and after, what was
        said about them in words. What remains: the account's id, where each row and write ended and by which codes, the
        files' hashes, the sessions and the attempts. Returns how many rows it had; None where it is open by now.
        `shred` makes the database give them up too.
        """
        with self._engine.begin() as connection:
            if self._engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            may = (run.c.id == run_id) & run.c.ended.is_(True) & ~_is_being_undone()
            if not connection.execute(sa.update(run).where(may).values(pruned_at=now)).rowcount:
                return None
            rows = connection.execute(
                sa.update(row).where(row.c.run_id == run_id).values(_BLANK_ROW)
            ).rowcount
            connection.execute(sa.update(change).where(change.c.run_id == run_id).values(_BLANK_CHANGE))
            _keep_codes_only(connection, run_id)
            return rows

    def shred(self) -> bool:
        """Makes the database give up what was blanked, in its pages and in its log of them. False where other processes
        held it in use for too long.
        """
        if self._engine.dialect.name == "postgresql":
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for table in (row, change):
                    connection.exec_driver_sql(f'VACUUM (FULL) "{table.name}"')
            return True
        with closing(self._engine.raw_connection()) as raw:
            cursor = raw.cursor()
            try:
                cursor.execute("VACUUM")
                # It answers whether it was kept from it, and how much it did.
                [(kept_from_it, *_)] = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            except sqlite3.OperationalError:
                return False
            return not kept_from_it

    def _runs(self, query: sa.Select[Any]) -> list[RunRecord]:
        with self._reading() as connection:
            return [run_record(found) for found in connection.execute(query).mappings()]

    def _reading(self) -> Any:
        return self._engine.connect().execution_options(reading=True)


def _is_being_undone() -> sa.ColumnElement[bool]:
    """Whether a run that is open puts the values back that the run held before."""
    undo = run.alias()
    return sa.exists().where(undo.c.ended.is_(False), undo.c.options["undoes"].as_string() == run.c.id)


def _keep_codes_only(connection: sa.Connection, run_id: str) -> None:
    """What was said beside a code, and what Graph said in words, may quote a value."""
    said = sa.select(row.c.seq, row.c.reasons, row.c.warnings).where(row.c.run_id == run_id)
    values = [
        {"at_seq": each.seq, "reasons": _codes(each.reasons), "warnings": _codes(each.warnings)}
        for each in connection.execute(said)
        if each.reasons or each.warnings
    ]
    if values:
        here = (row.c.run_id == run_id) & (row.c.seq == sa.bindparam("at_seq"))
        connection.execute(sa.update(row).where(here), values)
    faults = sa.select(change.c.seq, change.c.kind, change.c.fault).where(change.c.run_id == run_id)
    values = [
        {"at_seq": each.seq, "at_kind": each.kind, "fault": {**each.fault, "message": ""}}
        for each in connection.execute(faults.where(change.c.fault.is_not(None)))
        if each.fault
    ]
    if values:
        here = (change.c.run_id == run_id) & (change.c.seq == sa.bindparam("at_seq"))
        connection.execute(sa.update(change).where(here, change.c.kind == sa.bindparam("at_kind")), values)


def _codes(findings: list[list[str]]) -> list[list[str]]:
    return [[code, ""] for code, _ in findings]
