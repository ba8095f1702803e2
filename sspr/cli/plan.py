"""`sspr plan FILE...`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sspr.cli import show
from sspr.cli.common import (
    carry_out,
    input_options,
    output_options,
    planning_options,
    session,
    tenant_option,
    yes_option,
)
from sspr.cli.starting import start


@click.command(name="plan")
@input_options
@tenant_option
@yes_option
@planning_options
@output_options
def command(files: tuple[str, ...], config: Path | None, as_json: bool, verbose: bool, **words: Any) -> int:
    """Check, then read the tenant and show what would change."""
    with session(config, as_json=as_json, verbose=verbose) as here:
        job = start(here, "plan", files, **words)
        code = carry_out(here, job, asking=False, as_json=as_json)
        if not as_json:
            show.plan(job, here.terminal)
            if code in {0, 1}:
                here.terminal.say(f"The plan is kept: `sspr apply {job.id}` carries it out.")
        return code
