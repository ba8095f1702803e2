"""The first stage: files → rows → contacts, every row judged, all taken into the ledger at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sspr.contacts.across import judge_across
from sspr.contacts.codes import Policy
from sspr.contacts.judge import judge
from sspr.input.table import ReadOptions, Table, open_table
from sspr.ledger import NewRow, RowState, RunLedger
from sspr.model import Contact, Row, Target


def open_tables(files: Sequence[tuple[Path, str]], options: ReadOptions) -> list[Table]:
    """The input files, opened and their headers understood. Raises `CannotStart` that names the file."""
    return [open_table(path, name, options) for path, name in files]


def check(
    run: RunLedger, tables: Sequence[Table], policy: Policy, target: Target, default_country: str | None
) -> None:
    """Judges every row of every file, alone and against the others, and takes them all into the ledger."""
    judged = [
        (number, row, judge(row, default_country))
        for number, table in enumerate(tables)
        for row in table.rows()
    ]
    run.take_in(
        [(number, table.source) for number, table in enumerate(tables)], _rows(judged, tables, policy, target)
    )


def _rows(
    judged: Sequence[tuple[int, Row, Contact]], tables: Sequence[Table], policy: Policy, target: Target
) -> Iterator[NewRow]:
    across = judge_across(
        (index, _where(tables, number, row), contact) for index, (number, row, contact) in enumerate(judged)
    )
    for index, (number, row, contact) in enumerate(judged):
        reasons, warnings = policy.split((*contact.findings, *across.get(index, ())), target)
        yield NewRow(
            source=number,
            line=row.line,
            cells=row.cells,
            upn=contact.user_principal_name or row.fields.get("user_principal_name", "").strip(),
            email=contact.alternate_email,
            phone=contact.mobile_phone,
            state=RowState.REJECTED if reasons else RowState.READ,
            reasons=reasons,
            warnings=warnings,
        )


def _where(tables: Sequence[Table], number: int, row: Row) -> str:
    return f"line {row.line}" if len(tables) == 1 else f"line {row.line} of {tables[number].source.name}"
