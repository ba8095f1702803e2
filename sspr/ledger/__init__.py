"""Where every row stands, and the one door through which it moves."""

from sspr.ledger.moves import MovedWronglyError
from sspr.ledger.records import (
    ChangeMove,
    ChangeRecord,
    Compared,
    Finished,
    NewRow,
    RowRecord,
    RunRecord,
    SourceRecord,
)
from sspr.ledger.run import RunLedger
from sspr.ledger.states import ChangeState, RowState, status_of
from sspr.ledger.store import Ledger, new_run_id

__all__ = [
    "ChangeMove",
    "ChangeRecord",
    "ChangeState",
    "Compared",
    "Finished",
    "Ledger",
    "MovedWronglyError",
    "NewRow",
    "RowRecord",
    "RowState",
    "RunLedger",
    "RunRecord",
    "SourceRecord",
    "new_run_id",
    "status_of",
]
