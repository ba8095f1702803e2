"""Lines → records of a CSV file, with the physical line on which each starts, and without giving up on a bad one.

The module `csv` parses; this adds what it does not tell: where a record began, and how to go on
after a quote that is never closed.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import msgspec

# A quoted cell with more line breaks than this is taken for a quote that somebody forgot to close.
MAX_LINES = 100
# A cell that no spreadsheet holds (Microsoft, "Excel specifications and limits") is shown as far as one would.
_SHOWN_AT_MOST = 32_767
_LINE_END = re.compile(r"\r\n|\r|\n")
_ADDRESS = re.compile(r"\s*[\"']?[^\s@\"']+@[^\s@\"']+[\"']?\s*")
UNCLOSED = "a quote is opened and not closed"


class Record(msgspec.Struct, frozen=True, gc=False):
    """The cells of one record. `fault`: why they may not be trusted."""

    line: int
    cells: list[str]
    fault: str | None = None

    def __repr__(self) -> str:
        return f"Record(line={self.line}, fault={self.fault!r})"


class _Endless(Exception):  # noqa: N818  # never leaves this module
    """A record spans more lines than a cell can be believed to have."""


class _Lines:
    """The lines of the file, of which those of a broken record can be taken back."""

    def __init__(self, lines: Iterable[str], first: int) -> None:
        self._lines = iter(lines)
        self._again: deque[str] = deque()
        self.pulled: list[str] = []
        self.next_line = first

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.pulled) >= MAX_LINES:
            raise _Endless
        line = self._again.popleft() if self._again else next(self._lines)
        self.pulled.append(line)
        return line

    @property
    def waiting(self) -> int:
        """How many lines were taken back and wait to be read again."""
        return len(self._again)

    def start(self) -> int:
        """The number of the line with which the next record begins."""
        self.next_line += len(self.pulled)
        self.pulled.clear()
        return self.next_line

    def take_back_all_but_first(self) -> str:
        """Puts the lines of a broken record back, except its first, which is returned."""
        first, *rest = self.pulled
        self._again.extendleft(reversed(rest))
        self.pulled[1:] = []
        return first


class Records:
    """The records of `lines` (which keep their line ends; the first is line number `first`), empty ones left out."""

    def __init__(self, lines: Iterable[str], delimiter: str, quote: str = '"', first: int = 1) -> None:
        self._source = _Lines(lines, first)
        self._delimiter, self._quote = delimiter, quote
        # strict: a stray quote is a fault of its row, not an invitation to guess where the cell ends.
        self._reader = csv.reader(self._source, delimiter=delimiter, quotechar=quote, strict=True)

    @property
    def next_line(self) -> int:
        """The number of the line with which the next record begins."""
        return self._source.start()

    @property
    def in_step(self) -> bool:
        """Whether every line that was taken belongs to a record that was given: none waits to be read again."""
        return not self._source.waiting

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        while True:
            record = self._next()
            if any(cell.strip() for cell in record.cells):
                return record

    def _next(self) -> Record:
        line, fault = self._source.start(), None
        try:
            cells = next(self._reader)
            if len(self._source.pulled) > 1 and swallows(cells, self._delimiter):
                raise _Endless
        except (csv.Error, _Endless) as error:
            several = len(self._source.pulled) > 1
            text = self._source.take_back_all_but_first()
            fault = UNCLOSED if several or text.count(self._quote) % 2 else _reason(error)
            cells = text.rstrip("\r\n").split(self._delimiter)  # roughly: for showing only
            if any(len(cell) > _SHOWN_AT_MOST for cell in cells):
                cells = [cell[:_SHOWN_AT_MOST] for cell in cells]
        if any("\0" in cell for cell in cells):
            fault = fault or "a zero byte stands in it"
            cells = [cell.replace("\0", "") for cell in cells]
        return Record(line, cells, fault)


def swallows(cells: Sequence[str], delimiter: str) -> bool:
    """Whether a record of several lines has other records in it, between a stray quote and the next: a line within a
    cell has an address and as many separators as a line of its own, or begins with an address and a separator.
    """
    own = max(2, len(cells) - 1)
    for cell in cells:
        if "@" in cell and ("\n" in cell or "\r" in cell):
            for line in _LINE_END.split(cell)[1:]:
                before, separator, _ = line.partition(delimiter)
                if "@" in line and (
                    line.count(delimiter) >= own or (separator and _ADDRESS.fullmatch(before))
                ):
                    return True
    return False


def _reason(error: Exception) -> str:
    # The module's only other complaint about a single line is its limit of 131,072 characters for a cell.
    return "a cell is far too long" if "limit" in str(error) else "a quote stands inside a cell"
