"""`sspr apply RUN_ID`"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from sspr.cli.common import carry_out, must_ask, output_options, session, wait_option, yes_option
from sspr.cli.starting import announce
from sspr.errors import CannotStart
from sspr.job import Job
from sspr.ledger import RowState


@click.command(name="apply")
@click.argument("run_id")
@yes_option
@wait_option
@output_options
def command(run_id: str, yes: bool, wait: bool, config: Path | None, as_json: bool, verbose: bool) -> int:
    """Carry out a kept plan and nothing else; what has moved since is not written."""
    with session(config, as_json=as_json, verbose=verbose, wait=wait) as here:
        job = Job.load(here.ledger, here.settings, run_id, here.host)
        if job.record.command not in {"plan", "apply"}:
            raise CannotStart(
                f"The run {job.id} is a {job.record.command}, not a plan. `sspr runs` lists all."
            )
        if job.record.command == "plan" and (not job.record.ended or job.counts().get(RowState.READ)):
            raise CannotStart(
                f"The plan {job.id} did not come to its end. `sspr resume {job.id}` goes on with it."
            )
        asking = must_ask(yes)
        announce(job)
        # Approved by who is asked, once they said yes; by who gives --yes, with that.
        adopt = partial(job.adopt, "apply", approved=not asking or job.options.approved)
        return carry_out(here, job, asking=asking, as_json=as_json, first=adopt)
