"""The files of a run's output folder, in one pass over its rows."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TextIO

from sspr.errors import Stopped
from sspr.files import atomic_text, private_folder, remove_unfinished
from sspr.model import ResultRow, RunSummary
from sspr.report.content import Report, Tally, build_report
from sspr.report.html import Excerpts, render_html
from sspr.report.render import LINE_END, Part, Renderer, as_csv
from sspr.report.tables import COMMA, RESULTS, RejectedTables, ResultsTable
from sspr.report.words import FLAG_MEANING

JSON = "report.json"
HTML = "report.html"
_BOM = "\ufeff"  # Excel needs it to see that a file is UTF-8
_ROWS_AT_ONCE = 500


def _nothing(_: str) -> str:
    return ""


def write_reports(
    folder: Path,
    summary: RunSummary,
    rows: Iterable[ResultRow],
    explain: Callable[[str], str] = _nothing,
) -> Report:
    """Write the files of a run from its rows, every row of every input, in input order. See `write_parts`."""
    renderer = Renderer(summary.sources, summary.feature_after is False)
    return write_parts(
        folder, summary.run_id, renderer, _parts(renderer, rows), lambda _tally: summary, explain
    )


def write_parts(
    folder: Path,
    run_id: str,
    renderer: Renderer,
    parts: Iterable[Part],
    summarise: Callable[[Tally], RunSummary],
    explain: Callable[[str], str] = _nothing,
) -> Report:
    """Write `results.csv`, `rejected*.csv`, `report.json` and `report.html` into `folder`, in place of older ones.

    Each file is replaced whole, the CSV files only after the last part has been read from `parts`, `report.json`
    last of all. A kill in between leaves files of two writings side by side, each whole; the next writing puts
    that right. Memory does not grow with the rows, which are read once. One writer to a folder at a time.

    Args:
        folder: made if missing, closed to others.
        run_id: of the run that they are of.
        renderer: the one that made the parts.
        parts: every row of every input, in input order.
        summarise: the head of the report, when all rows have been counted.
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
        tally, excerpts, rejected = _write_tables(folder, renderer, parts)
        for path in folder.glob("rejected*.csv"):
            if path.name not in rejected:
                path.unlink()
        summary = summarise(tally)
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
            f"program that has the file open; then `sspr resume {run_id}` writes them."
        ) from error
    return report


def _parts(renderer: Renderer, rows: Iterable[ResultRow]) -> Iterator[Part]:
    rows = iter(rows)
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        yield renderer.render(some)


def _write_tables(
    folder: Path, renderer: Renderer, parts: Iterable[Part]
) -> tuple[Tally, Excerpts, list[str]]:
    tally, excerpts = Tally(renderer.flag_off), Excerpts()
    tables = RejectedTables(renderer.sources)
    rejected: dict[str, TextIO] = {}
    need_commas: set[str] = set()
    with ExitStack() as stack:
        results = _begin(folder / RESULTS, ResultsTable(renderer.sources).header, COMMA, stack)
        for part in parts:
            results.write(part.results)
            for name, lines in part.rejected.items():
                if name not in rejected:
                    header = tables.header(name)
                    rejected[name] = _begin(folder / name, header, tables.delimiter(name), stack)
                rejected[name].write(lines)
            need_commas |= part.need_commas
            tally.extend(part.tally)
            excerpts.extend(part.excerpts)
    for name in need_commas:
        _separate_by_commas(folder / name, tables.delimiter(name))
    return tally, excerpts, list(rejected)


def _begin(path: Path, header: Sequence[str], delimiter: str, stack: ExitStack) -> TextIO:
    """A CSV file that takes the place of `path` when `stack` ends without an exception."""
    file = stack.enter_context(atomic_text(path))
    file.write(_BOM + as_csv([header], delimiter))
    return file


def _separate_by_commas(path: Path, delimiter: str) -> None:
    """Write a file anew that programs would otherwise miscount."""
    with path.open(encoding="utf-8-sig", newline="") as old, atomic_text(path) as new:
        new.write(_BOM)
        csv.writer(new, lineterminator=LINE_END).writerows(csv.reader(old, delimiter=delimiter))
