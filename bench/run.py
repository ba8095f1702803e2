"""What sspr costs, as ratios to named references measured in the same minutes: `python bench/run.py --help`."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

# Started by its path, from any folder: the modules beside it are found from the root of the project.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import check, cost, limit, peers, start
from bench.processes import Place
from bench.table import Measure, as_json, as_text, frame, side_by_side

BENCHMARKS = ("start", "check", "cost", "limit", "peers")


@click.command()
@click.option(
    "--rows",
    type=click.IntRange(1, 10_000),
    default=1_000,
    show_default=True,
    help="Of a run in `cost` and `peers`.",
)
@click.option(
    "--spent",
    type=click.IntRange(0, 3_000),
    default=2_500,
    show_default=True,
    help="Of 3,000 writes, gone before the second half of `peers`.",
)
@click.option(
    "--limit-rows",
    type=click.IntRange(100, 20_000),
    default=5_000,
    show_default=True,
    help="Of a run in `limit`.",
)
@click.option("--only", type=click.Choice(BENCHMARKS), multiple=True, help="This one; may be repeated.")
@click.option(
    "--starts", type=click.IntRange(1), default=7, show_default=True, help="Runs of `start`, each way."
)
@click.option("--checks", type=click.IntRange(1), default=3, show_default=True, help="Runs of `check`.")
@click.option(
    "--check-rows", type=click.IntRange(1), default=200_000, show_default=True, help="Of a run in `check`."
)
@click.option(
    "--runs", type=click.IntRange(1), default=1, show_default=True, help="Runs of `cost`, each target."
)
@click.option("--json", "wants_json", is_flag=True, help="The table as JSON.")
def main(
    rows: int,
    spent: int,
    limit_rows: int,
    only: tuple[str, ...],
    starts: int,
    checks: int,
    check_rows: int,
    runs: int,
    wants_json: bool,
) -> None:
    """Measure, and print one table. Progress goes to standard error."""
    benchmarks: dict[str, Callable[[Place], list[Measure]]] = {
        "start": lambda place: start.measure(place, starts),
        "check": lambda place: check.measure(place, checks, check_rows),
        "cost": lambda place: cost.measure(place, rows, runs),
        "limit": lambda place: limit.measure(place, limit_rows),
        "peers": lambda place: peers.measure(place, rows, spent),
    }
    measures: list[Measure] = []
    with tempfile.TemporaryDirectory(prefix="sspr-bench-") as folder:
        place = Place(Path(folder))
        for name in BENCHMARKS:
            if not only or name in only:
                click.echo(f"{name} …", err=True)
                measures += benchmarks[name](place)
    table, notes = frame(measures), _notes(rows)
    if wants_json:
        click.echo(as_json(table, notes))
        return
    beside = table["benchmark"].str.startswith("peers")
    if beside.any():
        click.echo(f"{side_by_side(table[beside])}\n")
    click.echo(as_text(table[~beside], notes))


def _notes(rows: int) -> list[str]:
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return [
        f"Python {platform.python_version()}, {os.cpu_count()} processors{load} at the end.",
        "ratio: to what `against` names; the median of the ratios of pairs measured one after the other.",
        "All commands run in processes of their own, with bytecode at hand as an installed product has it.",
        f"cost, peers: {rows:,} rows; the tenant in another process, documented quotas, 120 ± 60 ms an answer.",
        "own share: the process's time, from its start to its end, without graph.seconds of report.json.",
        "start: a run of one row, no latency; until the request arrives at the tenant.",
    ]


if __name__ == "__main__":
    main()
