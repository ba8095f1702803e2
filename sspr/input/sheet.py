"""The XML of a workbook's parts → rows of text, as a stream: a sheet of a million rows takes no more memory than ten.

Read by the XML parser of the standard library, without document types: they are what XML bombs are made of, and no
workbook has one. Why no library: those that keep number formats build an object for every cell (100 s for a million
rows), those that do not would lose the zeros that a format shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO
from xml.parsers import expat

from sspr.input.cell_text import number_text, typed_text, unescape

# The greatest sheet and cell that Excel makes (Microsoft, "Excel specifications and limits").
MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
_LONGEST_TEXT = 1 << 18  # the limit is 32,767 characters; others write more
_MOST_STRINGS = 10_000_000
_CHUNK = 1 << 16
_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")

Row = tuple[int, list[str]]


class Damaged(Exception):  # noqa: N818 - said of the workbook
    """The workbook does not hold what a workbook holds; the message says what, in a few words."""


class Limited:
    """A part of the workbook, unpacked as it is read, up to some size."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream, self._left = stream, limit

    def chunks(self, size: int = _CHUNK) -> Iterator[bytes]:
        """The bytes. Raises `Damaged` where there are more than any workbook has."""
        while chunk := self._stream.read(size):
            self._left -= len(chunk)
            if self._left < 0:
                raise Damaged("it unpacks to more than any table has")
            yield chunk


def elements(part: Limited) -> Iterator[tuple[str, dict[str, str]]]:
    """The local names and attributes of a part's elements, in the order in which they begin."""
    found: list[tuple[str, dict[str, str]]] = []
    parser = _parser()
    parser.StartElementHandler = lambda name, attributes: found.append((_local(name), attributes))
    for chunk in part.chunks():
        parser.Parse(chunk, False)
        yield from found
        found.clear()
    parser.Parse(b"", True)


def shared_strings(part: Limited) -> list[str]:
    """The texts that cells refer to by number."""
    strings: list[str] = []
    text = _TextOf("si", lambda taken: strings.append(unescape(taken)))
    for chunk in part.chunks():
        text.parser.Parse(chunk, False)
        if len(strings) > _MOST_STRINGS:
            raise Damaged("it has more texts than any table has")
    text.parser.Parse(b"", True)
    return strings


class SheetRows:
    """The rows of a sheet that hold anything, with their numbers; blank cells between are the empty string."""

    def __init__(self, strings: Sequence[str], formats: Sequence[str], *, since_1904: bool) -> None:
        """`formats`: the format code of each style."""
        self._strings, self._formats, self._since_1904 = strings, formats, since_1904
        self._columns: dict[str, int] = {}
        self._done: list[Row] = []
        self._last = self._number = 0
        self._cells: list[str] = []
        self._kind, self._style, self._column = "n", "", 0

    def read(self, part: Limited) -> Iterator[Row]:
        """The rows. Raises `Damaged`, and what the parser raises."""
        text = _TextOf("c", self._end, self._begin)
        for chunk in part.chunks():
            text.parser.Parse(chunk, False)
            yield from self._rows()
        text.parser.Parse(b"", True)
        self._close_row()
        yield from self._rows()

    def _rows(self) -> Iterator[Row]:
        yield from self._done
        self._done.clear()

    def _begin(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "c":
            self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
            reference = attributes.get("r")
            column = self._column_of(reference) if reference else len(self._cells)
            if column < len(self._cells):
                raise Damaged("two cells stand in one place")
            self._column = column
        elif name == "row":
            self._close_row()
            number = attributes.get("r")
            self._number = int(number) if number else self._number + 1
            if not self._last < self._number <= MOST_ROWS:
                raise Damaged("its rows are not numbered one after the other")

    def _end(self, raw: str) -> None:
        text = self._text(raw) if raw else ""
        missing = self._column - len(self._cells)
        if missing:
            self._cells.extend([""] * missing)
        self._cells.append(text)

    def _close_row(self) -> None:
        self._last = self._number
        if any(self._cells):
            self._done.append((self._number, self._cells))
        self._cells = []

    def _text(self, raw: str) -> str:
        kind = self._kind
        if kind == "s":
            place = int(raw)
            if not 0 <= place < len(self._strings):
                raise Damaged("a cell refers to a text that is not there")
            return self._strings[place]
        if kind != "n":
            return typed_text(kind, raw)
        style = int(self._style) if self._style else 0
        code = self._formats[style] if 0 <= style < len(self._formats) else ""
        # Most numbers are plain digits without a format.
        return raw if not code and raw.isdecimal() else number_text(raw, code, since_1904=self._since_1904)

    def _column_of(self, reference: str) -> int:
        match = _REFERENCE.fullmatch(reference)
        if match is None:
            raise Damaged("a cell stands in no column")
        letters = match[1]
        column = self._columns.get(letters)
        if column is None:
            number = 0
            for letter in letters:
                number = number * 26 + ord(letter) - 64
            if number > MOST_COLUMNS:
                raise Damaged("a cell stands outside the sheet")
            column = self._columns[letters] = number - 1
        return column


class _TextOf:
    """Collects the text of `<v>` and `<t>` in each element of one name; how rich text is pronounced is left out."""

    def __init__(
        self,
        wanted: str,
        ended: Callable[[str], object],
        began: Callable[[str, dict[str, str]], object] | None = None,
    ) -> None:
        """`ended` is given the text of each wanted element; `began` each element that is not text, as it begins."""
        self._wanted, self._ended, self._began = wanted, ended, began
        self._names: dict[str, str] = {}
        self._taken: list[str] = []
        self._size = 0
        self._taking = False
        self._skipping = 0
        self.parser = _parser()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._stop
        self.parser.CharacterDataHandler = self._take

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = self._names.get(name) or self._names.setdefault(name, _local(name))
        if local in {"v", "t"}:
            self._taking = not self._skipping
        elif local == "rPh":
            self._skipping += 1
        else:
            if local == self._wanted:
                self._taken.clear()
                self._size = 0
            if self._began is not None:
                self._began(local, attributes)

    def _stop(self, name: str) -> None:
        local = self._names[name]
        if local in {"v", "t"}:
            self._taking = False
        elif local == "rPh":
            self._skipping -= 1
        elif local == self._wanted:
            self._ended("".join(self._taken))

    def _take(self, text: str) -> None:
        if self._taking:
            self._size += len(text)
            if self._size > _LONGEST_TEXT:
                raise Damaged("a cell is far too long")
            self._taken.append(text)


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_document_type
    return parser


def _refuse_document_type(*_: object) -> None:
    raise Damaged("it holds an XML document type, which no workbook has")


def _local(name: str) -> str:
    return name.rpartition(":")[2]
