"""A run opened, or the one taken up that had not ended when the same was asked for before.

Whoever starts a run again after a crash, with the same words or the same parameters, wants it to go on: the rows that
it wrote belong into its report, and a write whose fate is unknown is known to that run alone. So a run is taken up
again where it was asked for the same: the same files by name or path and by the hash of their bytes, the same tenant,
target and options (of an undo: the same run to undo). What no process had read yet is the same where it lies at the
same path: nothing of it was judged, and it is read as it is now.

Not taken up is a run that waits in Prefect for an answer: its flow run goes on with it, and somebody may be looking at
its plan. Nor one that nobody has touched for days: what it once wrote may have changed since, and a new run tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from hashlib import file_digest
from pathlib import Path

from sspr.files import private_folder
from sspr.ledger import Ledger, RunLedger, RunRecord, SourceRecord, new_run_id
from sspr.ledger.states import FINAL
from sspr.model import Target
from sspr.stages import intake
from sspr.stages.context import Options
from sspr.stages.sitting import who

# From Friday evening to Monday morning, and less than a weekly schedule.
GOES_ON_WITHIN_SECONDS = 3 * 24 * 3600.0
TAKEN_UP = frozenset({"run", "undo"})

# What is noted among a run's options on its way, and was not asked for.
_NOTED = {"approved": False, "digest": "", "approver": "", "question": ""}


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a person asks for. `files` as given; `tenant` a name in the settings; `out` None: `runs/<run id>`; `anew`:
    not the run that did not come to its end when the same was asked for.
    """

    command: str
    files: tuple[str, ...]
    tenant: str
    target: Target | None = None
    options: Options = field(default_factory=Options)
    out: Path | None = None
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A run that stands in the ledger, with its output folder. `told`: what a person should know, in sentences;
    `moves_to`: of one that is taken up, where its output is to go from now on, if not where it went.
    """

    run: RunLedger
    told: Sequence[str]
    moves_to: Path | None = None


def open_run(ledger: Ledger, wanted: JobRequest, target: Target, now: float) -> Opened:
    """Opens the run, or takes up the one that had not ended. Raises `CannotStart`; nothing is made then.

    `wanted`: with the options, `target`: the target, that the settings of the tenant make of what was asked for.
    """
    with _files(ledger, wanted) as (files, left_out):
        told = []
        for run in [] if wanted.anew else _alike(ledger, wanted, target, files, now):
            record = run.record()
            if record.options.get("question") and not record.options.get("approved"):
                told.append(f"Run {record.id}, asked for the same, waits for approval; this is another run.")
                continue
            if record.judged and not wanted.options.undoes:
                intake.forget(files)
            gone = None if Path(record.out).is_dir() else Path("runs") / record.id
            moves_to = wanted.out or gone
            return Opened(run, [*left_out, _taking_up(run, record)], moves_to and private_folder(moves_to))
        run_id = new_run_id(now)
        folder = private_folder(wanted.out or Path("runs") / run_id)
        options = asdict(wanted.options)
        run = ledger.new_run(
            run_id, wanted.command, wanted.tenant, target, options, files, folder, who(), now
        )
    return Opened(run, [*left_out, *told])


def _files(ledger: Ledger, wanted: JobRequest) -> AbstractContextManager[tuple[list[intake.File], list[str]]]:
    undoes = wanted.options.undoes
    return intake.known(ledger.run(undoes)) if undoes else intake.taken(wanted.files, wanted.options)


def _alike(
    ledger: Ledger, wanted: JobRequest, target: Target, files: Sequence[intake.File], now: float
) -> list[RunLedger]:
    """The runs that were asked for the same and have not ended, the newest first."""
    if wanted.command not in TAKEN_UP:
        return []
    digest = cache(_digest)  # a file is read for this only where a run is in question
    return [
        run
        for run in ledger.open_runs(wanted.command, wanted.tenant, target)
        if _same_words(run.record(), wanted.options, now)
        and (wanted.options.undoes or _same_input(run.sources(), files, digest))
    ]


def _same_words(record: RunRecord, options: Options, now: float) -> bool:
    last_touched = max(record.started_at, record.finished_at or 0.0)
    return (
        not record.pruned
        and now - last_touched <= GOES_ON_WITHIN_SECONDS
        and Options(**{**record.options, **_NOTED}) == replace(options, **_NOTED)  # type: ignore[arg-type]
    )


def _same_input(
    sources: Sequence[SourceRecord], files: Sequence[intake.File], digest: Callable[[Path], str]
) -> bool:
    return len(sources) == len(files) and all(
        str(path) == source.path
        if source.facts is None
        else (name == source.name or str(path) == source.path) and digest(path) == source.facts.sha256
        for source, (path, name) in zip(sources, files, strict=True)
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _taking_up(run: RunLedger, record: RunRecord) -> str:
    counts = run.counts()
    done, rows = sum(counts.get(state, 0) for state in FINAL), sum(counts.values())
    where = f"{done:,} of its {rows:,} rows are done" if rows else "it had judged no row yet"
    began = datetime.fromtimestamp(record.started_at, UTC)
    return f"Takes up run {record.id}, begun {began:%Y-%m-%d %H:%M} UTC, which had not ended: {where}."
