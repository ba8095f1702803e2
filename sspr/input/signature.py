"""What a file is that is not a table of text, told by its first bytes."""

from __future__ import annotations

import re

_EXCEL = "an Excel workbook"
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel 97-2003 workbook or another old Office document"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"SQLite format 3", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"{\\rtf", "a rich text document"),
    (b"\x7fELF", "a program"),
    (b"-----BEGIN ", "a key or a certificate"),
)
_MARKUP = re.compile(rb"\s*<(?:!doctype\s+html|html|head|body|table|meta)\b", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml\b", re.IGNORECASE)
_JSON = re.compile(rb"\s*(?:\[\s*\{|\{\s*\")")
_UTF16 = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
SAVE_AS = 'Open it in Excel and save it as "CSV UTF-8 (Comma delimited)"'


def foreign_kind(head: bytes) -> str | None:
    """What a file that begins with `head` (some thousand bytes) is, if it is no text; None if it may be a table."""
    if head.startswith(b"PK\x03\x04"):
        return _EXCEL if b"xl/" in head or b"[Content_Types].xml" in head else "a zip archive"
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    text = head.removeprefix(b"\xef\xbb\xbf")
    if _MARKUP.match(text):
        return "a web page (HTML), even if its name says otherwise"
    if _XML.match(text):
        return "an XML document"
    return "a JSON document" if _JSON.match(text) else None


def wide_encoding(head: bytes) -> str | None:
    """`utf-16` or `utf-16-le`/`-be` where the text is written with two bytes a character, as "Unicode Text" is."""
    if head[:2] in _UTF16:
        return _UTF16[head[:2]]
    pairs = head[: len(head) // 2 * 2]
    if len(pairs) < 8:
        return None
    # Latin letters and separators make every other byte zero.
    if pairs[1::2].count(0) * 2 > len(pairs[1::2]) and 0 not in pairs[::2]:
        return "utf-16-le"
    if pairs[::2].count(0) * 2 > len(pairs[::2]) and 0 not in pairs[1::2]:
        return "utf-16-be"
    return None
