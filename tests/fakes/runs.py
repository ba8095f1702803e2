"""Runs in a ledger, ready made."""

from __future__ import annotations

from pathlib import Path

from sspr.ledger import Ledger, NewRow, RowState, RunLedger, new_run_id
from sspr.model import Source, Target


def new_run(ledger: Ledger, folder: Path, rows: int, command: str = "run") -> RunLedger:
    """A run whose `rows` rows are all fit to be applied: admin1@contoso.com and so on."""
    run = ledger.new_run(
        new_run_id(0.0),
        command,
        "contoso",
        Target.BOTH,
        {},
        [(folder / "a.csv", "a.csv")],
        folder / "out",
        "me",
        0.0,
    )
    header = ("user_principal_name", "alternate_email", "mobile_phone")
    source = Source("a.csv", "0" * 64, "utf-8", ",", header, {name: n for n, name in enumerate(header)})
    run.take_in([source], (_row(number) for number in range(1, rows + 1)))
    return run


def _row(number: int) -> NewRow:
    cells = (f"admin{number}@contoso.com", f"a{number}@fabrikam.com", f"+1 206555{number:04d}")
    return NewRow(0, number + 1, cells, *cells, RowState.READ, (), ())
