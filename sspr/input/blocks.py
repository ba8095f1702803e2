"""A file in blocks of whole records, so that several processes can read and judge it.

A quoted cell may hold line breaks, so a line's end is not a record's end. Almost every block is parsed by the
module `csv` without complaint, and then its end is one; where it complains, the records are read one by one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TextIO

from sspr.input.records import MAX_LINES, Record, Records, swallows

# Characters of text in a block: some thousand rows, so that handing it to another process costs little beside
# judging it.
BLOCK_SIZE = 1 << 18


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the cells of a line are told apart."""

    delimiter: str
    quote: str = '"'


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive records: as lines that the module `csv` reads without complaint, or as records already read."""

    first_line: int
    lines: Sequence[str] = field(repr=False, default=())
    records: Sequence[Record] = field(repr=False, default=())

    def read(self, dialect: Dialect) -> Iterator[Record]:
        """The records, empty ones left out."""
        if not self.lines:
            yield from self.records
            return
        reader = csv.reader(self.lines, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)
        line = self.first_line
        for cells in reader:
            if any(cells) and any(map(str.strip, cells)):
                yield Record(line, cells)
            line = self.first_line + reader.line_num


def text_blocks(file: TextIO, dialect: Dialect, size: int = BLOCK_SIZE) -> Iterator[Block]:
    """The blocks of a file of text that was opened with `newline=""`, from its first line on."""
    line = 1
    while lines := file.readlines(size):
        if _is_clean(lines, dialect):
            yield Block(line, lines=lines)
            line += len(lines)
            continue
        records = Records(chain(lines, file), dialect.delimiter, dialect.quote, line)
        end, taken = line + len(lines), []
        for record in records:
            taken.append(record)
            if records.next_line >= end and records.in_step:
                break
        yield Block(line, records=taken)
        line = records.next_line


def _is_clean(lines: Sequence[str], dialect: Dialect) -> bool:
    """Whether `csv` finds no fault in any record, and the last line ends one."""
    text = "".join(lines)
    if "\0" in text:
        return False
    if dialect.quote not in text:
        return len(max(lines, key=len)) <= csv.field_size_limit()
    reader = csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)
    before = 0
    try:
        for cells in reader:
            several = reader.line_num - before > 1
            if several and (reader.line_num - before >= MAX_LINES or swallows(cells, dialect.delimiter)):
                return False
            before = reader.line_num
    except csv.Error:
        return False
    return True
