"""Rows a second of `sspr check`, against the libraries alone, and the memory that it takes."""

from __future__ import annotations

from pathlib import Path

from bench import inputs
from bench.processes import Ended, Place
from bench.table import Measure

BARE = Path(__file__).with_name("bare_check.py")
RATIO = 3.0  # times the rate of the libraries alone
MEMORY = 600.0  # MiB, all processes together
_FLAT = 10  # the memory is compared with that of so much smaller a file


def measure(place: Place, times: int, rows: int) -> list[Measure]:
    """Both on the same rows so many times, in turn; the processes' whole time counts."""
    folder = place.folder / "check"
    folder.mkdir()
    file = inputs.write_mixed(folder / "rows.csv", rows)
    smaller = inputs.write_mixed(folder / "fewer.csv", max(1, rows // _FLAT))
    # Fills the cache of bytecode and counts for nothing.
    few = inputs.write(folder / "few.csv", 1, 50)
    place.python([str(BARE), str(few)], place.environment(folder / "home"))
    place.sspr(["check", str(few), "--out", str(folder / "few")], place.environment(folder / "home"))
    own: list[Ended] = []
    bare, fewer, short = list(own), list(own), list(own)
    for turn in range(times):
        environment = place.environment(folder / f"home-{turn}")
        bare.append(place.python([str(BARE), str(file)], environment))
        for ended, of in ((own, file), (fewer, smaller), (short, few)):
            out = folder / f"{of.stem}-{turn}"
            ended.append(place.sspr(["check", str(of), "--json", "--out", str(out)], environment))
        counts = own[-1].report()["counts"]
        if sum(counts.values()) != rows or not 0.9 <= counts["valid"] / int(bare[-1].said) <= 1:
            raise RuntimeError(f"The libraries find {bare[-1].said.strip()} rows good, sspr {counts}.")
    libraries = "csv, phonenumbers, email_validator in a loop"
    slowness = [each.wall / RATIO for each in bare]
    return [
        Measure("check", libraries, "rows/s", [rows / each.wall for each in bare]),
        Measure(
            "check", f"sspr check, {rows:,} rows", "rows/s", [rows / each.wall for each in own],
            libraries, [rows / each.wall for each in bare],
        ),
        Measure(
            "check", f"time, to {RATIO:g} times the rate", "", [
                each.wall / allowed for each, allowed in zip(own, slowness, strict=True)
            ], goal=1,
        ),
        Measure("check", "time of 50 rows", "s", [each.wall for each in short], goal=1),
        Measure("check", "CPU", "s", [each.cpu for each in own], "its time", [each.wall for each in own]),
        Measure(
            "check", "peak memory, all processes", "MiB", [each.tree for each in own],
            f"that of {rows // _FLAT:,} rows", [each.tree for each in fewer], goal=MEMORY,
        ),
    ]  # fmt: skip
