"""`sspr resume [RUN_ID]`"""

from __future__ import annotations

from pathlib import Path

import click

from sspr.cli.common import carry_out, must_ask, output_options, session, wait_option, yes_option
from sspr.cli.starting import announce
from sspr.errors import CannotStart
from sspr.job import Job
from sspr.ledger.states import FINAL


@click.command(name="resume")
@click.argument("run_id", required=False)
@yes_option
@wait_option
@output_options
def command(
    run_id: str | None, yes: bool, wait: bool, config: Path | None, as_json: bool, verbose: bool
) -> int:
    """Go on with a run that stopped; without an id, with the last that has not ended."""
    with session(config, as_json=as_json, verbose=verbose, wait=wait) as here:
        chosen = run_id or here.ledger.last_open_run()
        if chosen is None:
            raise CannotStart("No run is left to go on with. `sspr runs` lists all.")
        job = Job.load(here.ledger, here.settings, chosen, here.host)
        # One that could not start counts as ended; what is left of it is asked about like any other.
        left = not job.record.ended or not job.counts().keys() <= FINAL
        asking = must_ask(yes) if job.writes and left else False
        announce(job)
        return carry_out(here, job, asking=asking, as_json=as_json)
