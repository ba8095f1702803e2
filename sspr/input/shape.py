"""What a header makes of the records under it. A value that other processes can be given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from sspr.cells import unguard_cell
from sspr.input.records import Record
from sspr.model import Row

# A further field of a row that names its country in two columns, such as usage location and country.
OTHER_COUNTRY = "other_country"
_BETWEEN_ENTRIES = re.compile(r"[;,|]")


@dataclass(frozen=True, slots=True)
class Shape:
    """How a record becomes a row.

    `header_line`: records up to this line are no data; nor are those on `skipped` lines (a template's example, a
    second line of labels). `width`: cells of the header; `named`: those up to the last that has a name (where a
    separator too many moved the cells of a row, one stands behind it); `surplus`: separators that every row has behind
    its last cell, more than the header. `kept`: indices of the cells that are carried
    on, in order. `canonical`: column → places among the kept cells; where a column has several places, the first cell
    that is not blank counts. `lists`: columns that hold a list of which the first entry counts. `guarded`: one of our
    own files, whose cells `guard_cell` wrote. `passwords`: whether a column of passwords was left out.
    """

    header_line: int
    width: int
    named: int
    kept: tuple[int, ...]
    canonical: tuple[tuple[str, tuple[int, ...]], ...]
    surplus: int = 0
    skipped: frozenset[int] = frozenset()
    lists: frozenset[str] = frozenset()
    guarded: bool = False
    passwords: bool = False
    _several: tuple[tuple[str, tuple[int, ...]], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        several = tuple(each for each in self.canonical if len(each[1]) > 1)
        object.__setattr__(self, "_several", several)

    def row(self, record: Record) -> Row | None:
        """The row of a record; None where it is no data."""
        if record.line <= self.header_line or record.line in self.skipped:
            return None
        cells, malformed = record.cells, record.fault
        if self.guarded and len(cells) > self.width and not any(map(str.strip, cells[self.width :])):
            # In a file of ours: there the message stands at the end of a row, and a comma too many moves it.
            cells = cells[: self.width]
        elif self.surplus and len(cells) == self.width + self.surplus and not _may_be_split(cells):
            cells = cells if any(map(str.strip, cells[self.width :])) else cells[: self.width]
        if malformed is None:
            if len(cells) != self.width:
                malformed = self._misfit(cells)
            elif self.named < self.width:
                if any(map(str.strip, cells[self.named :])):
                    malformed = "a value stands behind the last column that has a name"
                elif _may_be_split(cells):
                    malformed = "a cell begins with a space, as where a cell was split in two"
        if malformed is not None:
            return Row(record.line, self._shown(cells), {}, malformed)
        if self.guarded or len(self.kept) != self.width:
            cells = [unguard_cell(cells[index]) if self.guarded else cells[index] for index in self.kept]
        fields = {column: cells[places[0]] for column, places in self.canonical}
        if self.lists or self._several:
            self._look_further(fields, cells)
        return Row(record.line, tuple(cells), fields)

    def _misfit(self, cells: Sequence[str]) -> str:
        if len(cells) == 1 and max(map(cells[0].count, ",;\t|")) >= self.width - 1 > 0:
            return "the whole line is in one pair of quotes"
        return f"{_count(len(cells), 'cell')}, the header has {self.width}"

    def _look_further(self, fields: dict[str, str], cells: Sequence[str]) -> None:
        """Columns that have several places, and columns that hold lists."""
        for column, places in self._several:
            said = [cells[place] for place in places if cells[place].strip()]
            if said:
                fields[column] = said[0]
            if len(said) > 1 and column == "country":
                fields[OTHER_COUNTRY] = said[1]
        for column in self.lists:
            fields[column] = _first_entry(fields[column])

    def _shown(self, cells: list[str]) -> tuple[str, ...]:
        """The cells of a row that does not fit. Where a column holds passwords none is kept: it may stand anywhere."""
        if self.passwords:
            return ()
        kept = [cell for index, cell in enumerate(cells) if index >= self.width or index in self.kept]
        return tuple(map(unguard_cell, kept)) if self.guarded else tuple(kept)


def _may_be_split(cells: Sequence[str]) -> bool:
    """Whether a separator within a cell may have split it, as in `Pemberton, Oliver`: the rest begins with a space."""
    return any(cell.startswith(" ") and cell.strip() for cell in cells)


def _first_entry(text: str) -> str:
    """The first entry of a list as exports write it: `a; b`, `{a, b}`."""
    text = text.strip().removeprefix("{").removesuffix("}")
    return next((entry for entry in _BETWEEN_ENTRIES.split(text) if entry.strip()), text)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
