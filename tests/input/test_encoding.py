"""In which encoding a file is read, what is said of the doubt, and what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.input.encoding import inspect, known_encoding
from sspr.input.errors import InputError
from sspr.input.table import ReadOptions, Table, open_table

HEADER = "user_principal_name,alternate_email,mobile_phone,display_name"
JANE = "jane@contoso.com,jane@fabrikam.com,+44 7911123456"


def _open(folder: Path, content: bytes, encoding: str | None = None) -> Table:
    path = folder / "admins.csv"
    path.write_bytes(content)
    return open_table(path, "admins.csv", ReadOptions(encoding=encoding))


def _refusal(folder: Path, content: bytes, encoding: str | None = None) -> str:
    with pytest.raises(InputError) as error:
        _open(folder, content, encoding)
    return str(error.value)


def _text(*names: str, end: str = "\n") -> str:
    return "".join(line + end for line in (HEADER, *(f"{JANE},{name}" for name in names)))


def _names(table: Table) -> list[str]:
    return [row.fields["display_name"] for row in table.rows()]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_unicode_of_every_width_is_found_without_doubt(
    tmp_path: Path, written: str, said: str, end: str
) -> None:
    table = _open(tmp_path, _text("Müller", "山田", end=end).encode(written))
    assert (table.source.encoding, table.source.notes[:-2]) == (said, ())
    assert _names(table) == ["Müller", "山田"]
    assert [row.line for row in table.rows()] == [2, 3]


def test_unicode_text_of_a_spreadsheet_has_tabs(tmp_path: Path) -> None:
    table = _open(tmp_path, _text("Müller").replace(",", "\t").encode("utf-16"))
    assert table.source.delimiter == "\t"
    assert _names(table) == ["Müller"]


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("cp1252", ["Müller"]),
        ("cp1252", ["José Núñez", "François Lefèvre", "Jürgen Groß"]),
        ("cp1252", ["O’Brien – IT"]),
        ("cp1250", ["Łukasz Wiśniewski", "Jiří Dvořák"]),
        ("mac_roman", ["Müller", "José"]),
        ("cp850", ["Müller", "José"]),
        ("cp1251", ["Иван Петров", "Сергей Кузнецов"]),
        ("cp932", ["山田太郎", "鈴木一郎"]),
    ],
)
def test_a_code_page_is_guessed_and_the_doubt_told(tmp_path: Path, page: str, names: list[str]) -> None:
    table = _open(tmp_path, _text("Smith", *names).encode(page))
    assert _names(table) == ["Smith", *names]
    assert table.source.encoding == page
    (note,) = table.source.notes[:-2]
    assert note.startswith(f"It is not UTF-8 (line 3); read as {page}, a guess")
    assert "--encoding" in note


@pytest.mark.parametrize(
    ("page", "name"),
    [("cp1253", "Γιώργος"), ("cp1254", "Ayşe"), ("cp1255", "דוד"), ("cp1256", "محمد"), ("big5", "王小明")],
)
def test_a_wrong_guess_spoils_names_alone(tmp_path: Path, page: str, name: str) -> None:
    (row,) = _open(tmp_path, _text(name).encode(page)).rows()
    assert list(row.cells[:3]) == JANE.split(",")


def test_one_cell_that_is_not_utf8_does_not_spoil_the_others(tmp_path: Path) -> None:
    content = _text("Müller", "José", "X").encode() + f"{JANE},Stra".encode() + b"\xdf" + b"e\n"
    table = _open(tmp_path, content)
    assert _names(table) == ["Müller", "José", "X", "Stra\ufffde"]
    (note,) = table.source.notes[:-2]
    assert "line 5" in note


def test_a_fault_far_into_a_large_file_is_found_with_its_line(tmp_path: Path) -> None:
    lines = 40_000
    content = _text(*["Smith"] * lines, end="\r\n").encode() + f"{JANE},M".encode() + b"\xfcller\r\n"
    (note,) = _open(tmp_path, content).source.notes[:-2]
    assert f"(line {lines + 2}); read as cp1252" in note


@given(cut=st.integers(0, 3), before=st.integers((1 << 20) - 4, (1 << 20) + 4))
def test_a_character_on_the_seam_of_two_reads_is_read(
    tmp_path_factory: pytest.TempPathFactory, cut: int, before: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "seam.csv"
    content = (
        (b"x" * 98 + b"\n\n") * (before // 100) + b"x" * (before % 100) + "\U0001f600".encode()[: 4 - cut]
    )
    path.write_bytes(content)
    text = inspect(path, "seam.csv", None)
    assert text.sha256 == hashlib.sha256(content).hexdigest()
    assert (text.encoding == "utf-8" and not text.notes) == (cut == 0)


@pytest.mark.parametrize("spoilt", ["MÃ¼ller", "O’Brien".encode().decode("cp1252"), "Ã„rzte", "ï»¿x"])
def test_text_that_was_spoilt_before_is_noted_and_kept(tmp_path: Path, spoilt: str) -> None:
    table = _open(tmp_path, _text(spoilt).encode())
    assert _names(table) == [spoilt]
    assert len(table.source.notes[:-2]) == 1


@pytest.mark.parametrize("name", ["Müller", "SÃO JOÃO", "Ângela", "â", "Ä"])
def test_what_only_looks_like_it_is_not_noted(tmp_path: Path, name: str) -> None:
    assert _open(tmp_path, _text(name).encode()).source.notes[:-2] == ()


@pytest.mark.parametrize(
    "encoding", ["cp1252", "utf-16", "UTF-8", "utf-8-sig", "latin1", "Windows-1252", "cp037"]
)
def test_an_encoding_that_is_said_is_used(tmp_path: Path, encoding: str) -> None:
    table = _open(tmp_path, _text("Müller").encode(encoding), encoding)
    assert _names(table) == ["Müller"]
    assert table.source.notes[:-2] == ()


@pytest.mark.parametrize(
    ("content", "encoding", "line"),
    [
        (_text("Smith", "Müller").encode(), "ascii", 3),
        (_text("Smith", "Müller", end="\r").encode("cp1252"), "utf-8", 3),
        (_text("\x81").encode("latin-1"), "cp1252", 2),
        (_text("Smith").encode("utf-16") + b"\n", "utf-16", 3),
    ],
)
def test_a_file_that_is_not_what_it_is_said_to_be_is_refused_with_the_line(
    tmp_path: Path, content: bytes, encoding: str, line: int
) -> None:
    told = _refusal(tmp_path, content, encoding)
    assert f": line {line} cannot be read so. Say another --encoding." in told


def test_a_file_that_is_not_what_its_mark_promises_is_refused(tmp_path: Path) -> None:
    assert "not written in utf-16: line 3" in _refusal(tmp_path, _text("Smith").encode("utf-16") + b"x")


@pytest.mark.parametrize(
    "unknown", ["klingon", "base64", "rot13", "unicode_escape", "utf-7", "idna", "undefined"]
)
def test_what_is_no_encoding_of_a_file_is_refused(unknown: str) -> None:
    with pytest.raises(InputError, match="no encoding"):
        known_encoding(unknown, "admins.csv")


@given(st.binary(min_size=1, max_size=300))
def test_any_text_is_decoded_somehow(tmp_path_factory: pytest.TempPathFactory, tail: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "tail.csv"
    content = _text("Smith").encode() + tail
    path.write_bytes(content)
    text = inspect(path, "tail.csv", None)
    assert content.decode(text.encoding, text.errors).startswith(HEADER)


def test_a_file_that_is_one_endless_line_is_refused(tmp_path: Path) -> None:
    assert "no table of rows" in _refusal(tmp_path, HEADER.encode() + b"\n" + b"x" * (18 << 20))
