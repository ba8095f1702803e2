"""Rows → the text of the CSV files, the counts, and what the page shows of them. A part of the rows at a time, so that
memory does not grow with them and several processes can share the work.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sspr.model import ResultRow, Source, Status
from sspr.report.content import Tally
from sspr.report.html import Excerpts
from sspr.report.tables import COMMA, RejectedTables, ResultsTable

# With another line end, Python 3.11 would leave a cell that holds a lone CR or LF unquoted.
LINE_END = "\r\n"


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive rows of a report. `results`: their lines in `results.csv`; `rejected`: file → its lines;
    `need_commas`: the files among them that a reader of commas would miscount (see `miscounted`).
    """

    results: str = field(repr=False)
    rejected: dict[str, str] = field(repr=False)
    need_commas: frozenset[str]
    tally: Tally
    excerpts: Excerpts


@dataclass(frozen=True, slots=True)
class Renderer:
    """What the lines of a run's files look like. `flag_off`: the flag was found off at the end of the run."""

    sources: tuple[Source, ...]
    flag_off: bool = False

    def render(self, rows: Iterable[ResultRow], *, excerpts: bool = True) -> Part:
        """The part of the report that these rows are. `excerpts`: whether the page has room for more of them."""
        table, rejected_tables = ResultsTable(self.sources), RejectedTables(self.sources)
        tally, shown = Tally(self.flag_off), Excerpts()
        lines: list[list[str]] = []
        rejected: dict[str, list[list[str]]] = {}
        for row in rows:
            tally.add(row)
            lines.append(table.cells(row))
            if row.status is Status.REJECTED:
                rejected.setdefault(rejected_tables.name(row.source), []).append(rejected_tables.cells(row))
            obstacle = tally.obstacle(row) if row.ready == "no" else ""
            shown.add(row, self.sources[row.source].name, obstacle, keep=excerpts)
        texts = {name: as_csv(each, rejected_tables.delimiter(name)) for name, each in rejected.items()}
        need_commas = frozenset(
            name
            for name, each in rejected.items()
            if rejected_tables.delimiter(name) != COMMA and miscounted(texts[name], len(each))
        )
        return Part(as_csv(lines), texts, need_commas, tally, shown)


def as_csv(lines: Iterable[Sequence[str]], delimiter: str = COMMA) -> str:
    """Lines as RFC 4180 has them, with another delimiter where one is given."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=LINE_END).writerows(lines)
    return text.getvalue()


def miscounted(text: str, lines: int) -> bool:
    """Whether a program that takes commas for the separator, as most do, would not find so many lines in a text.

    With another one, a line break in a quoted cell ends a line for such a program, and a quote after a comma
    swallows one.
    """
    try:
        return sum(1 for _ in csv.reader(io.StringIO(text, newline=""))) != lines
    except csv.Error:
        return True
