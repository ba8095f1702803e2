"""The arithmetic behind the table, and that the invented rows are ones that the product finds valid."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from bench import inputs, limits
from bench.table import COLUMNS, Measure, as_json, as_text, frame
from sspr.contacts.judge import judge
from sspr.input.table import ReadOptions, open_table
from sspr.tenant.quota import Published


@pytest.mark.parametrize(
    ("values", "reference", "ratio"),
    [
        ([4.0], [2.0], 2.0),
        ([1.0, 30.0, 3.0], [1.0, 10.0, 2.0], 1.5),  # 1, 3, 1.5: of the pairs, not of the medians
    ],
)
def test_a_ratio_is_the_median_over_pairs(values: list[float], reference: list[float], ratio: float) -> None:
    assert Measure("b", "w", "s", values, "r", reference).ratio == ratio


def test_a_reference_is_measured_as_often_as_the_value() -> None:
    with pytest.raises(ValueError, match="zip"):
        frame([Measure("b", "w", "s", [1.0, 2.0], "r", [1.0])])


def test_a_line_holds_the_statistics_and_whether_the_goal_is_met() -> None:
    table = frame(
        [Measure("b", "met", "s", [3.0, 1.0, 2.0], goal=2.0), Measure("b", "missed", "s", [2.5], goal=2.0)]
    )
    assert list(table.columns) == COLUMNS
    first = table.iloc[0]
    assert [first["n"], first["min"], first["median"], first["max"]] == [3, 1.0, 2.0, 3.0]
    assert list(table["met"]) == [True, False]


def test_what_does_not_apply_is_blank_for_people_and_null_for_machines() -> None:
    table = frame([Measure("b", "plain", "s", [1234.5]), Measure("b", "bounded", "s", [0.12345], goal=1.0)])
    text = as_text(table, ["said"])
    assert "1,234" in text
    assert "0.123 " in text
    assert "≤ 1" in text
    assert "nan" not in text.lower()
    assert text.endswith("- said")
    plain, bounded = json.loads(as_json(table, ["said"]))["measures"]
    assert (plain["ratio"], plain["goal"], plain["met"]) == (None, None, None)
    assert (bounded["goal"], bounded["met"]) == (1.0, True)


@pytest.mark.parametrize(
    ("times", "limit", "share"),
    [
        # 30 in 10 s, where 10 at once and 2 a second are allowed: all of it.
        ([0.0, *[float(n) for n in range(1, 11)] * 2, *[5.0] * 9], Published(10, 5), 1.0),
        ([100.0, 110.0], Published(4, 1e9), 0.5),
    ],
)
def test_a_rate_and_what_is_allowed_are_over_the_same_time(
    times: list[float], limit: Published, share: float
) -> None:
    assert limits.rate(times) / limits.allowed_rate(limit, limits.span(times)) == pytest.approx(share)


def test_invented_rows_are_valid_and_all_different(tmp_path: Path) -> None:
    file = inputs.write(tmp_path / "rows.csv", 1, 300)
    contacts = [judge(row, None) for row in open_table(file, file.name, ReadOptions()).rows()]
    assert [contact.findings for contact in contacts] == [()] * 300
    values = pd.DataFrame(
        [(contact.user_principal_name, contact.alternate_email, contact.mobile_phone) for contact in contacts]
    )
    assert list(values.nunique()) == [300, 300, 300]
