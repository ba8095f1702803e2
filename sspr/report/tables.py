"""The lines of the two CSV files of a run.

`results.csv` has one line per row of the input. `rejected.csv` has the rows that a person must mend, as they
came, and is fit to be given back as input.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from sspr.cells import guard_cell, unguard_cell
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
COMMA = ","
MALFORMED = "row_malformed"
UNTOUCHED = "Put each cell of this row under its header, then empty this one."
_NOWHERE = 1 << 30

# A telephone number as a tenant may hold it: a spreadsheet can at worst do sums with it, and scripts compare it.
_PHONE = re.compile(r"\+[\d ().x-]*")


_CODES = re.compile(r"[a-z]+(?:_[a-z]+)+(?:;[a-z]+(?:_[a-z]+)+)*")
# The first characters of which `guard_cell` may have something to say; almost no cell has one.
_SUSPECT = frozenset("=+-@\t\r\n＝＋－＠' ")


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

    def __init__(self, sources: Sequence[Source]) -> None:
        names: dict[str, str] = {}
        carried = [{key: index for index, key in _carried(source, names)} for source in sources]
        self._sources = [guarded(source.name) for source in sources]
        # Of each source, under each united name: the index of its cell, or one that no row has.
        self._carried = [[each.get(key, _NOWHERE) for key in names] for each in carried]
        self.header = (*RESULT_COLUMNS, *map(guarded, names.values()))

    def cells(self, row: ResultRow) -> list[str]:
        """The line of one row."""
        carried = row.cells
        foreign = [
            row.user_principal_name,
            row.alternate_email,
            row.alternate_email_before,
            row.mobile_phone_before,
            row.email_method_before,
            row.phone_method_before,
            *[carried[index] if index < len(carried) else "" for index in self._carried[row.source]],
        ]
        account, email, email_before, phone_before, email_method, phone_method, *others = [
            guarded(cell) if cell[:1] in _SUSPECT else cell for cell in foreign
        ]
        return [
            self._sources[row.source],
            str(row.line),
            account,
            row.status.value,
            joined(row.reasons) if row.reasons else "",
            row.message,
            joined(row.warnings) if row.warnings else "",
            email,
            row.mobile_phone,  # normalised: nothing that a spreadsheet runs
            email_before,
            phone_before,
            email_method,
            phone_method,
            row.ready,
            *others,
        ]


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

    Cells, and the header's, are guarded against being run as formulas; the reader takes the guard off. A row that
    does not fit its header is filled up with empty cells, or its surplus cells stand behind the message, under no
    header: no column shifts and nothing is lost. Behind the message of such a row there always is such a cell, so that
    it still does not fit until a person has put the cells in their places and emptied that one.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self._own = [own_columns(source.header) for source in sources]
        headers = {self._without_own(index, source.header) for index, source in enumerate(sources)}
        self._names = ["rejected.csv"] * len(sources) if len(headers) == 1 else _names(sources)

    def name(self, source: int) -> str:
        """The file in which the rows of an input are."""
        return self._names[source]

    def delimiter(self, name: str) -> str:
        """What separates the cells of that file: what separates those of its inputs; a comma where they differ."""
        used = {source.delimiter for source, of in zip(self._sources, self._names, strict=True) if of == name}
        return used.pop() if len(used) == 1 else COMMA

    def header(self, name: str) -> list[str]:
        """The first line of that file."""
        source = self._names.index(name)
        header = (*self._without_own(source, self._sources[source].header), *REASON_COLUMNS)
        # A guard that came with the header of an earlier such file is not doubled.
        return [guard_cell(unguard_cell(cell)) for cell in header]

    def cells(self, row: ResultRow) -> list[str]:
        """The line of one rejected row."""
        header, cells = self._sources[row.source].header, row.cells
        width = len(header) - len(self._own[row.source])
        if len(cells) <= len(header) or self._holds_codes(row):
            cells = self._without_own(row.source, cells)
        filled = (*cells[:width], *[""] * (width - len(cells)))
        surplus = cells[width:] or ((UNTOUCHED,) if MALFORMED in row.reasons else ())
        return [guard_cell(cell) for cell in (*filled, joined(row.reasons), row.message, *surplus)]

    def _holds_codes(self, row: ResultRow) -> bool:
        """Whether a row that is too long still holds our codes where its header has them."""
        header = self._sources[row.source].header
        places = [place for place in self._own[row.source] if _normal(header[place]) == REASON_COLUMNS[0]]
        return bool(places) and all(_CODES.fullmatch(row.cells[place]) for place in places)

    def _without_own(self, source: int, cells: Sequence[str]) -> tuple[str, ...]:
        own = self._own[source]
        return tuple(cell for index, cell in enumerate(cells) if index not in own) if own else tuple(cells)


def _names(sources: Sequence[Source]) -> list[str]:
    names: list[str] = []
    for source in sources:
        stem = re.sub(r"[^\w.-]+", "_", PurePath(source.name).stem).strip("._-")[:80] or "input"
        name, number = f"rejected-{stem}.csv", 2
        while name.casefold() in (given.casefold() for given in names):
            name, number = f"rejected-{stem}-{number}.csv", number + 1
        names.append(name)
    return names
