"""What a file is that is neither a table of text nor a workbook, told by its content; its name is not believed."""

from __future__ import annotations

import codecs
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

SAVE_AS = 'Open it in Excel and save it as "CSV UTF-8 (Comma delimited)"'
_SPREADSHEET = (
    'Open it in the program that made it, and save it as CSV (UTF-8) or as "Excel Workbook" (.xlsx).'
)
_DOCUMENT = "Put the table into a spreadsheet, and save it as CSV (UTF-8) or as an Excel workbook (.xlsx)."
_PICTURE = (
    "A picture of a table cannot be read: ask for the table itself, as CSV or as an Excel workbook (.xlsx)."
)
_ARCHIVE = "Unpack it first, and name the files in it."
_EXPORT = "Export it again as CSV (UTF-8)."
_WRONG = "It is probably the wrong file: name the CSV file or the workbook."
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# How much of an old Office file is searched for the names of its parts.
_OLE_SEARCHED = 64 << 20


@dataclass(frozen=True, slots=True)
class Kind:
    """`what` a file is (`a PDF document`), and in a sentence what its owner can do (`advice`)."""

    what: str
    advice: str


_DAMAGED = Kind(
    "a workbook or a zip archive that is damaged or cut off",
    "Fetch it again, or open it in Excel and save it anew.",
)
_XLS = Kind(
    "an Excel 97-2003 workbook (.xls)",
    'Open it in Excel and save it as "Excel Workbook" (.xlsx) or CSV UTF-8.',
)
_HTML = Kind("a web page (HTML), whatever its name says", f"{SAVE_AS}, or export it again as CSV.")
_SIGNATURES: tuple[tuple[bytes, Kind], ...] = (
    (b"%PDF", Kind("a PDF document", _PICTURE)),
    (b"\x89PNG", Kind("a PNG image", _PICTURE)),
    (b"\xff\xd8\xff", Kind("a JPEG image", _PICTURE)),
    (b"GIF8", Kind("a GIF image", _PICTURE)),
    (b"II*\0", Kind("a TIFF image", _PICTURE)),
    (b"MM\0*", Kind("a TIFF image", _PICTURE)),
    (b"\x1f\x8b", Kind("a gzip archive", _ARCHIVE)),
    (b"BZh", Kind("a bzip2 archive", _ARCHIVE)),
    (b"7z\xbc\xaf\x27\x1c", Kind("a 7-Zip archive", _ARCHIVE)),
    (b"Rar!", Kind("a RAR archive", _ARCHIVE)),
    (b"\xfd7zXZ", Kind("an xz archive", _ARCHIVE)),
    (b"\x28\xb5\x2f\xfd", Kind("a Zstandard archive", _ARCHIVE)),
    (b"MSCF", Kind("a cabinet archive", _ARCHIVE)),
    (b"SQLite format 3", Kind("an SQLite database", _EXPORT)),
    (b"\0\1\0\0Standard ", Kind("an Access database", _EXPORT)),
    (b"PAR1", Kind("a Parquet file", _EXPORT)),
    (b"ARROW1", Kind("an Arrow file", _EXPORT)),
    (b"Obj\1", Kind("an Avro file", _EXPORT)),
    (b"{\\rtf", Kind("a rich text document", _DOCUMENT)),
    (b"bplist00", Kind("a property list of macOS", _WRONG)),
    (b"\0\5\x16\7", Kind("a helper file of macOS", _WRONG)),
    (b"\x4c\0\0\0\1\x14\2\0", Kind("a shortcut of Windows", "Name the file it leads to.")),
    (b"[InternetShortcut]", Kind("a shortcut to a web page", "Download the file it leads to.")),
    (b"\x7fELF", Kind("a program", _WRONG)),
    (b"MZ\x90\0", Kind("a program", _WRONG)),
    (b"#!", Kind("a script", _WRONG)),
    (b"-----BEGIN ", Kind("a key, a certificate or an encrypted message", _WRONG)),
)
_MEDIA = {  # what a file says at its 5th or 9th byte, behind a length
    b"ftyphei": Kind("a HEIC image", _PICTURE),
    b"ftypmif1": Kind("a HEIC image", _PICTURE),
    b"ftypavif": Kind("an AVIF image", _PICTURE),
    b"ftyp": Kind("a video", _WRONG),
}
# Header fields of which one is known to be in every message.
_MESSAGE = (
    r"(?:From \S+@|(?:[\w-]+: [^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*)*"
    r"(?:Received|Return-Path|MIME-Version|Message-ID|Delivered-To|Content-Type): )"
)
_TEXTS: tuple[tuple[re.Pattern[str], Kind], ...] = tuple(
    (re.compile(r"\s*" + pattern, re.IGNORECASE | re.DOTALL), kind)
    for pattern, kind in (
        (r"<(?:!doctype\s+html|html|head|body|table|meta|style|script|div)\b|<!--", _HTML),
        (r"<\?xml.{0,2000}<html\b", _HTML),
        (r"<(?:\?xml.{0,2000}<)?(?:\w+:)?Workbook\b", Kind("an XML spreadsheet of Excel 2003", _XLS.advice)),
        (r"<\?xml.{0,2000}<(?:\w+:)?svg\b|<svg\b", Kind("an SVG image", _PICTURE)),
        (r"<\?xml\b", Kind("an XML document", _EXPORT)),
        (r"\[\s*(?:\{|\[|\"[^\"]*\"\s*[,\]])|\{\s*\"[^\"]*\"\s*:", Kind("a JSON document", _EXPORT)),
        (r"BEGIN:VCARD\b", Kind("an address card (vCard)", _EXPORT)),
        (r"BEGIN:VCALENDAR\b", Kind("a calendar", _WRONG)),
        (r"(?:version: *1\s+)?(?:#[^\n]*\n\s*)*dn::? ?\S+=", Kind("an LDIF file", _EXPORT)),
        (
            _MESSAGE,
            Kind("an e-mail message", "Save what is attached to it, and name that file."),
        ),
        (r"@echo off\b", Kind("a script", _WRONG)),
    )
)
_OLE_KINDS = (
    (
        "EncryptedPackage",
        Kind("protected by a password", "Open it in Excel, remove the password and save it."),
    ),
    ("WordDocument", Kind("a Word 97-2003 document", _DOCUMENT)),
    ("PowerPoint Document", Kind("a PowerPoint 97-2003 presentation", _DOCUMENT)),
    ("__substg1.0_", Kind("an Outlook message", "Save what is attached to it, and name that file.")),
    ("Workbook", _XLS),
    ("Book", _XLS),
)
_BOMS = (
    # The four bytes of UTF-32 begin with the two of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)


def foreign_kind(head: bytes, encoding: str | None = None) -> Kind | None:
    """What a file that begins with `head` (some thousand bytes) is, if it is no text; None if it may be a table.

    `encoding`: where it is known. Zip archives and old Office files hide what they are further inside: see
    `zip_kind` and `ole_kind`.
    """
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    for mark, kind in _MEDIA.items():
        if head[4:].startswith(mark):
            return kind
    if head[:4] == b"RIFF" and head[8:12] in {b"WEBP", b"WAVE", b"AVI "}:
        return Kind("a WebP image", _PICTURE) if head[8:12] == b"WEBP" else Kind("sound or video", _WRONG)
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0" and head[15:18] == b"\0\0\0":
        return Kind("a BMP image", _PICTURE)
    if head[257:262] == b"ustar":
        return Kind("a tar archive", _ARCHIVE)
    encoding = encoding or wide_encoding(head) or "utf-8-sig"
    text = head.decode(encoding, errors="replace").lstrip("\ufeff")
    for pattern, kind in _TEXTS:
        if pattern.match(text):
            return kind
    wide = encoding.startswith(("utf-16", "utf-32"))
    return Kind("a binary file", _WRONG) if not wide and _is_binary(head) else None


def is_zip(head: bytes) -> bool:
    """Whether a file that begins with `head` is a zip archive, as workbooks of today are."""
    return head.startswith((b"PK\3\4", b"PK\5\6", b"PK\7\x08"))


def zip_kind(path: Path) -> Kind | None:
    """What a zip archive is, by what is in it; None if it is an Excel workbook that can be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.replace("\\", "/").casefold() for name in archive.namelist()}
            mimetype = archive.read("mimetype")[:100] if "mimetype" in names else b""
    except (
        zipfile.BadZipFile, zlib.error, KeyError, EOFError, ValueError,
        NotImplementedError, RuntimeError,  # packed in a way that zipfile does not know; with a password
    ):  # fmt: skip
        return _DAMAGED
    tops = {name.partition("/")[0] for name in names}
    files = sum(not name.endswith("/") for name in names)
    kinds = (
        ("xl/workbook.bin" in names, Kind("an Excel binary workbook (.xlsb)", _XLS.advice)),
        ("word" in tops, Kind("a Word document", _DOCUMENT)),
        ("ppt" in tops, Kind("a PowerPoint presentation", _DOCUMENT)),
        (b"opendocument.spreadsheet" in mimetype, Kind("an OpenDocument spreadsheet (.ods)", _SPREADSHEET)),
        (b"opendocument" in mimetype, Kind("an OpenDocument file", _DOCUMENT)),
        (
            any(name.endswith(".iwa") for name in names),
            Kind("a Numbers or Pages document of Apple", _SPREADSHEET),
        ),
        (
            "[content_types].xml" not in names,
            Kind(f"a zip archive of {files} file{'' if files == 1 else 's'}", _ARCHIVE),
        ),
    )
    return next((kind for holds, kind in kinds if holds), None)


def ole_kind(path: Path) -> Kind:
    """What an Office document of the kind used before 2007 is. The same container holds encrypted workbooks."""
    with path.open("rb") as file:
        content = file.read(_OLE_SEARCHED)
    for part, kind in _OLE_KINDS:
        if part.encode("utf-16-le") in content:
            return kind
    return Kind("an old Office document", _DOCUMENT)


def wide_encoding(head: bytes) -> str | None:
    """The encoding that a mark at the beginning names, or `utf-16-le`/`-be` where zeros between the letters show it."""
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    pairs = head[: len(head) // 2 * 2]
    if len(pairs) < 8:
        return None
    even, odd = pairs[::2], pairs[1::2]
    # Latin letters, digits and separators make every other byte zero.
    if odd.count(0) * 2 > len(odd) and even.count(0) * 20 < len(even):
        return "utf-16-le"
    if even.count(0) * 2 > len(even) and odd.count(0) * 20 < len(odd):
        return "utf-16-be"
    return None


_CONTROLS = bytes([*range(9), *range(14, 27), *range(28, 32)])


def _is_binary(head: bytes) -> bool:
    """A stray zero byte is damage of a text; one control character in twenty is none."""
    return (len(head) - len(head.translate(None, _CONTROLS))) * 20 > len(head)
