"""How the bytes of a text file are characters: found by marks and by trial, guessed only where nothing else is left.

Email addresses, account names and phone numbers are ASCII in every code page that is tried. So a wrong guess spoils
names, and what it does to the rest makes that no address and no number.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sspr.input.errors import InputError
from sspr.input.signature import wide_encoding

_CHUNK = 1 << 20
# A file with as many bytes and no line end among them is no table, and would have to be held in memory at once.
_LONGEST_LINE = 16 << 20
# Bytes of lines with other than ASCII that are looked at: half from the beginning, half from the first fault on.
_SAMPLE = 1 << 16
_LATIN = ("cp1252", "cp1250", "cp1254", "cp1257", "mac_roman", "cp850")
_OTHERS = (
    "cp1251", "cp1253", "cp1255", "cp1256", "cp932", "gb18030", "cp949", "big5",
    "iso8859_5", "iso8859_7", "koi8_r",
)  # fmt: skip
# Codecs of text that give halves of characters or read letters as something else.
_NOT_FOR_FILES = frozenset({"utf-7", "unicode-escape", "raw-unicode-escape", "punycode", "idna", "undefined"})
_NOT_ASCII_TO_LINE_END = re.compile(rb"[\x80-\xff][^\r\n]*")
_CELL_WITH_OTHERS = re.compile(rb"[^,;\t|\r\n\"]*[\x80-\xff][^,;\t\r\n\"]*")
_RUN = re.compile(rb"([A-Za-z'-]?)([\x80-\xff]+)(?=([A-Za-z'-]?))")
# UTF-8 taken for a code page of one byte a character and written as UTF-8 once more: ü → Ã¼, ’ → â€™.
_TWICE = re.compile(
    rb"\xc3[\x82\x83](?:\xc2[\x80-\xbf]|\xe2[\x80\x82\x84]|\xc5|\xc6|\xcb)|\xc3\xa2\xe2\x82\xac|\xc3\xaf\xc2\xbb\xc2\xbf"
)
_IN_WORDS = frozenset("’‘'`´-–·.")


@dataclass(frozen=True, slots=True)
class Text:
    """How a file of text is opened, its fingerprint, and what a person should know of it."""

    encoding: str
    errors: str
    sha256: str
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Pass:
    """What one reading of the file has found: the place of the first byte that does not fit, lines to judge by."""

    sha256: str = ""
    fault: int | None = None
    sample: bytes = b""
    twice: bool = False


def known_encoding(wanted: str, name: str) -> str:
    """The codec of an encoding that a person named. Raises `InputError` where there is none for text."""
    try:
        codec = codecs.lookup(wanted)
        codecs.getincrementaldecoder(codec.name)
        "a".encode(codec.name)  # rot13, base64 and the like are codecs, but not of text
        if codec.name.replace("_", "-") in _NOT_FOR_FILES:
            raise LookupError
    except (LookupError, UnicodeError, TypeError, ValueError):
        raise InputError(f"{name}: there is no encoding {wanted!r}. Try utf-8, utf-16 or cp1252.") from None
    return "utf-8-sig" if codec.name == "utf-8" else codec.name


def inspect(path: Path, name: str, wanted: str | None) -> Text:
    """How the file `path`, called `name` to a person, is to be read. It is read from its first to its last byte.

    `wanted`: the codec to read it in; without it, it is found. Raises `InputError` where the file is not written in
    what was wanted, or what its first bytes promise; and `OSError`.
    """
    with path.open("rb") as file:
        promised = wide_encoding(file.read(4096))
    encoding = wanted or promised or "utf-8"
    found = _read(path, name, encoding)
    if found.fault is None:
        notes = (_NOTE_TWICE,) if found.twice and encoding.startswith("utf-8") else ()
        return Text(encoding, "strict", found.sha256, notes)
    line = _line_at(path, encoding, found.fault)
    if wanted or encoding.startswith(("utf-16", "utf-32")):
        raise InputError(
            f"{name} is not written in {encoding}: line {line} cannot be read so. Say another --encoding."
        )
    if _mostly_utf8(found.sample):
        note = (
            f"It is UTF-8, but line {line} (and perhaps later ones) is not: what cannot be read there "
            f"is shown as \ufffd. Mend it, or export the file again."
        )
        return Text(encoding, "replace", found.sha256, (note,))
    # The last ones read any byte.
    page = next(page for page in _guesses(found.sample) if _decodes(path, page))
    note = (
        f"It is not UTF-8 (line {line}); read as {page}, a guess: "
        f"look at the names in results.csv, or say --encoding."
    )
    return Text(page, "strict", found.sha256, (note,))


_NOTE_TWICE = (
    "Some of its text was spoilt before it came here (such as Ã¼ for ü), and is kept as it came. "
    "If the names matter, export it again as UTF-8."
)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _read(path: Path, name: str, encoding: str) -> _Pass:
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder(encoding)()
    found = _Pass()
    done = without_end = 0
    for chunk in _chunks(path):
        digest.update(chunk)
        without_end = 0 if b"\n" in chunk or b"\r" in chunk else without_end + len(chunk)
        if without_end >= _LONGEST_LINE:
            raise InputError(
                f"{name} has a line of more than {_LONGEST_LINE >> 20} MiB: it is no table of rows."
            )
        if found.fault is None:
            found.fault = _fault(decoder, chunk, done)
        if not chunk.isascii():
            room = _SAMPLE if found.fault is not None else _SAMPLE // 2
            if len(found.sample) < room:
                found.sample += _lines_with_others(chunk, room - len(found.sample))
            found.twice = found.twice or bool(_TWICE.search(chunk))
        done += len(chunk)
    if found.fault is None:
        found.fault = _fault(decoder, b"", done, final=True)
    found.sha256 = digest.hexdigest()
    return found


def _fault(
    decoder: codecs.IncrementalDecoder, chunk: bytes, before: int, *, final: bool = False
) -> int | None:
    """The place in the file of the first byte in `chunk` that does not fit; None: all fit. `before`: its start."""
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        kept = len(error.object) - len(chunk)
        return max(0, before - kept + error.start)
    except UnicodeError:  # such as UTF-16 that does not begin with its mark
        return before
    return None


def _lines_with_others(chunk: bytes, room: int) -> bytes:
    """Lines of the chunk that hold other than ASCII, up to some length each."""
    lines: list[bytes] = []
    for match in _NOT_ASCII_TO_LINE_END.finditer(chunk):
        near = max(0, match.start() - 1000)
        start = max(chunk.rfind(b"\n", near, match.start()), chunk.rfind(b"\r", near, match.start())) + 1
        line = chunk[max(near, start) : match.end()][:2000]
        lines.append(line)
        room -= len(line)
        if room <= 0:
            break
    return b"".join(line + b"\n" for line in lines)


def _line_at(path: Path, encoding: str, place: int) -> int:
    """The number of the line that the byte at `place` belongs to."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    line, last = 1, ""
    for chunk in _chunks(path):
        try:
            text = decoder.decode(chunk[:place])
        except UnicodeError:
            break
        line += text.count("\n") + text.count("\r") - text.count("\r\n")
        if last == "\r" and text.startswith("\n"):
            line -= 1
        last = text[-1:] or last
        place -= len(chunk)
        if place <= 0:
            break
    return line


def _mostly_utf8(sample: bytes) -> bool:
    """Whether most of the lines are UTF-8: text in a code page is so only by a rare accident."""
    lines = sample.split(b"\n")[:-1]
    return 2 * sum(_is_utf8(line) for line in lines) >= len(lines)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in _chunks(path):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _guesses(sample: bytes) -> Sequence[str]:
    """Code pages in which the lines may be written, the likeliest first."""
    words = b"\n".join(match[0].strip() for match in _CELL_WITH_OTHERS.finditer(sample))
    if _is_latin(words):
        # What the pages for Latin letters differ in is few letters: where a reading puts a sign into a word, it is
        # wrong; where two do not, the more common page (the first) is taken.
        return sorted(_LATIN, key=lambda page: _signs_in_words(words, page))
    from charset_normalizer import from_bytes  # 30 ms that few files need

    matches = from_bytes(words, cp_isolation=list(_OTHERS), preemptive_behaviour=False)
    found = [match.encoding for match in matches]
    return [*found, *_LATIN]


def _is_latin(words: bytes) -> bool:
    """Whether the letters outside ASCII stand singly among those within, as é does and Cyrillic letters do not."""
    among = alone = 0
    for before, run, after in _RUN.findall(words):
        if len(run) <= 2 and (before or after):
            among += len(run)
        else:
            alone += len(run)
    return among >= alone


def _signs_in_words(words: bytes, page: str) -> int:
    """How many characters of such a reading are no letters though they touch one."""
    text = words.decode(page, errors="replace")
    signs = 0
    for before, character, after in zip("\n" + text, text, text[1:] + "\n", strict=False):
        if character.isascii() or character in _IN_WORDS or not (before.isalpha() or after.isalpha()):
            continue
        lower_then_upper = before.islower() and character.isupper()
        signs += not unicodedata.category(character).startswith(("L", "M")) or lower_then_upper
    return signs
