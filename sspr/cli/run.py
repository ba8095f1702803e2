"""`sspr run FILE...`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sspr.cli.common import (
    carry_out,
    input_options,
    must_ask,
    output_options,
    planning_options,
    session,
    tenant_option,
    wait_option,
    yes_option,
)
from sspr.cli.starting import start


@click.command(name="run")
@input_options
@tenant_option
@planning_options
@yes_option
@wait_option
@output_options
def command(
    files: tuple[str, ...],
    config: Path | None,
    yes: bool,
    wait: bool,
    as_json: bool,
    verbose: bool,
    **words: Any,
) -> int:
    """Plan, then apply in rate-limited batches, read back, check the flag.

    Where a run that was asked for the same did not come to its end, it goes on with that one.
    """
    with session(config, as_json=as_json, verbose=verbose, wait=wait) as here:
        asking = must_ask(yes)
        job = start(here, "run", files, **words)
        return carry_out(here, job, asking=asking, as_json=as_json)
