"""The last stage: the ledger, printed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sspr.contacts.codes import BY_CODE, message
from sspr.errors import CannotStart, SsprError
from sspr.ledger import RowRecord, RowState, RunLedger, RunRecord, status_of
from sspr.model import Account, Methods, ResultRow, RunSummary
from sspr.plan import is_ready
from sspr.report.content import Report
from sspr.report.write import write_reports

NEED_A_PERSON = (RowState.REJECTED, RowState.FAILED)


def exit_code(run: RunLedger, error: SsprError | None) -> int:
    """0 to 3, as the command ends: stopped, could not start, rows that need a person or a flag that is off, done."""
    counts = run.counts()
    if error is not None:
        touched = any(counts.get(state) for state in (RowState.WRITING, RowState.UPDATED))
        return 2 if isinstance(error, CannotStart) and not touched else 3
    record = run.record()
    flag_is_off = record.command not in {"check", "plan"} and record.feature_after is False
    return 1 if flag_is_off or any(counts.get(state) for state in NEED_A_PERSON) else 0


def report(run: RunLedger, folder: Path) -> Report:
    """Writes the output folder from the ledger and returns what `report.json` holds."""
    record = run.record()
    sources = [source for source in run.sources() if source.facts is not None]
    summary = RunSummary(
        run_id=record.id,
        command=record.command,
        tenant=record.tenant,
        target=record.target,
        started_at=_moment(record.started_at),
        finished_at=_moment(record.finished_at or record.started_at),
        exit_code=record.exit_code or 0,
        sources=tuple(source.facts for source in sources if source.facts is not None),
        rows=tuple(source.rows for source in sources),
        feature_before=record.feature_before,
        feature_after=record.feature_after,
        traffic=record.traffic,
        stopped_because=record.stopped_because,
    )
    return write_reports(folder, summary, _results(run, record), explain=how_to_mend)


def how_to_mend(code: str) -> str:
    """What to do about a reason code, in a sentence."""
    return BY_CODE[code].mend


def _results(run: RunLedger, record: RunRecord) -> Iterator[ResultRow]:
    for row in run.every_row():
        before, methods = row.before, row.before.methods if row.before else None
        yield ResultRow(
            source=row.source,
            line=row.line,
            cells=row.cells,
            user_principal_name=row.upn,
            status=status_of(row.state, record.command),
            reasons=tuple(dict.fromkeys(finding.code for finding in row.reasons)),
            message=_message(row),
            warnings=tuple(dict.fromkeys(finding.code for finding in row.warnings)),
            alternate_email=row.email,
            mobile_phone=row.phone,
            alternate_email_before=";".join(before.other_mails) if before else "",
            mobile_phone_before=before.mobile_phone if before else "",
            email_method_before=methods.email if methods else "",
            phone_method_before=methods.mobile_phone if methods else "",
            ready=_ready(row.now, record.feature_after),
        )


def _message(row: RowRecord) -> str:
    return " ".join(part for part in (message(row.reasons), row.message) if part)


def _ready(now: Account | None, feature: bool | None) -> str:
    if now is None:
        return ""
    methods: Methods | None = now.methods
    return {True: "yes", False: "no", None: ""}[is_ready(now.enabled, methods, feature)]


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
