"""Many rows judged against each other: the same as all at once in memory, however they are cut and spilled."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.input.blocks import Block, Dialect
from sspr.input.records import Record
from sspr.input.shape import Shape
from sspr.model import Contact
from sspr.stages import alike, judgement
from sspr.stages.judgement import Judgement
from sspr.stages.judging import judge_block, unpack
from tests.fakes.across import judge_across

SHAPE = Shape(
    1, 3, 3, (0, 1, 2), (("user_principal_name", (0,)), ("alternate_email", (1,)), ("mobile_phone", (2,)))
)
ROW = st.tuples(
    st.sampled_from(["a@contoso.com", "A@contoso.com", "b@contoso.com", "c@contoso.com", "", "not an account"]),
    st.sampled_from(["x@fabrikam.com", "X+1@fabrikam.com", "y@fabrikam.com", "a.b@gmail.com", "ab@googlemail.com", ""]),
    st.sampled_from(["+44 7400 123456", "+447400123456", "+44 7400 123457", "nonsense"]),
)  # fmt: skip


def _block(first: int, rows: list[tuple[str, str, str]]) -> Block:
    return Block(first, records=[Record(line, list(cells)) for line, cells in enumerate(rows, first)])


@given(blocks=st.lists(st.lists(ROW, max_size=6), max_size=5))
def test_rows_in_blocks_are_told_what_all_rows_together_show(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[list[tuple[str, str, str]]]
) -> None:
    told = Judgement(["a.csv"], tmp_path_factory.getbasetemp())
    line, items = 2, []
    for rows in blocks:
        batch = judge_block(0, _block(line, rows), Dialect(","), SHAPE, None)
        line += len(rows)
        told.add(batch)
        items += unpack(batch.packed)
    told.compare()
    expected = judge_across(
        (
            number,
            f"line {row.line}",
            Contact(row.user_principal_name if row.readable else "", row.alternate_email, row.mobile_phone),
        )
        for number, row in enumerate(items)
    )
    found = [findings[len(row.findings) :] for _, row, findings in told.every_row()]
    assert found == [expected.get(number, ()) for number in range(len(items))]
    assert sum(told.rows_of) == len(items)
    told.close()


@pytest.mark.parametrize("at_once", [2, 1000])
def test_values_that_only_share_a_checksum_share_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(alike, "crc32", lambda _value: 7)
    monkeypatch.setattr(judgement, "_AT_ONCE", at_once)
    told = Judgement(["a.csv", "b.csv"], tmp_path)
    for source, first in ((0, 2), (1, 2)):
        rows = [
            (f"{n}@contoso.com", f"{n}{source}@fabrikam.com", f"+44 7400 12345{n + 5 * source}")
            for n in range(3)
        ]
        told.add(judge_block(source, _block(first, rows), Dialect(","), SHAPE, None))
    told.compare()
    found = {
        (source, row.line): [(finding.code, finding.detail) for finding in findings]
        for source, row, findings in told.every_row()
    }
    assert found == {
        (source, line): [("conflicting_rows", f"line {line} of {other}")]
        for source, other in ((0, "b.csv"), (1, "a.csv"))
        for line in (2, 3, 4)
    }
    told.close()


def test_the_private_file_has_no_name(tmp_path: Path) -> None:
    told = Judgement(["a.csv"], tmp_path)
    told.add(
        judge_block(0, _block(2, [("a@contoso.com", "x@fabrikam.com", "")] * 3), Dialect(","), SHAPE, None)
    )
    assert list(tmp_path.iterdir()) == []
    told.close()


def test_a_mailbox_of_everybody_is_judged_a_piece_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judgement, "_AT_ONCE", 2)
    told = Judgement(["a.csv"], tmp_path)
    rows = [(f"{n}@contoso.com", "all@fabrikam.com", "") for n in range(5)]
    told.add(judge_block(0, _block(2, rows), Dialect(","), SHAPE, None))
    told.compare()
    details = [
        finding.detail
        for _, _, found in told.every_row()
        for finding in found
        if finding.code == "email_shared"
    ]
    assert details == [
        "line 3 and 3 more", "line 2 and 3 more", "line 5 and 3 more", "line 4 and 3 more", "4 other lines",
    ]  # fmt: skip
    told.close()
