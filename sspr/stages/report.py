"""The last stage: the ledger, printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from sspr.contacts.codes import BY_CODE
from sspr.errors import CannotStart, SsprError
from sspr.ledger import RowRecord, RowState, RunLedger, RunRecord, status_of
from sspr.model import Account, Methods, ResultRow, RunSummary, Source, Status, Traffic
from sspr.plan import is_ready
from sspr.report.content import Report, Tally
from sspr.report.render import Part, Renderer
from sspr.report.write import write_parts
from sspr.stages.messages import names_of, row_message

NEED_A_PERSON = (Status.REJECTED, Status.FAILED)


class Checked(Protocol):
    """The judged rows of a run that ends with `check`."""

    def parts(self, renderer: Renderer) -> Iterator[Part]:
        """The report on them."""


def exit_code(run: RunLedger, error: SsprError | None, counts: Mapping[str, int]) -> int:
    """0 to 3, as the command ends: stopped, could not start, rows that need a person or a flag that is off, done.

    `counts`: status → rows, as the report says.
    """
    if error is not None:
        states = run.counts()
        touched = any(states.get(state) for state in (RowState.WRITING, RowState.UPDATED))
        return 2 if isinstance(error, CannotStart) and not touched else 3
    record = run.record()
    # An undo makes nobody able to reset: whether the flag is on is not what was asked of it.
    flag_is_off = record.command not in {"check", "plan", "undo"} and record.feature_after is False
    return 1 if flag_is_off or any(counts.get(status) for status in NEED_A_PERSON) else 0


@dataclass(frozen=True, slots=True)
class Closing:
    """What the end of a run needs to know: when it is, why it stopped if it did, and what Graph was asked."""

    clock: Callable[[], float]
    error: SsprError | None
    ended: bool
    traffic: Traffic


def close(run: RunLedger, folder: Path, closing: Closing, checked: Checked | None = None) -> Report:
    """Writes the output folder, notes in the ledger how the run ended, and returns what `report.json` holds.

    `checked`: the rows of a `sspr check`; without them, those in the ledger.
    """
    record = run.record()
    sources = [source for source in run.sources() if source.facts is not None]
    renderer = Renderer(
        tuple(source.facts for source in sources if source.facts), record.feature_after is False
    )
    parts = checked.parts(renderer) if checked else _parts(run, record, renderer)

    def summarise(tally: Tally) -> RunSummary:
        counts = {status.value: tally.statuses[status] for status in Status if tally.statuses[status]}
        run.update(
            finished_at=closing.clock(),
            exit_code=exit_code(run, closing.error, counts),
            ended=closing.ended,
            stopped_because=str(closing.error) if closing.error else "",
            traffic=asdict(closing.traffic),
            counts=counts,
        )
        return _summary(run.record(), renderer.sources, [source.rows for source in sources])

    return write_parts(folder, run.run_id, renderer, parts, summarise, how_to_mend)


def _summary(record: RunRecord, sources: tuple[Source, ...], rows: Sequence[int]) -> RunSummary:
    return RunSummary(
        run_id=record.id,
        command=record.command,
        tenant=record.tenant,
        target=record.target,
        started_at=_moment(record.started_at),
        finished_at=_moment(record.finished_at or record.started_at),
        exit_code=record.exit_code or 0,
        sources=sources,
        rows=tuple(rows),
        feature_before=record.feature_before,
        feature_after=record.feature_after,
        traffic=record.traffic,
        stopped_because=record.stopped_because,
        gates=record.gates,
        undoes=str(record.options.get("undoes") or ""),
    )


def how_to_mend(code: str) -> str:
    """What to do about a reason code, in a sentence."""
    return BY_CODE[code].mend


def _parts(run: RunLedger, record: RunRecord, renderer: Renderer) -> Iterator[Part]:
    names = [names_of(source) for source in renderer.sources]
    for page in run.pages():
        yield renderer.render(_result(row, record, names[row.source]) for row in page)


def _result(row: RowRecord, record: RunRecord, names: Mapping[str, str]) -> ResultRow:
    before, methods = row.before, row.before.methods if row.before else None
    said = row_message(row.line, names, row.reasons, row.warnings)
    return ResultRow(
        source=row.source,
        line=row.line,
        cells=row.cells,
        user_principal_name=row.upn,
        status=status_of(row.state, record.command),
        reasons=tuple(dict.fromkeys(finding.code for finding in row.reasons)),
        message=" ".join(filter(None, (said, row.message))),
        warnings=tuple(dict.fromkeys(finding.code for finding in row.warnings)),
        alternate_email=row.email,
        mobile_phone=row.phone,
        alternate_email_before=";".join(before.other_mails) if before else "",
        mobile_phone_before=before.mobile_phone if before else "",
        email_method_before=methods.email if methods else "",
        phone_method_before=methods.mobile_phone if methods else "",
        ready=_ready(row.now, record.feature_after),
    )


def _ready(now: Account | None, feature: bool | None) -> str:
    if now is None:
        return ""
    methods: Methods | None = now.methods
    return {True: "yes", False: "no", None: ""}[is_ready(now.enabled, methods, feature)]


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
