"""What the ledger hands out and takes in, and how it is kept as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sspr.ledger.states import ChangeState, RowState
from sspr.model import Account, Change, ChangeKind, Fault, Finding, Source, Target, Traffic


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run. Times in seconds since the epoch; `options` are those of the command that opened it; `counts`: rows by
    status, as its last report said.
    """

    id: str
    command: str
    tenant: str
    target: Target
    options: Mapping[str, Any]
    out: str
    who: str
    started_at: float
    finished_at: float | None
    ended: bool
    exit_code: int | None
    stopped_because: str
    judged: bool
    feature_before: bool | None
    feature_after: bool | None
    traffic: Traffic
    counts: Mapping[str, int] | None = None
    gates: int | None = None
    pruned_at: float | None = None

    @property
    def pruned(self) -> bool:
        """Whether its contact data was forgotten: it can be told, and no longer be worked on."""
        return self.pruned_at is not None


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One input file of a run; `facts` is None until it was read."""

    number: int
    path: str
    name: str
    facts: Source | None
    rows: int


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row as `check` leaves it: READ, or REJECTED with its reasons."""

    source: int
    line: int
    cells: tuple[str, ...] = field(repr=False)
    upn: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)
    state: RowState
    reasons: tuple[Finding, ...]
    warnings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class RowRecord:
    """A row as the ledger holds it. `before`: the account before this run wrote to it; `now`: as last read."""

    seq: int
    source: int
    line: int
    cells: tuple[str, ...] = field(repr=False)
    upn: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)
    state: RowState
    reasons: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    message: str = field(repr=False)
    account_id: str
    before: Account | None
    now: Account | None


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparing a row with the tenant decided. `changes` only with the state PLANNED."""

    seq: int
    state: RowState
    account: Account | None
    reasons: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    message: str = field(repr=False, default="")
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """One write of a row, and how far it is. Times in seconds since the epoch."""

    seq: int
    account_id: str
    change: Change
    state: ChangeState
    attempts: int
    sent_at: float | None
    answered_at: float | None
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class ChangeMove:
    """Where a write goes next; `change` is set where it is to be sent again with other sides."""

    seq: int
    kind: ChangeKind
    state: ChangeState
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a row that was written: UPDATED, UNCHANGED (all its writes were dropped) or FAILED. `before`: the
    account before this run wrote to it, where that is known better now than it was noted.
    """

    seq: int
    state: RowState
    account: Account | None
    reasons: tuple[Finding, ...] = ()
    more_warnings: tuple[Finding, ...] = ()
    message: str = field(repr=False, default="")
    before: Account | None = None


def run_record(found: Any) -> RunRecord:
    """A row of the table of runs, read by column names."""
    return RunRecord(**{**found, "target": Target(found["target"]), "traffic": Traffic(**found["traffic"])})


def row_record(found: Any) -> RowRecord:
    """A row of the table of rows, read by column names."""
    return RowRecord(
        seq=found["seq"],
        source=found["source"],
        line=found["line"],
        cells=tuple(found["cells"]),
        upn=found["upn"],
        email=found["email"],
        phone=found["phone"],
        state=RowState(found["state"]),
        reasons=findings_from_json(found["reasons"]),
        warnings=findings_from_json(found["warnings"]),
        message=found["message"],
        account_id=found["account_id"],
        before=account_from_json(found["before"]),
        now=account_from_json(found["now"]),
    )


def change_record(found: Any) -> ChangeRecord:
    """A row of the table of writes with its account's id, read by column names."""
    return ChangeRecord(
        seq=found["seq"],
        account_id=found["account_id"],
        change=Change(ChangeKind(found["kind"]), found["before"], found["after"], found["method_id"]),
        state=ChangeState(found["state"]),
        attempts=found["attempts"],
        sent_at=found["sent_at"],
        answered_at=found["answered_at"],
        fault=Fault(**found["fault"]) if found["fault"] else None,
    )


def findings_to_json(findings: tuple[Finding, ...]) -> list[list[str]]:
    """Findings as `[[code, detail], …]`."""
    return [[finding.code, finding.detail] for finding in findings]


def findings_from_json(value: list[list[str]]) -> tuple[Finding, ...]:
    """The reverse of `findings_to_json`."""
    return tuple(Finding(code, detail) for code, detail in value)


def account_to_json(account: Account | None) -> Any:
    """An account as a JSON object; None stays None."""
    return msgspec.to_builtins(account)


def account_from_json(value: Any) -> Account | None:
    """The reverse of `account_to_json`."""
    return None if value is None else msgspec.convert(value, Account)


def source_to_json(source: Source) -> Any:
    """What reading a file showed, as a JSON object."""
    return msgspec.to_builtins(source)


def source_from_json(value: Any) -> Source | None:
    """The reverse of `source_to_json`; None stays None."""
    return None if value is None else msgspec.convert(value, Source)
