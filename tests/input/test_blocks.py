"""A file cut into blocks reads as it does in one piece, wherever the cuts fall."""

from __future__ import annotations

import io
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.input.blocks import Block, Dialect, text_blocks
from sspr.input.records import MAX_LINES, UNCLOSED, Record, Records

COMMA = Dialect(",")


def _blocks(text: str, dialect: Dialect = COMMA, size: int = 1) -> list[Block]:
    file = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", newline="")
    return list(text_blocks(file, dialect, size))


def _in_blocks(text: str, dialect: Dialect = COMMA, size: int = 1) -> list[Record]:
    return [record for block in _blocks(text, dialect, size) for record in block.read(dialect)]


def _whole(text: str, dialect: Dialect = COMMA) -> list[Record]:
    return list(Records(io.StringIO(text, newline=""), dialect.delimiter, dialect.quote))


# Line ends, what Python's splitlines takes for some and a CSV file does not, quotes, separators, zero bytes.
PIECES = st.sampled_from(
    [
        "a",
        "b,c",
        ",",
        '"',
        '""',
        '"x"',
        '"x\ny"',
        '"x\r\ny"',
        "\n",
        "\r\n",
        "\r",
        "\n\n",
        " ",
        "\0",
        "'",
        "''",
        ";",
    ]
)
TEXT = st.one_of(
    st.lists(PIECES, max_size=40).map("".join),
    st.text(alphabet='aé\U0001f600,"\x0b\x0c\x1c\n\r\0 \u2028\x85', max_size=80),
)


@given(TEXT, st.sampled_from([COMMA, Dialect(";"), Dialect(",", "'")]), st.integers(1, 60))
def test_blocks_of_any_size_hold_the_records_of_the_whole(text: str, dialect: Dialect, size: int) -> None:
    assert _in_blocks(text, dialect, size) == _whole(text, dialect)


@given(st.lists(st.sampled_from(["a,b\n", '"a\nb",c\n', '"open,b\n', "\n", '"a"b,c\r\n']), max_size=260))
def test_long_broken_files_are_cut_without_loss(lines: list[str]) -> None:
    text = "".join(lines)
    for size in (1, 100, 5000):
        assert _in_blocks(text, size=size) == _whole(text)


@pytest.mark.parametrize("lines", [MAX_LINES - 1, MAX_LINES, MAX_LINES + 1, 3 * MAX_LINES])
@pytest.mark.parametrize("size", [1, 200, 1 << 18])
def test_a_cell_of_many_lines_is_judged_alike_in_blocks(lines: int, size: int) -> None:
    cell = "\n".join(["x"] * lines)
    text = f'a,b\n"{cell}",c\nd,e\n'
    records = _in_blocks(text, size=size)
    assert records == _whole(text)
    assert records[0] == Record(1, ["a", "b"])
    assert records[-1] == Record(lines + 2, ["d", "e"])
    assert (records[1].fault == UNCLOSED) == (lines > MAX_LINES)


@pytest.mark.parametrize("size", [1, 50, 1 << 18])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_kind(end: str, size: int) -> None:
    text = end.join(["a,b", '"c\nd",e', "", "f,g"])
    assert [(record.line, record.cells) for record in _in_blocks(text, size=size)] == [
        (1, ["a", "b"]),
        (2, ["c\nd", "e"]),
        (5, ["f", "g"]),
    ]


@pytest.mark.parametrize("quoted", [True, False])
def test_a_huge_cell_is_a_fault_of_its_row_alone(quoted: bool) -> None:
    cell = f'"{"x" * 200_000}"' if quoted else "x" * 200_000
    for size in (1, 1 << 18):
        records = _in_blocks(f"a,b\n{cell},c\nd,e\n", size=size)
        assert [(record.line, record.fault) for record in records] == [
            (1, None),
            (2, "a cell is far too long"),
            (3, None),
        ]


def test_a_zero_byte_is_a_fault_of_its_row_alone() -> None:
    faults = [(record.line, record.fault) for record in _in_blocks("a,b\nc\0,d\ne,f\n", size=1 << 18)]
    assert faults == [(1, None), (2, "a zero byte stands in it"), (3, None)]


def test_blocks_travel_between_processes() -> None:
    text = 'a,b\nc,d\n"open\ne,f\n'
    blocks = pickle.loads(pickle.dumps(_blocks(text, size=8)))
    assert [record for block in blocks for record in block.read(COMMA)] == _whole(text)


def test_a_block_without_faults_is_handed_on_as_lines() -> None:
    (block,) = _blocks('a,b\n"c\nd",e\n', size=1 << 18)
    assert block.lines
    assert not block.records
