"""Records and their physical lines, also where the file is broken."""

from __future__ import annotations

import csv
import io
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.input.records import MAX_LINES, UNCLOSED, Record, Records

STRAY = "a quote stands inside a cell"


def _read(text: str, delimiter: str = ",") -> list[tuple[int, list[str], str | None]]:
    records = Records(io.StringIO(text, newline=""), delimiter)
    return [(record.line, record.cells, record.fault) for record in records]


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ("a,b\nc,d\n", [(1, ["a", "b"], None), (2, ["c", "d"], None)]),
        ("a,b\r\nc,d", [(1, ["a", "b"], None), (2, ["c", "d"], None)]),
        ("a,b\rc,d\r", [(1, ["a", "b"], None), (2, ["c", "d"], None)]),
        ("a\r\nb\nc\rd", [(1, ["a"], None), (2, ["b"], None), (3, ["c"], None), (4, ["d"], None)]),
        ("\n\na\n\n,,\n ,\t\nb\n", [(3, ["a"], None), (7, ["b"], None)]),
        ('"a\nb",c\nd,e\n', [(1, ["a\nb", "c"], None), (3, ["d", "e"], None)]),
        ('a,"b ""c"""\n', [(1, ["a", 'b "c"'], None)]),
        ('5" pipe,b\nc,d\n', [(1, ['5" pipe', "b"], None), (2, ["c", "d"], None)]),
        ('"a"b,c\nd,e\n', [(1, ['"a"b', "c"], STRAY), (2, ["d", "e"], None)]),
        ('"a,b\nc,d\n', [(1, ['"a', "b"], UNCLOSED), (2, ["c", "d"], None)]),
        ('"a,b\nc,"d"\ne,f\n', [(1, ['"a', "b"], UNCLOSED), (2, ["c", "d"], None), (3, ["e", "f"], None)]),
        ('a,b\nc,"d', [(1, ["a", "b"], None), (2, ["c", '"d'], UNCLOSED)]),
        ("a\0b,c\n", [(1, ["ab", "c"], "a zero byte stands in it")]),
        ("", []),
        ("\n \n", []),
    ],
)
def test_records_with_their_lines(text: str, records: list[tuple[int, list[str], str | None]]) -> None:
    assert _read(text) == records


LINES = (
    'a@contoso.com,a@fabrikam.com,1,"n',
    "b@contoso.com,b@fabrikam.com,2,n",
    'c@contoso.com,c@fabrikam.com,3,n"',
)


@pytest.mark.parametrize("lines", [LINES, LINES[::2], (LINES[0], *[LINES[1]] * 50, LINES[2])])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_lines_between_two_stray_quotes_are_lines_of_their_own(
    lines: tuple[str, ...], delimiter: str
) -> None:
    records = _read("\n".join(lines).replace(",", delimiter) + "\n", delimiter)
    assert [(line, fault) for line, _, fault in records] == [
        (number, UNCLOSED if number == 1 else None) for number in range(1, len(lines) + 1)
    ]


@pytest.mark.parametrize(
    "cell",
    [
        "12 High Street,\nSpringfield, IL, 62701, USA",
        "Prefers\nmail to x@example.org",
        "x@example.org\ny@example.org",
    ],
)
def test_a_cell_of_several_lines_is_a_cell(cell: str) -> None:
    assert _read(f'a,b@contoso.com,"{cell}",c\n') == [(1, ["a", "b@contoso.com", cell, "c"], None)]


def test_an_unclosed_quote_does_not_swallow_a_long_file() -> None:
    lines = ["x,y\n"] * (3 * MAX_LINES)
    records = _read('"open,b\n' + "".join(lines))
    assert records[0] == (1, ['"open', "b"], UNCLOSED)
    assert records[1:] == [(number, ["x", "y"], None) for number in range(2, 3 * MAX_LINES + 2)]


def test_a_cell_of_absurd_length_is_a_fault_of_its_row() -> None:
    records = _read(f"{'x' * 200_000},b\nc,d\n")
    assert [(line, fault) for line, _, fault in records] == [(1, "a cell is far too long"), (2, None)]


def test_a_cell_of_many_lines_is_read() -> None:
    cell = "\n".join(["x"] * (MAX_LINES - 1))
    assert _read(f'"{cell}",b\nc,d\n') == [(1, [cell, "b"], None), (MAX_LINES, ["c", "d"], None)]


CELL = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
TABLE = st.lists(st.lists(CELL, min_size=2, max_size=4), max_size=6)


@given(
    TABLE,
    st.sampled_from(",;\t|"),
    # With a bare line feed the writer would leave a carriage return in a cell unquoted.
    st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]),
)
def test_what_is_written_is_read_with_the_line_it_was_written_on(
    table: list[list[str]], delimiter: str, dialect: tuple[str, Literal[0, 1]]
) -> None:
    end, quoting = dialect
    file = io.StringIO(newline="")
    expected, line = [], 1
    for cells in table:
        before = file.tell()
        csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting).writerow(cells)
        if any(cell.strip() for cell in cells):
            expected.append(Record(line, cells))
        line += len(list(io.StringIO(file.getvalue()[before:], newline="")))
    file.seek(0)
    assert list(Records(file, delimiter)) == expected


@given(st.text(alphabet='ab,"\n\r\0 ', max_size=60))
def test_any_text_is_read_and_every_line_with_content_is_in_a_record(text: str) -> None:
    records = list(Records(io.StringIO(text, newline=""), ","))
    lines = [record.line for record in records]
    assert lines == sorted(set(lines))
    for number, line in enumerate(io.StringIO(text, newline=""), 1):
        if set(line) & set("ab"):
            assert any(record.line <= number for record in records)
            shown = "".join("".join(record.cells) for record in records)
            assert all(letter in shown for letter in set(line) & set("ab"))
