"""`sspr runs` and `sspr runs show RUN_ID`"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from sspr.cli import show
from sspr.cli.common import Session, config_option, json_option, session, verbose_option
from sspr.job import Job
from sspr.ledger import RunLedger, RunRecord, status_of


@click.group(name="runs", invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def command(context: click.Context, config: Path | None, as_json: bool) -> int:
    """What was run, when, by whom, with what outcome."""
    if context.invoked_subcommand is not None:
        return 0
    with session(config, as_json=as_json) as here:
        facts = [_facts(here, run_id) for run_id in here.ledger.run_ids()]
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return 0
    for each in facts:
        counts = ", ".join(f"{n} {status}" for status, n in each["counts"].items()) or "no rows"
        click.echo(
            f"{each['run_id']}  {each['started_at']}  {each['command']:8} {each['tenant']:12} {each['who']}  "
            f"{each['outcome']}: {counts}"
        )
    if not facts:
        click.echo("No run yet.", err=True)
    return 0


@command.command(name="show")
@click.argument("run_id")
@config_option
@json_option
@verbose_option
def show_run(run_id: str, config: Path | None, as_json: bool, verbose: bool) -> int:
    """One run: its report, and its folder."""
    with session(config, as_json=as_json, verbose=verbose) as here:
        job = Job.load(here.ledger, here.settings, run_id, here.host)
        facts = _facts(here, job.id)
        if as_json:
            click.echo(json.dumps(facts, indent=2))
            return 0
        for name, value in facts.items():
            click.echo(f"{name}: {json.dumps(value) if isinstance(value, dict | list) else value}")
        if verbose:
            show.plan(job, here.terminal)
    return 0


def _facts(here: Session, run_id: str) -> dict[str, Any]:
    run = here.ledger.run(run_id)
    record = run.record()
    return {
        "run_id": record.id,
        "command": record.command,
        "tenant": record.tenant,
        "target": record.target.value,
        "who": record.who,
        "started_at": _moment(record.started_at),
        "finished_at": _moment(record.finished_at),
        "outcome": _outcome(record),
        "counts": _counts(run, record),
        "stopped_because": record.stopped_because,
        "files": [source.name for source in run.sources()],
        "folder": record.out,
    }


def _counts(run: RunLedger, record: RunRecord) -> dict[str, int]:
    """Status → rows: as its report said, or as they stand where it has none yet."""
    if record.counts is not None and record.finished_at is not None:
        return dict(record.counts)
    counts: dict[str, int] = {}
    for state, count in run.counts().items():
        status = status_of(state, record.command).value
        counts[status] = counts.get(status, 0) + count
    return counts


def _outcome(record: RunRecord) -> str:
    if record.ended:
        return f"ended with {record.exit_code}"
    return "stopped" if record.exit_code is not None else "open"


def _moment(seconds: float | None) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
