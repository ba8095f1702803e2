"""The two CSV files of a run. Both are RFC 4180 in UTF-8, with the byte order mark that Excel needs to see it.

`results.csv` has one line per row of the input. `rejected.csv` has the rows that a person must mend, as they
came, and is fit to be given back as input.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePath
from typing import Protocol

from sspr.cells import guard_cell, unguard_cell
from sspr.files import atomic_text
from sspr.model import NEEDED_COLUMNS, ResultRow, Source
from sspr.report.content import joined

RESULTS = "results.csv"
RESULT_COLUMNS = (
    "file",
    "line",
    "user_principal_name",
    "status",
    "reason",
    "message",
    "warnings",
    "alternate_email",
    "mobile_phone",
    "alternate_email_before",
    "mobile_phone_before",
    "email_method_before",
    "phone_method_before",
    "ready",
)
REASON_COLUMNS = ("sspr_reason", "sspr_message")

_BOM = "\ufeff"
# A telephone number as a tenant may hold it: a spreadsheet can at worst do sums with it, and scripts compare it.
_PHONE = re.compile(r"\+[\d ().x-]*")

_CODES = re.compile(r"[a-z]+(?:_[a-z]+)+(?:;[a-z]+(?:_[a-z]+)+)*")


class Writer(Protocol):
    """What `csv.writer` gives."""

    def writerow(self, row: Iterable[object], /) -> object:
        """Write one line."""


def guarded(text: str) -> str:
    """A cell of `results.csv`: no spreadsheet takes it for a formula, and a telephone number stays as it is."""
    if text[:1] == "+" and _PHONE.fullmatch(text):
        return text
    return guard_cell(text)


class ResultsTable:
    """`results.csv`: the columns of a result, then the other columns of the inputs, their headers united.

    An input's column whose name is taken (case aside: PowerShell's `Import-Csv` refuses two that differ only
    in case) is named `input_<name>`, so that a script finds ours under the names it knows.
    """

    def __init__(self, sources: Sequence[Source], file: Writer) -> None:
        """Write the header. `file` is a CSV writer at the start of its file."""
        self._sources, self._file = sources, file
        names: dict[str, str] = {}
        self._carried = [_carried(source, names) for source in sources]
        self._places = {key: place for place, key in enumerate(names)}
        file.writerow((*RESULT_COLUMNS, *map(guarded, names.values())))

    def add(self, row: ResultRow) -> None:
        """Write one row."""
        others = [""] * len(self._places)
        for index, key in self._carried[row.source]:
            if index < len(row.cells):
                others[self._places[key]] = row.cells[index]
        cells = (
            self._sources[row.source].name,
            str(row.line),
            row.user_principal_name,
            row.status.value,
            joined(row.reasons),
            row.message,
            joined(row.warnings),
            row.alternate_email,
            row.mobile_phone,
            row.alternate_email_before,
            row.mobile_phone_before,
            row.email_method_before,
            row.phone_method_before,
            row.ready,
            *others,
        )
        self._file.writerow([guarded(cell) for cell in cells])


def _carried(source: Source, names: dict[str, str]) -> list[tuple[int, str]]:
    """The index and the key of each column to carry through; new keys are added to `names` with their names."""
    skipped = {source.columns[column] for column in NEEDED_COLUMNS if column in source.columns}
    skipped.update(own_columns(source.header))
    carried: list[tuple[int, str]] = []
    taken = set(RESULT_COLUMNS)
    for index, header in enumerate(source.header):
        if index in skipped:
            continue
        name = header.strip() or f"input_column_{index + 1}"
        if name.casefold() in RESULT_COLUMNS:
            name = f"input_{name}"
        stem, number = name, 2
        while name.casefold() in taken:
            name, number = f"{stem}_{number}", number + 1
        taken.add(name.casefold())
        names.setdefault(name.casefold(), name)
        carried.append((index, name.casefold()))
    return carried


def own_columns(header: Sequence[str]) -> frozenset[int]:
    """Where a header holds the two columns that an earlier `rejected.csv` added."""
    return frozenset(index for index, name in enumerate(header) if _normal(name) in REASON_COLUMNS)


def _normal(name: str) -> str:
    return name.strip().casefold()


class RejectedTables:
    """`rejected.csv`, or `rejected-<name>.csv` per input where inputs differ in their headers.

    A file is begun with its first row. Cells, and the header's, are guarded against being run as formulas;
    the reader takes the guard off. A row that is too short for its header is filled up with empty cells. The
    surplus cells of one that is too long stand behind the message, under no header: no column shifts, nothing
    is lost, and until a person has put the cells in their places the row still does not fit its header.
    """

    def __init__(self, folder: Path, sources: Sequence[Source], stack: ExitStack) -> None:
        """`stack` ends when all rows have been added; only then do the files appear."""
        self._folder, self._sources, self._stack = folder, sources, stack
        self._own = [own_columns(source.header) for source in sources]
        headers = {self._without_own(index, source.header) for index, source in enumerate(sources)}
        self._names = ["rejected.csv"] * len(sources) if len(headers) == 1 else _names(sources)
        self._files: dict[str, Writer] = {}

    @property
    def names(self) -> list[str]:
        """The files begun so far."""
        return list(self._files)

    def add(self, row: ResultRow) -> None:
        """Write one rejected row."""
        header, cells = self._sources[row.source].header, row.cells
        width = len(self._without_own(row.source, header))
        if len(cells) <= len(header) or self._holds_codes(row):
            cells = self._without_own(row.source, cells)
        filled = (*cells[:width], *[""] * (width - len(cells)))
        line = (*filled, joined(row.reasons), row.message, *cells[width:])
        self._file(row.source).writerow([guard_cell(cell) for cell in line])

    def _holds_codes(self, row: ResultRow) -> bool:
        """Whether a row that is too long still holds our codes where its header has them."""
        header = self._sources[row.source].header
        places = [place for place in self._own[row.source] if _normal(header[place]) == REASON_COLUMNS[0]]
        return bool(places) and all(_CODES.fullmatch(row.cells[place]) for place in places)

    def _file(self, source: int) -> Writer:
        name = self._names[source]
        if name not in self._files:
            told = self._sources[source]
            self._files[name] = begin_csv(self._folder / name, self._stack)
            header = (*self._without_own(source, told.header), *REASON_COLUMNS)
            # A guard that came with the header of an earlier such file is not doubled.
            self._files[name].writerow([guard_cell(unguard_cell(cell)) for cell in header])
        return self._files[name]

    def _without_own(self, source: int, cells: Sequence[str]) -> tuple[str, ...]:
        own = self._own[source]
        return tuple(cell for index, cell in enumerate(cells) if index not in own)


def begin_csv(path: Path, stack: ExitStack) -> Writer:
    """A CSV writer of a file that takes the place of `path` when `stack` ends without an exception."""
    file = stack.enter_context(atomic_text(path))
    file.write(_BOM)
    # With another line end, Python 3.11 would leave a cell that holds a lone CR or LF unquoted.
    return csv.writer(file, lineterminator="\r\n")


def _names(sources: Sequence[Source]) -> list[str]:
    names: list[str] = []
    for source in sources:
        stem = re.sub(r"[^\w.-]+", "_", PurePath(source.name).stem).strip("._-")[:80] or "input"
        name, number = f"rejected-{stem}.csv", 2
        while name.casefold() in (given.casefold() for given in names):
            name, number = f"rejected-{stem}-{number}.csv", number + 1
        names.append(name)
    return names
