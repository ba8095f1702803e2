"""An Excel workbook (.xlsx, .xlsm): which sheets it has, and what a person should know of the one that is read.

The container is that of ECMA-376, part 2: a zip archive whose parts refer to each other.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from xml.parsers.expat import ExpatError

from sspr.input.blocks import Block
from sspr.input.cell_text import format_of
from sspr.input.errors import InputError
from sspr.input.records import Record
from sspr.input.sheet import Damaged, Limited, SheetRows, elements, shared_strings

# What a part may unpack to. A million rows of twenty columns are some 1.5 GiB.
_LARGEST_SHEET, _LARGEST_STRINGS, _LARGEST_OTHER = 2 << 30, 256 << 20, 32 << 20
_BLOCK_CELLS = 20_000
_CHUNK = 1 << 20
_OVERLAP = 1 << 12
_HIDDEN_ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*\shidden="(?:1|true)"')
_HIDDEN_COLUMN = re.compile(rb'<(?:\w+:)?col\b[^>]*\shidden="(?:1|true)"')
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="[A-Z]+[0-9]+:[A-Z]+([0-9]+)"')
# A formula without a value; one of text may have an empty one.
_UNCOUNTED = re.compile(
    rb'<(?:\w+:)?c\b(?![^>]*\st="str")[^>]*>\s*<(?:\w+:)?f\b[^>]*(?:/>|>[^<]*</(?:\w+:)?f>)\s*'
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_UNCOUNTED_NOTE = (
    "Some formulas hold no value, and their cells count as blank: open the workbook in Excel and save it."
)
_YES = frozenset({"1", "true"})


@dataclass(frozen=True, slots=True)
class _Styles:
    formats: tuple[str, ...]
    since_1904: bool


class Package:
    """The parts of a workbook."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name

    @contextmanager
    def readable(self) -> Iterator[_Parts]:
        """The parts, open for a while; whatever they lack becomes an `InputError`."""
        try:
            with zipfile.ZipFile(self.path) as archive, ExitStack() as opened:
                yield _Parts(archive, opened)
        except Damaged as error:
            raise InputError(f"{self.name}: the workbook is damaged: {error}. {_ANEW}") from None
        except (
            zipfile.BadZipFile, zlib.error, ExpatError, EOFError, ValueError, LookupError,
            NotImplementedError, RuntimeError,
        ):  # fmt: skip
            raise InputError(f"{self.name}: the workbook is damaged or cut off. {_ANEW}") from None
        except OSError as error:
            raise InputError(f"{self.name} cannot be read: {error.strerror or 'damaged'}.") from None

    @cached_property
    def sheets(self) -> tuple[Sheet, ...]:
        """The sheets of cells, in the order in which they are shown. Raises `InputError`."""
        with self.readable() as parts:
            sheets = []
            targets = parts.relations(parts.book)
            for element, attributes in parts.elements(parts.book):
                if element == "sheet":
                    kind, target = targets.get(_relation(attributes), ("", ""))
                    if kind == "worksheet":
                        hidden = attributes.get("state", "visible") != "visible"
                        sheets.append(Sheet(self, target, attributes.get("name", ""), hidden))
        if not sheets:
            raise InputError(f"{self.name}: the workbook has no sheet of cells.")
        return tuple(sheets)

    @cached_property
    def strings(self) -> list[str]:
        """The texts that cells of all sheets refer to."""
        with self.readable() as parts:
            part = parts.named(parts.book, "sharedStrings")
            return shared_strings(parts.open(part, _LARGEST_STRINGS)) if part else []

    @cached_property
    def styles(self) -> _Styles:
        """How numbers are shown."""
        with self.readable() as parts:
            since_1904 = any(
                element == "workbookPr" and attributes.get("date1904", "") in _YES
                for element, attributes in parts.elements(parts.book)
            )
            part = parts.named(parts.book, "styles")
            return _Styles(tuple(_formats(parts, part)) if part else (), since_1904)


_ANEW = "Open it in Excel and save it anew, or save it as CSV UTF-8."


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. `width`: cells that every record has at least."""

    package: Package = field(repr=False)
    part: str
    title: str
    hidden: bool
    width: int = 0

    def records(self) -> Iterator[Record]:
        """The rows that hold anything; `line` is the row's number in the sheet. Raises `InputError`."""
        strings, styles = self.package.strings, self.package.styles
        with self.package.readable() as parts:
            part = parts.open(self.part, _LARGEST_SHEET)
            for number, cells in SheetRows(strings, styles.formats, since_1904=styles.since_1904).read(part):
                if any(map(str.strip, cells)):
                    yield self.widened(_record(number, cells))

    def blocks(self) -> Iterator[Block]:
        """The records in blocks."""
        records: list[Record] = []
        size = 0
        for record in self.records():
            records.append(record)
            size += len(record.cells)
            if size >= _BLOCK_CELLS:
                yield Block(records[0].line, records=records)
                records, size = [], 0
        if records:
            yield Block(records[0].line, records=records)

    def notes(self, header_line: int) -> tuple[str, ...]:
        """What cannot be seen in the rows themselves. Reads all of the sheet, at the speed of unpacking it."""
        hidden = uncounted = False
        merged = 0
        with self.package.readable() as parts:
            before = b""
            for chunk in parts.open(self.part, _LARGEST_SHEET).chunks(_CHUNK):
                text = before + chunk
                if b'hidden="' in text:
                    hidden = hidden or bool(_HIDDEN_ROW.search(text) or _HIDDEN_COLUMN.search(text))
                if b"mergeCell" in text:
                    merged = max([merged, *(int(row) for row in _MERGED.findall(text))])
                if not uncounted and (b"<f" in text or b":f" in text):
                    uncounted = bool(_UNCOUNTED.search(text))
                before = text[-_OVERLAP:]
        notes = (
            (hidden, "Rows or columns that are hidden or filtered out in the sheet were read as well."),
            (
                merged > header_line,
                "Some cells are merged: only the first of those merged holds their value.",
            ),
            (
                uncounted,
                _UNCOUNTED_NOTE,
            ),
        )
        return tuple(note for holds, note in notes if holds)

    def widened(self, record: Record) -> Record:
        """The record with blank cells at its end where it has fewer than `width`: in a sheet they are not written."""
        missing = self.width - len(record.cells)
        return Record(record.line, record.cells + [""] * missing, record.fault) if missing > 0 else record


def _record(number: int, cells: list[str]) -> Record:
    if any("\0" in cell for cell in cells):
        return Record(number, [cell.replace("\0", "") for cell in cells], "a zero byte stands in it")
    return Record(number, cells)


class _Parts:
    """The parts of an opened archive, by their names, which are compared without regard to case."""

    def __init__(self, archive: zipfile.ZipFile, opened: ExitStack) -> None:
        """`opened`: closes the parts."""
        self._archive, self._opened = archive, opened
        self._infos = {info.filename.replace("\\", "/").casefold(): info for info in archive.infolist()}
        self.book = self.named("", "officeDocument") or "xl/workbook.xml"

    def open(self, part: str, limit: int) -> Limited:
        """Raises `KeyError` where there is none of this name."""
        stream = self._archive.open(self._infos[part.casefold()])
        return Limited(self._opened.enter_context(stream), limit)

    def elements(self, part: str) -> Iterator[tuple[str, dict[str, str]]]:
        return elements(self.open(part, _LARGEST_OTHER))

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: relation's id → its kind, and the part it leads to."""
        folder, base = posixpath.split(part)
        listing = posixpath.join(folder, "_rels", f"{base}.rels")
        if listing.casefold() not in self._infos:
            return {}
        return {
            attributes.get("Id", ""): (
                attributes.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", ""))).lstrip("/"),
            )
            for element, attributes in self.elements(listing)
            if element == "Relationship"
        }

    def named(self, part: str, kind: str) -> str | None:
        """The part of a kind that a part refers to."""
        return next((target for found, target in self.relations(part).values() if found == kind), None)


def _relation(attributes: dict[str, str]) -> str:
    """The id of the relation that an element names, whatever the prefix of the attribute."""
    return next((value for name, value in attributes.items() if name.endswith(":id")), "")


def _formats(parts: _Parts, part: str) -> Iterator[str]:
    """The format code of each style that a cell may name."""
    codes: dict[int, str] = {}
    within = False
    for element, attributes in parts.elements(part):
        if element == "numFmt":
            codes[int(attributes.get("numFmtId", "0"))] = attributes.get("formatCode", "")
        elif element in {"cellXfs", "cellStyleXfs", "cellStyles", "dxfs"}:
            within = element == "cellXfs"
        elif element == "xf" and within:
            yield format_of(int(attributes.get("numFmtId", "0")), codes)
