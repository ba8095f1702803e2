"""Rows a second of `sspr check`, against the libraries alone."""

from __future__ import annotations

from pathlib import Path

from bench import inputs
from bench.processes import Place
from bench.table import Measure

ROWS = 40_000
BARE = Path(__file__).with_name("bare_check.py")


def measure(place: Place, times: int, rows: int = ROWS) -> list[Measure]:
    """Both on the same rows so many times, in turn; the processes' whole time counts."""
    folder = place.folder / "check"
    folder.mkdir()
    file = inputs.write(folder / "rows.csv", 1, rows)
    # Fills the cache of bytecode and counts for nothing.
    few = inputs.write(folder / "few.csv", 1, 10)
    place.python([str(BARE), str(few)], place.environment(folder / "home"))
    place.sspr(["check", str(few), "--out", str(folder / "few")], place.environment(folder / "home"))
    own, bare = [], []
    for turn in range(times):
        environment = place.environment(folder / f"home-{turn}")
        bare.append(place.python([str(BARE), str(file)], environment))
        out = folder / f"out-{turn}"
        own.append(place.sspr(["check", str(file), "--json", "--out", str(out)], environment))
        if int(bare[-1].said) != rows or own[-1].report()["counts"]["valid"] != rows:
            raise RuntimeError("Not every row was found valid.")
    bare_rate, own_rate = [rows / each.wall for each in bare], [rows / each.wall for each in own]
    against = "csv, phonenumbers, email_validator in a loop"
    return [
        Measure("check", against, "rows/s", bare_rate),
        Measure("check", f"sspr check, {rows:,} rows", "rows/s", own_rate, against, bare_rate),
        Measure("check", "time", "s", [each.wall for each in own], against, [each.wall for each in bare]),
        Measure(
            "check", "peak memory", "MiB", [each.peak for each in own], against, [each.peak for each in bare]
        ),
    ]
