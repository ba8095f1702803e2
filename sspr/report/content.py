"""What `report.json` holds, and how it is counted while the rows go by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypedDict

from sspr.model import ResultRow, RunSummary, Source, Status

# What keeps an administrator from resetting without help, by what a row shows of it; the first that fits is counted.
NOT_APPLIED = "row_not_applied"
DISABLED = "account_disabled"
TOO_FEW_METHODS = "too_few_methods"
FLAG_OFF = "flag_off"
_NOT_APPLIED = frozenset({Status.REJECTED, Status.FAILED, Status.PENDING})


class InputReport(TypedDict):
    """One input file."""

    file: str
    sha256: str
    rows: int


class ReadAs(TypedDict):
    """How an input file was read, in the order of `inputs`. `profile`: the input template whose headers it has;
    `columns`: canonical column → the header that was read as it; `ignored`: the other headers, carried through;
    `notes`: what the reader made of it, in sentences.
    """

    encoding: str
    delimiter: str
    profile: str
    columns: dict[str, str]
    ignored: list[str]
    notes: list[str]


class FeatureReport(TypedDict):
    """The tenant's flag "administrators may use self-service password reset". None: not asked."""

    enabled_before: bool | None
    enabled_after: bool | None


class Ready(TypedDict):
    """Rows by whether the administrator can reset the password without help; unknown: nothing was read."""

    yes: int
    no: int
    unknown: int


class GraphReport(TypedDict):
    """What the run asked of Graph; `seconds` were spent waiting for answers or for leave to send."""

    requests: int
    batches: int
    writes: int
    throttled: int
    retried: int
    seconds: float


class Report(TypedDict):
    """The content of `report.json`. Holds no account and no contact data.

    `counts` names every status, zero or not, and adds up to the rows. `not_ready` says why the rows counted
    under `ready.no` are not ready, each row once. `gates`: how many methods Microsoft asks the tenant's
    administrators for at a reset, None where that was not read; `ready` asks for two either way. `undoes`: of
    an undo, the run that it puts back, else empty. `folder` is where the files were written; `rejected` are the names
    of the files to mend and give back.
    """

    run_id: str
    command: str
    tenant: str
    target: str
    started_at: str
    finished_at: str
    exit_code: int
    stopped_because: str
    inputs: list[InputReport]
    read_as: list[ReadAs]
    counts: dict[str, int]
    reasons: dict[str, int]
    warnings: dict[str, int]
    feature: FeatureReport
    feature_meaning: str
    ready: Ready
    not_ready: dict[str, int]
    gates: int | None
    undoes: str
    graph: GraphReport
    folder: str
    rejected: list[str]


def joined(codes: Iterable[str]) -> str:
    """Codes as one cell holds them: each once, in their order, joined by `;`."""
    return ";".join(dict.fromkeys(codes))


@dataclass(slots=True)
class Tally:
    """The counts of the rows so far. `flag_off`: the flag was found off at the end of the run."""

    flag_off: bool
    statuses: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    ready: Counter[str] = field(default_factory=Counter)
    not_ready: Counter[str] = field(default_factory=Counter)

    def add(self, row: ResultRow) -> None:
        """Count one row."""
        self.statuses[row.status] += 1
        self.ready[row.ready] += 1
        for code in set(row.reasons):
            self.reasons[code] += 1
        for code in set(row.warnings):
            self.warnings[code] += 1
        if row.ready == "no":
            self.not_ready[self.obstacle(row)] += 1

    def extend(self, other: Tally) -> None:
        """Count what the other has counted."""
        for counter in ("statuses", "reasons", "warnings", "ready", "not_ready"):
            getattr(self, counter).update(getattr(other, counter))

    def obstacle(self, row: ResultRow) -> str:
        """Why the administrator of a row that is not ready cannot reset."""
        if row.status in _NOT_APPLIED:
            return NOT_APPLIED
        if "user_disabled" in row.warnings:
            return DISABLED
        return FLAG_OFF if self.flag_off else TOO_FEW_METHODS


def build_report(
    summary: RunSummary, tally: Tally, *, flag_meaning: str, folder: str, rejected: list[str]
) -> Report:
    """The report of a run whose rows have all been counted. Codes are listed from the most frequent on."""
    return Report(
        run_id=summary.run_id,
        command=summary.command,
        tenant=summary.tenant,
        target=summary.target.value,
        started_at=summary.started_at,
        finished_at=summary.finished_at,
        exit_code=summary.exit_code,
        stopped_because=summary.stopped_because,
        inputs=_inputs(summary),
        read_as=[_read_as(source) for source in summary.sources],
        counts={status.value: tally.statuses[status] for status in Status},
        reasons=_by_frequency(tally.reasons),
        warnings=_by_frequency(tally.warnings),
        feature=FeatureReport(enabled_before=summary.feature_before, enabled_after=summary.feature_after),
        feature_meaning=flag_meaning,
        ready=Ready(yes=tally.ready["yes"], no=tally.ready["no"], unknown=tally.ready[""]),
        not_ready=_by_frequency(tally.not_ready),
        gates=summary.gates,
        undoes=summary.undoes,
        graph=_graph(summary),
        folder=folder,
        rejected=rejected,
    )


def _inputs(summary: RunSummary) -> list[InputReport]:
    return [
        InputReport(file=source.name, sha256=source.sha256, rows=rows)
        for source, rows in zip(summary.sources, summary.rows, strict=True)
    ]


def _read_as(source: Source) -> ReadAs:
    used = set(source.columns.values())
    return ReadAs(
        encoding=source.encoding,
        delimiter=source.delimiter,
        profile=source.profile,
        columns={column: source.header[index] for column, index in source.columns.items()},
        ignored=[header for index, header in enumerate(source.header) if index not in used],
        notes=list(source.notes),
    )


def _graph(summary: RunSummary) -> GraphReport:
    traffic = summary.traffic
    return GraphReport(
        requests=traffic.requests,
        batches=traffic.batches,
        writes=traffic.writes,
        throttled=traffic.throttled,
        retried=traffic.retried,
        seconds=round(traffic.seconds, 3),
    )


def _by_frequency(counter: Counter[str]) -> dict[str, int]:
    return dict(sorted(counter.items(), key=lambda entry: (-entry[1], entry[0])))
