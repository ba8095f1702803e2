"""`sspr check FILE...`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sspr.cli.common import carry_out, input_options, output_options, session, tenant_option, yes_option
from sspr.cli.starting import start


@click.command(name="check")
@input_options
@tenant_option
@yes_option
@output_options
def command(files: tuple[str, ...], config: Path | None, as_json: bool, verbose: bool, **words: Any) -> int:
    """Read and validate the rows; needs no tenant and no network."""
    with session(config, as_json=as_json, verbose=verbose) as here:
        job = start(here, "check", files, **words)
        return carry_out(here, job, asking=False, as_json=as_json)
