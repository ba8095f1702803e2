"""The guard of our own CSV files: harmless in a spreadsheet, and the same value when read back."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.cells import guard_cell, unguard_cell

NASTY = st.text(alphabet="'=+-@\t\r\n =＋ab1,\";", max_size=8)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("", ""),
        ("Jane", "Jane"),
        ("+44 7911123456", "'+44 7911123456"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1+1", "'\t=1+1"),
        (" =1+1", "' =1+1"),
        ("＝1+1", "'＝1+1"),
        ("'Neil", "'Neil"),
        ("'+44 7911123456", "''+44 7911123456"),
        ("''=1", "'''=1"),
    ],
)
def test_a_dangerous_cell_begins_with_an_apostrophe(value: str, written: str) -> None:
    assert guard_cell(value) == written
    assert unguard_cell(written) == value


@given(st.one_of(st.text(), NASTY))
def test_what_is_written_reads_back_through_a_csv_file(value: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerow([guard_cell(value), "end"])
    file.seek(0)
    assert [unguard_cell(cell) for cell in next(csv.reader(file))] == [value, "end"]


@given(st.one_of(st.text(), NASTY))
def test_no_written_cell_starts_a_formula(value: str) -> None:
    assert (
        not guard_cell(value).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))
    )


@given(st.one_of(st.text(), NASTY))
def test_a_value_typed_without_the_guard_is_itself(value: str) -> None:
    """A person mends `'+44 …` to `+44 …`: nothing is taken off what has no guard."""
    if not value.startswith("'"):
        assert unguard_cell(value) == value
