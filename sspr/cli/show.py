"""The plan and the outcome of a run, as text for a person. Contact values are masked."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

import click

from sspr.cells import unguard_cell
from sspr.cli.terminal import Terminal
from sspr.job import Job
from sspr.masking import mask_text
from sspr.report.content import Report
from sspr.report.tables import RESULTS
from sspr.report.text import summary_lines
from sspr.report.words import FLAG_MEANING, needing_a_person
from sspr.stages.planned import Plan, change_lines, planned_rows, replacements, survey, totals
from sspr.stages.report import NEED_A_PERSON, how_to_mend

MOST_ROWS = 40


def plan(job: Job, terminal: Terminal, *, err: bool = False) -> Plan:
    """What would be written, value by value, on standard output (`err`: standard error), the totals last: `+` a value
    where there was none, `~` one that takes the place of another. Returns what it showed.
    """
    terminal.pause()
    tell = partial(click.echo, err=err)
    sources = {source.number: source.name for source in job.run.sources()}
    most = None if terminal.verbose else MOST_ROWS
    for each in islice(planned_rows(job.run), most):
        tell(f"{sources[each.row.source]} line {each.row.line}  {each.row.upn}")
        for change in each.changes:
            for line in change_lines(change):
                tell(f"  {line}")
    whole = survey(job.run)
    if most is not None and whole.administrators > most:
        left = whole.administrators - most
        tell(f"… and {left:,} more (--verbose shows all; {job.folder / RESULTS} holds them).")
    tell(f"\n{totals(whole)} {replacements(whole)}")
    if job.turns_flag:
        turn = "off → on" if job.turns_flag == "on" else "on → off"
        tell(f"The flag: {turn}. {FLAG_MEANING}")
    return whole


def outcome(report: Report, terminal: Terminal) -> None:
    """The rows that need a person on standard output, as `results.csv` has them; the summary on standard error."""
    folder = Path(report["folder"])
    total = needing_a_person(report)
    most = total if terminal.verbose else MOST_ROWS
    for row in islice(_needing(folder / RESULTS), min(most, total)):
        account = unguard_cell(row["user_principal_name"]) or "(no account)"
        click.echo(f"{row['file']} line {row['line']}  {account}  {row['status']}  {row['reason']}")
        click.echo(f"    {mask_text(row['message'])}")
    if most < total:
        click.echo(f"… and {total - most} more (--verbose shows all; {folder / RESULTS} holds them).")
    for line in summary_lines(report, explain=how_to_mend):
        terminal.say(line)


def _needing(results: Path) -> Iterator[dict[str, str]]:
    with results.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["status"] in NEED_A_PERSON:
                yield row
