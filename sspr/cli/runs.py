"""`sspr runs`, `sspr runs show RUN_ID` and `sspr runs prune --older-than AGE`"""

from __future__ import annotations

import json
import re
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from sspr.cli import show
from sspr.cli.common import Session, ask, config_option, json_option, session, verbose_option, yes_option
from sspr.cli.story import facts, line, lines, story
from sspr.errors import Busy, CannotStart
from sspr.job import Job
from sspr.ledger import RunRecord
from sspr.report.words import number
from sspr.stages import intake
from sspr.stages.sitting import find

MOST_RUNS = 40

_SECONDS = {"h": 3600.0, "d": 86400.0}
_AGE = re.compile(r"(?P<number>\d{1,5})(?P<unit>[hd])")


@click.group(name="runs", invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1), help=f"So many, the newest ({MOST_RUNS}; with --json all).")
@config_option
@json_option
@click.pass_context
def command(context: click.Context, limit: int | None, config: Path | None, as_json: bool) -> int:
    """What was run, when, by whom, with what outcome; the newest first."""
    if context.invoked_subcommand is not None:
        return 0
    most = limit if limit or as_json else MOST_RUNS
    with session(config, as_json=as_json) as here:
        history = here.ledger.history
        told = [facts(here.ledger.run(record.id), record) for record in history.runs(most)]
        left = history.count() - len(told)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return 0
    for each in told:
        click.echo(line(each))
    if not told:
        click.echo("No run yet.", err=True)
    elif left:
        click.echo(f"… and {left} older (--limit shows more).", err=True)
    return 0


@command.command(name="show")
@click.argument("run_id")
@config_option
@json_option
@verbose_option
def show_run(run_id: str, config: Path | None, as_json: bool, verbose: bool) -> int:
    """One run, by its id or its folder: who had it in hand, with which files, what was written, its report."""
    with session(config, as_json=as_json, verbose=verbose) as here:
        run = find(here.ledger, run_id)
        told = story(here.ledger, run, time.time())
        if as_json:
            click.echo(json.dumps(told, ensure_ascii=False, indent=2))
            return 0
        for each in lines(told):
            click.echo(each)
        if verbose and not told["pruned_at"]:
            show.plan(Job.load(here.ledger, here.settings, run.run_id, here.host), here.terminal)
    return 0


@command.command(name="prune")
@click.option("--older-than", "age", required=True, metavar="AGE", help="Ended so long ago: 90d, 12h.")
@yes_option
@config_option
@json_option
def prune(age: str, yes: bool, config: Path | None, as_json: bool) -> int:
    """Forget the contact data of runs that ended so long ago; counts, codes, hashes and attempts are kept.

    A run that has not ended is never pruned. The output folders are not touched.
    """
    seconds = parse_age(age)
    with session(config, as_json=as_json) as here:
        before = time.time() - seconds
        old = here.ledger.history.ended_before(before)
        if old and not yes and not _may_forget(len(old), age):
            raise CannotStart("Nothing was forgotten.")
        done = _Pruned(kept=[record.id for record in here.ledger.history.open_since_before(before)])
        for record in old:
            _forget(here, record, done)
        erased = here.ledger.history.shred()
    if as_json:
        click.echo(json.dumps(done.told(erased), ensure_ascii=False, indent=2))
        return 0
    for sentence in done.sentences(age, erased):
        click.echo(sentence, err=True)
    return 0


def parse_age(text: str) -> float:
    """`90d` or `12h` in seconds. Raises `CannotStart`."""
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise CannotStart(f"--older-than takes days or hours, such as 90d or 12h; not {text!r}.")
    return int(found["number"]) * _SECONDS[found["unit"]]


@dataclass(slots=True)
class _Pruned:
    """What pruning did. `kept`: runs that are old enough, and open or in somebody's hands."""

    kept: list[str]
    runs: list[str] = field(default_factory=list)
    rows: int = 0
    folders: list[str] = field(default_factory=list)

    def told(self, erased: bool) -> dict[str, Any]:
        return {
            "runs": self.runs,
            "rows": self.rows,
            "kept": self.kept,
            "folders": self.folders,
            "erased": erased,
        }

    def sentences(self, age: str, erased: bool) -> list[str]:
        said = [
            f"Contact data of {number(self.rows, 'row')} in {number(len(self.runs), 'run')} was forgotten."
        ]
        if not self.runs:
            said = [f"No run that ended more than {age} ago holds contact data."]
        said += [
            f"Kept, because it has not ended or is being undone: {run_id}. `sspr resume {run_id}` goes on with it."
            for run_id in self.kept
        ]
        if self.folders:
            said.append("Not touched, and with contact data in them: these output folders.")
            said += [f"  {folder}" for folder in self.folders]
        if not erased:
            said.append(
                "The ledger is in use by other processes, so the values may still be in its file, marked as free. "
                "The same command again, once these have ended, removes them."
            )
        return said


def _forget(here: Session, record: RunRecord, done: _Pruned) -> None:
    rows = None
    with suppress(Busy), here.ledger.leased(record.id):
        rows = here.ledger.history.forget(record.id, time.time())
    if rows is None:
        done.kept.append(record.id)
        return
    # A copy of standard input, or of a file fetched from elsewhere, may be left by a run that was killed.
    intake.forget([(Path(source.path), source.name) for source in here.ledger.run(record.id).sources()])
    done.runs.append(record.id)
    done.rows += rows
    if record.out not in done.folders and Path(record.out).is_dir():
        done.folders.append(record.out)


def _may_forget(runs: int, age: str) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise CannotStart(
            "This forgets contact data for good, and there is no terminal to ask at. Give --yes to go on."
        )
    whose = number(runs, "run")
    return ask(
        f"Forget the contact data of {whose} that ended more than {age} ago? They cannot be undone then."
    )
