"""An Excel workbook (.xlsx, .xlsm): which sheets it has, and the rows of each, read by openpyxl.

By its parts, not by its `load_workbook`. Read-only, that leaves out without a word the rows and cells that are not in
order, makes up all rows between two numbers, reads the shared texts anew for each reading, and refuses what other
programs write for reasons that no table has: fonts, printing, properties. XML entities are refused by defusedxml,
which openpyxl takes where it is installed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

from openpyxl.reader.excel import ExcelReader
from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.worksheet._reader import FORMULA_TAG, ROW_TAG, WorkSheetParser
from openpyxl.xml.constants import SHEET_MAIN_NS, STYLES_TYPE
from openpyxl.xml.functions import fromstring, iterparse

from sspr.input.blocks import Block
from sspr.input.cell_text import cell_text
from sspr.input.errors import InputError
from sspr.input.records import Record

# The greatest sheet that Excel makes (Microsoft, "Excel specifications and limits").
_MOST_ROWS, _MOST_COLUMNS = 1_048_576, 16_384
# What all parts may unpack to: a million rows of twenty columns are some 1.5 GiB. A workbook's XML is packed to a tenth
# or so; a bomb to a thousandth, and its elements take many times the memory of their text.
_LARGEST, _PACKED, _SMALL = 2 << 30, 200, 8 << 20
_BLOCK_ROWS = 1000
_ANEW = "Open it in Excel and save it anew, or save it as CSV UTF-8."
_UNCOUNTED = "a formula in it holds no value: open the workbook in Excel and save it"


class _Damaged(Exception):  # noqa: N818 - said of the workbook
    """The workbook does not hold what a workbook holds; the message says what, in a few words."""


class _Archive(ZipFile):
    """Finds parts as Excel does: in any case, and by either slash (other programs write what Windows calls them)."""

    def getinfo(self, name: str) -> ZipInfo:
        found = (part for part in self.filelist if _folded(part.filename) == _folded(name))
        return next(found, None) or super().getinfo(name)


@dataclass(frozen=True, slots=True)
class _Texts:
    """The texts that cells refer to by number. A list would take a negative one for a place from its end."""

    texts: Sequence[str]

    def __getitem__(self, place: int) -> str:
        if not 0 <= place < len(self.texts):
            raise _Damaged("a cell refers to a text that is not there")
        return self.texts[place]


@dataclass(frozen=True, slots=True)
class _Book:
    """What the sheets share. `formats`: the number format of each style. `epoch`: the day from which days count."""

    path: Path
    name: str
    texts: _Texts
    formats: Sequence[str]
    epoch: datetime


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet. `width`: cells that every record has at least."""

    book: _Book = field(repr=False)
    part: str
    title: str
    hidden: bool
    width: int = 0

    def records(self) -> Iterator[Record]:
        """The rows that hold anything, hidden ones too; `line` is the row's number in the sheet.

        Raises `InputError`, also further down.
        """
        book, last = self.book, 0
        with _opened(book.path, book.name) as reader, reader.archive.open(self.part) as source:
            parser = WorkSheetParser(source, book.texts, data_only=True, epoch=book.epoch)
            for _, element in iterparse(source):
                if element.tag == ROW_TAG:
                    if len(element) > _MOST_COLUMNS:
                        raise _Damaged("a row has more cells than a sheet has columns")
                    number, cells = parser.parse_row(element)
                    if not last < number <= _MOST_ROWS:
                        raise _Damaged("its rows are not numbered one after the other")
                    record = _record(number, element, cells, book)
                    if any(map(str.strip, record.cells)):
                        yield self.widened(record)
                    last = number
                    element.clear()
                    parser.row_dimensions.clear()

    def blocks(self) -> Iterator[Block]:
        """The records in blocks."""
        records = self.records()
        while block := list(islice(records, _BLOCK_ROWS)):
            yield Block(block[0].line, records=block)

    def widened(self, record: Record) -> Record:
        """The record with blank cells at its end where it has fewer than `width`: in a sheet they are not written."""
        missing = self.width - len(record.cells)
        return Record(record.line, record.cells + [""] * missing, record.fault) if missing > 0 else record


def sheets(path: Path, name: str) -> list[Sheet]:
    """The sheets of cells in the workbook at `path`, called `name` to a person, in the order in which they are shown.

    Raises `InputError` where it is damaged or holds none.
    """
    with _opened(path, name) as reader, warnings.catch_warnings(action="ignore"):
        reader.read_manifest()
        reader.read_strings()
        reader.read_workbook()
        book = _Book(path, name, _Texts(reader.shared_strings), _formats(reader), reader.wb.epoch)
        found = [
            Sheet(book, relation.target, sheet.name, sheet.state != "visible")
            for sheet, relation in reader.parser.find_sheets()
            if relation.Type.endswith("/worksheet")
        ]
    if not found:
        raise InputError(
            f'{name}: the workbook has no sheet that can be read. Save it as "Excel Workbook" (.xlsx), not as "Strict '
            f'Open XML Spreadsheet", or save it as CSV UTF-8.'
        )
    return found


@contextmanager
def _opened(path: Path, name: str) -> Iterator[ExcelReader]:
    try:
        with path.open("rb") as file:
            reader = ExcelReader(file, read_only=True, data_only=True, keep_links=False)
            reader.archive = _Archive(file)
            parts = reader.archive.infolist()  # no more is unpacked than the sizes that stand here
            if sum(part.file_size for part in parts) > _LARGEST or any(
                part.file_size > max(_SMALL, _PACKED * part.compress_size) for part in parts
            ):
                raise _Damaged("it unpacks to more than any table has")
            yield reader
    except _Damaged as error:
        raise InputError(f"{name}: the workbook is damaged: {error}. {_ANEW}") from None
    except Exception as error:  # noqa: BLE001 - openpyxl says of damage whatever it stumbles over
        if isinstance(error, OSError) and error.strerror:
            raise InputError(f"{name} cannot be read: {error.strerror}.") from None
        raise InputError(f"{name}: the workbook is damaged or cut off. {_ANEW}") from None


def _folded(name: str) -> str:
    return name.replace("\\", "/").casefold()


def _formats(reader: ExcelReader) -> Sequence[str]:
    """The number format of each style that a cell may name."""
    part = reader.package.find(STYLES_TYPE)  # type: ignore[no-untyped-call]
    if part is None:
        return ()
    styles, main = fromstring(reader.archive.read(part.PartName[1:])), {"main": SHEET_MAIN_NS}
    codes = BUILTIN_FORMATS | {
        int(each.get("numFmtId", "0")): each.get("formatCode", "")
        for each in styles.iterfind("main:numFmts/main:numFmt", main)
    }
    used = styles.iterfind("main:cellXfs/main:xf", main)
    return [codes.get(int(style.get("numFmtId", "0")), "") for style in used]


def _record(number: int, row: Sequence[Any], cells: Sequence[dict[str, Any]], book: _Book) -> Record:
    texts: list[str] = []
    fault = None
    for element, cell in zip(row, cells, strict=True):
        missing, style = cell["column"] - 1 - len(texts), cell["style_id"] or 0
        if missing < 0:
            raise _Damaged("two cells stand in one place")
        code = book.formats[style] if 0 <= style < len(book.formats) else ""
        texts += [""] * missing
        texts.append(cell_text(cell["value"], code, book.epoch))
        # A formula of text may have the empty one.
        if cell["value"] is None and element.get("t") != "str" and element.find(FORMULA_TAG) is not None:
            fault = _UNCOUNTED
    return Record(number, texts, fault)
