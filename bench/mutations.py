"""Input files of every dialect, and what damages them: for `bench/mutate.py` and a bounded test of the same kind."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

from sspr.input.errors import InputError
from sspr.input.table import WORKBOOK, ReadOptions, Table, open_table

_HEADER = ("user_principal_name", "alternate_email", "mobile_phone", "country", "display_name", "note")
_NAMES = ("Müller", "José Núñez", "O'Brien", "Łukasz", "山田太郎", "Smith, John", 'the "boss"', "two\nlines")
_LATIN = ("Müller", "José Núñez", "O'Brien", "François", "Smith, John", 'the "boss"', "two\nlines")


def _rows(names: tuple[str, ...] = _NAMES) -> list[tuple[str, ...]]:
    people = [
        (
            f"admin{n}@contoso.com",
            f"admin{n}@fabrikam.com",
            f"+44 79111234{n:02}",
            "GB",
            names[n % len(names)],
            f"n{n}",
        )
        for n in range(18)
    ]
    return [_HEADER, *people]


def _csv(
    delimiter: str = ",",
    end: str = "\r\n",
    quote: str = '"',
    *,
    names: tuple[str, ...] = _NAMES,
    always: bool = False,
    before: str = "",
) -> str:
    def cell(text: str) -> str:
        needs = always or any(character in text for character in (delimiter, quote, "\n"))
        return quote + text.replace(quote, quote * 2) + quote if needs else text

    return before + end.join(delimiter.join(map(cell, row)) for row in _rows(names)) + end


def _workbook(*, shared: bool) -> bytes:
    texts: dict[str, int] = {}

    def cell(place: str, text: str) -> str:
        if text.startswith("+44"):
            return f'<c r="{place}" s="1"><v>{text[4:]}</v></c>'
        if shared:
            return f'<c r="{place}" t="s"><v>{texts.setdefault(text, len(texts))}</v></c>'
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'

    sheet = "".join(
        f'<row r="{n}">{"".join(cell(f"{letter}{n}", text) for letter, text in zip("ABCDEF", row, strict=True))}</row>'
        for n, row in enumerate(_rows(), 1)
    )
    strings = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
    types = 'xmlns="http://schemas.openxmlformats.org/package/2006/content-types"'
    spreadsheet = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    overrides = "".join(
        f'<Override PartName="/xl/{part}.xml" ContentType="{spreadsheet}.{what}+xml"/>'
        for part, what in (("workbook", "sheet.main"), ("sharedStrings", "sharedStrings"))
    )

    def related(*parts: tuple[str, str]) -> str:
        links = (
            f'<Relationship Id="r{n}" Type="{kind}/{what}" Target="{target}"/>'
            for n, (what, target) in enumerate(parts)
        )
        return f"<Relationships {package}>{''.join(links)}</Relationships>"

    parts = {
        "[Content_Types].xml": f"<Types {types}>{overrides}</Types>",
        "_rels/.rels": related(("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{kind}">'
        f'<sheets><sheet name="Admins" sheetId="1" r:id="r0"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": related(
            ("worksheet", "worksheets/sheet1.xml"),
            ("sharedStrings", "sharedStrings.xml"),
            ("styles", "styles.xml"),
        ),
        "xl/styles.xml": f'<styleSheet {main}><numFmts><numFmt numFmtId="164" formatCode="&quot;+44&quot;0"/></numFmts>'
        f'<cellXfs><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>',
        "xl/sharedStrings.xml": f"<sst {main}>{strings}</sst>",
        "xl/worksheets/sheet1.xml": f"<worksheet {main}><sheetData>{sheet}</sheetData></worksheet>",
    }
    return _zipped({name: text.encode() for name, text in parts.items()})


def _zipped(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


SEEDS: dict[str, bytes] = {
    "comma": _csv().encode(),
    "comma, mark, every cell quoted": _csv(always=True).encode("utf-8-sig"),
    "semicolon, sep=": _csv(";", before="sep=;\r\n").encode("utf-8-sig"),
    "tab, UTF-16": _csv("\t").encode("utf-16"),
    "comma, UTF-16 without mark": _csv(end="\n").encode("utf-16-le"),
    "comma, UTF-16 the other way round": _csv(end="\n").encode("utf-16-be"),
    "tab, UTF-32": _csv("\t").encode("utf-32"),
    "semicolon, cp1252": _csv(";", names=_LATIN).encode("cp1252"),
    "comma, cp1251": _csv(names=("Иван Петров",)).encode("cp1251"),
    "comma, cp932": _csv(names=("山田太郎",)).encode("cp932"),
    "bar": _csv("|", end="\n").encode(),
    "single quotes": _csv(";", quote="'", always=True).encode(),
    "old line ends": _csv(end="\r", names=_NAMES[:-1]).encode(),
    "title lines": _csv(before="Report of administrators\r\n\r\n").encode(),
    "version row": _csv(before="version:v1.0\r\n").encode(),
    "workbook": _workbook(shared=False),
    "workbook with shared texts": _workbook(shared=True),
}

_TOKENS = (
    b'"', b'""', b"'", b",", b";", b"\t", b"|", b"\r", b"\n", b"\r\n", b"\n\n",
    b"\0", b"\0\0\0\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff", b"\xc3", b"\xe2\x80\xa8", b"\xc2\x85",
    b"\x0b", b"\x0c", b"\x1a", b"\x1c", b"=", b"@", b" ", b'"\n"', b"sep=;\n", b"0", b"9999999999", b"-1",
    b"<", b">", b"&", b"&#0;", b"<row>", b"</row>", b"<c>", b"</c>", b"<!DOCTYPE x>", b'r="A1"', b"_xD800_",
)  # fmt: skip


def mutate(content: bytes, chance: random.Random) -> bytes:
    """The file with some damages. A workbook is mostly damaged inside its parts, where its checksums do not see it."""
    if content.startswith(b"PK") and chance.random() < 0.8:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        for _ in range(chance.randint(1, 3)):
            name = chance.choice(list(parts))
            parts[name] = _damaged(parts[name], chance)
        return _zipped(parts)
    return _damaged(content, chance)


def _damaged(content: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5, 8, 20))):
        content = chance.choice(_DAMAGES)(content, chance)
    return content


def _place(content: bytes, chance: random.Random) -> int:
    return chance.randint(0, len(content))


def _flip(content: bytes, chance: random.Random) -> bytes:
    if not content:
        return content
    place = chance.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]


def _insert(content: bytes, chance: random.Random) -> bytes:
    place = _place(content, chance)
    return content[:place] + chance.choice(_TOKENS) * chance.choice((1, 1, 1, 2, 30)) + content[place:]


def _slice(content: bytes, chance: random.Random) -> tuple[int, int]:
    start = _place(content, chance)
    return start, min(len(content), start + chance.choice((1, 2, 3, 10, 100, 1000)))


def _remove(content: bytes, chance: random.Random) -> bytes:
    start, end = _slice(content, chance)
    return content[:start] + content[end:]


def _repeat(content: bytes, chance: random.Random) -> bytes:
    start, end = _slice(content, chance)
    return content[:end] + content[start:end] * chance.choice((1, 1, 5)) + content[end:]


def _move(content: bytes, chance: random.Random) -> bytes:
    start, end = _slice(content, chance)
    rest = content[:start] + content[end:]
    place = _place(rest, chance)
    return rest[:place] + content[start:end] + rest[place:]


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: _place(content, chance)] if chance.random() < 0.3 else content


def _exchange(content: bytes, chance: random.Random) -> bytes:
    """One token for another, at one place or everywhere."""
    old, new = chance.choice(_TOKENS[:11]), chance.choice(_TOKENS)
    if chance.random() < 0.2:
        return content.replace(old, new)[: 1 << 20]
    place = content.find(old, _place(content, chance))
    return content if place < 0 else content[:place] + new + content[place + len(old) :]


_DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip, _insert, _insert, _remove, _repeat, _move, _cut, _exchange, _exchange,
)  # fmt: skip


def outcome(path: Path) -> str:
    """`read` or `refused`; raises whatever is neither, and `AssertionError` where a row is lost or invented."""
    try:
        table = open_table(path, path.name, ReadOptions())
        rows = list(table.rows())
    except InputError as error:
        told = str(error)
        if "\n" in told or not told.endswith((".", ".)")) or path.name not in told:
            raise AssertionError(f"no sentence that names the file: {told}") from None
        return "refused"
    lines = [row.line for row in rows]
    if not rows or lines != sorted(set(lines)):
        raise AssertionError("no rows, or not in the order of the file")
    if any((row.malformed is None) != bool(row.fields) for row in rows):
        raise AssertionError("a row is neither whole nor malformed")
    if table.source.encoding != WORKBOOK:
        _compare(path, table)
    return "read"


def _compare(path: Path, table: Table) -> None:
    """Every letter and digit of the file stands in the record that begins on its line or before it, in its order."""
    text = path.read_bytes().decode(table.source.encoding, errors="replace")
    physical = list(io.StringIO(text, newline=""))
    records = [record for block in table.blocks() for record in block.read(table.dialect)]
    ends = [record.line for record in records[1:]] + [len(physical) + 1]
    if any(map(_signs, physical[: records[0].line - 1])):
        raise AssertionError("what stands before the first record is lost")
    for record, end in zip(records, ends, strict=True):
        if _signs("".join(physical[record.line - 1 : end - 1])) != _signs("".join(record.cells)):
            raise AssertionError(f"line {record.line} is read as something else")


def _signs(text: str) -> str:
    return "".join(filter(str.isalnum, text))
