"""`sspr undo RUN_ID`"""

from __future__ import annotations

from pathlib import Path

import click

from sspr.cli.common import (
    carry_out,
    must_ask,
    out_option,
    output_options,
    session,
    tenant_option,
    wait_option,
    yes_option,
)
from sspr.cli.starting import announce
from sspr.job import Job


@click.command(name="undo")
@click.argument("run_id")
@out_option
@tenant_option
@yes_option
@wait_option
@output_options
def command(
    run_id: str,
    out: Path | None,
    tenant: str | None,
    config: Path | None,
    yes: bool,
    wait: bool,
    as_json: bool,
    verbose: bool,
) -> int:
    """Put back what a run changed, where nobody has changed it since.

    It is a run of its own, with a run id, an output folder and a report. RUN_ID: the run to undo, or its output folder.
    """
    with session(config, as_json=as_json, verbose=verbose, wait=wait) as here:
        request = Job.load(here.ledger, here.settings, run_id, here.host).undoing(tenant, out)
        asking = must_ask(yes)
        job = Job.begin(here.ledger, here.settings, request, here.host)
        announce(job)
        return carry_out(here, job, asking=asking, as_json=as_json)
