"""`sspr check FILE...`"""

from __future__ import annotations

from pathlib import Path

import click

from sspr.cli.common import carry_out, input_options, output_options, session, tenant_option
from sspr.cli.starting import start


@click.command(name="check")
@input_options
@tenant_option
@output_options
def command(
    files: tuple[str, ...],
    out: Path | None,
    mapping: tuple[str, ...],
    encoding: str | None,
    default_country: str | None,
    tenant: str | None,
    config: Path | None,
    as_json: bool,
    verbose: bool,
) -> int:
    """Read and validate the rows; needs no tenant and no network."""
    with session(config, as_json=as_json, verbose=verbose) as here:
        job = start(
            here, "check", files, tenant=tenant, out=out, mapping=mapping, encoding=encoding,
            default_country=default_country,
        )  # fmt: skip
        return carry_out(here, job, asking=False, as_json=as_json)
