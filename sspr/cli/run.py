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
    yes_option,
)
from sspr.cli.starting import start


@click.command(name="run")
@input_options
@tenant_option
@planning_options
@yes_option
@output_options
def command(
    files: tuple[str, ...], config: Path | None, yes: bool, as_json: bool, verbose: bool, **words: Any
) -> int:
    """Plan, then apply in rate-limited batches, read back, check the flag."""
    with session(config, as_json=as_json, verbose=verbose) as here:
        asking = must_ask(yes)
        job = start(here, "run", files, **words)
        return carry_out(here, job, asking=asking, as_json=as_json)
