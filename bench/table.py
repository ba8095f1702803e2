"""Measured values → statistics, ratios and the table."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

COLUMNS = ["benchmark", "what", "unit", "n", "min", "median", "max", "against", "ratio", "goal", "met"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One quantity, measured once or several times.

    `reference`: the same quantity of what `against` names, measured beside each value. `goal`: the median is to be
    at most that.
    """

    benchmark: str
    what: str
    unit: str
    values: Sequence[float]
    against: str = ""
    reference: Sequence[float] = ()
    goal: float | None = None

    @property
    def ratio(self) -> float | None:
        """The median of the ratios of the pairs: what was measured one after the other met the same load."""
        if not self.against:
            return None
        pairs = zip(self.values, self.reference, strict=True)
        return float(pd.Series([value / reference for value, reference in pairs]).median())


def frame(measures: Sequence[Measure]) -> pd.DataFrame:
    """A line for each measure, with `COLUMNS`."""
    rows = []
    for measure in measures:
        values = pd.Series(list(measure.values), dtype=float)
        median = float(values.median())
        rows.append(
            {
                "benchmark": measure.benchmark,
                "what": measure.what,
                "unit": measure.unit,
                "n": len(values),
                "min": float(values.min()),
                "median": median,
                "max": float(values.max()),
                "against": measure.against,
                "ratio": measure.ratio,
                "goal": measure.goal,
                "met": None if measure.goal is None else median <= measure.goal,
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS).astype({"ratio": float, "goal": float})


def as_text(table: pd.DataFrame, notes: Sequence[str]) -> str:
    """For people: what does not apply is blank."""
    shown = table.copy()
    for column in ("min", "median", "max", "ratio"):
        shown[column] = table[column].map(_number)
    shown["goal"] = table["goal"].map(_at_most)
    shown["met"] = table["met"].map({True: "yes", False: "NO"}).fillna("")
    text = [] if table.empty else [shown.to_string(index=False, justify="left"), ""]
    return "\n".join([*text, *(f"- {note}" for note in notes)])


def side_by_side(table: pd.DataFrame) -> str:
    """For people: a line for each benchmark and a column for each quantity, both as they came, with the medians."""
    wide = table.pivot_table(index="benchmark", columns="what", values="median", sort=False)
    shown = wide.map(_number).rename_axis(index=None, columns=None)
    return str(shown.to_string())


def as_json(table: pd.DataFrame, notes: Sequence[str]) -> str:
    """For machines: `{"measures": [{column: value}], "notes": [sentence]}`; what does not apply is null."""
    measures = json.loads(table.to_json(orient="records", force_ascii=False))
    return json.dumps({"measures": measures, "notes": list(notes)}, ensure_ascii=False, indent=2)


def _at_most(goal: float) -> str:
    return "" if math.isnan(goal) else f"≤ {_number(goal)}"


def _number(value: float) -> str:
    if math.isnan(value):
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
