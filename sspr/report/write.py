"""The files of a run's output folder, in one pass over its rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

from sspr.errors import Stopped
from sspr.files import atomic_text, private_folder, remove_unfinished
from sspr.model import ResultRow, RunSummary, Status
from sspr.report.content import Report, Tally, build_report
from sspr.report.html import Excerpts, render_html
from sspr.report.tables import RESULTS, RejectedTables, ResultsTable, begin_csv
from sspr.report.words import FLAG_MEANING

JSON = "report.json"
HTML = "report.html"


def _nothing(_: str) -> str:
    return ""


def write_reports(
    folder: Path,
    summary: RunSummary,
    rows: Iterable[ResultRow],
    explain: Callable[[str], str] = _nothing,
) -> Report:
    """Write `results.csv`, `rejected*.csv`, `report.json` and `report.html` into `folder`, in place of older ones.

    Each file is replaced whole, the CSV files only after the last row has been read from `rows`, `report.json`
    last of all. A kill in between leaves files of two writings side by side, each whole; the next writing puts
    that right. Memory does not grow with the rows, which are read once. One writer to a folder at a time.

    Args:
        folder: made if missing, closed to others.
        summary: the head of the report.
        rows: every row of every input, in input order.
        explain: code → what to do about it, for the page.

    Returns:
        The content of `report.json`.

    Raises:
        CannotStart: the folder cannot be made, or not be closed to others.
        Stopped: a file cannot be written.
    """
    private_folder(folder)
    try:
        remove_unfinished(folder)
        tally, excerpts, rejected = _write_tables(folder, summary, rows)
        for path in folder.glob("rejected*.csv"):
            if path.name not in rejected:
                path.unlink()
        report = build_report(
            summary, tally, flag_meaning=FLAG_MEANING, folder=str(folder.resolve()), rejected=rejected
        )
        with atomic_text(folder / HTML) as file:
            file.write(render_html(report, excerpts, explain))
        with atomic_text(folder / JSON) as file:
            json.dump(report, file, ensure_ascii=False, indent=2)
            file.write("\n")
    except OSError as error:
        name = error.filename2 or error.filename
        held = f" ({Path(name).name})" if isinstance(name, str) else ""
        raise Stopped(
            f"The results could not be written to {folder}{held}: {error.strerror}. Make room, or close the "
            f"program that has the file open; then `sspr resume {summary.run_id}` writes them."
        ) from error
    return report


def _write_tables(
    folder: Path, summary: RunSummary, rows: Iterable[ResultRow]
) -> tuple[Tally, Excerpts, list[str]]:
    tally, excerpts = Tally(flag_off=summary.feature_after is False), Excerpts()
    with ExitStack() as stack:
        results = ResultsTable(summary.sources, begin_csv(folder / RESULTS, stack))
        rejected = RejectedTables(folder, summary.sources, stack)
        for row in rows:
            tally.add(row)
            results.add(row)
            if row.status is Status.REJECTED:
                rejected.add(row)
            obstacle = tally.obstacle(row) if row.ready == "no" else ""
            excerpts.add(row, summary.sources[row.source].name, obstacle)
    return tally, excerpts, rejected.names
