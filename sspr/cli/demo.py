"""`sspr demo [--prefect [--keep]]`"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

from sspr.cli.common import carry_out, out_option, session, verbose_option
from sspr.cli.starting import start_sample
from sspr.input import templates
from sspr.settings import Settings, home

SAMPLE = "sample"


@click.command(name="demo")
@click.option(
    "--prefect", is_flag=True, help="Through a Prefect server and worker of its own, as a deployment."
)
@click.option("--keep", is_flag=True, help="With --prefect: leave the server and the worker up.")
@out_option
@verbose_option
def command(prefect: bool, keep: bool, out: Path | None, verbose: bool) -> int:
    """The whole job on the sample input against the simulated tenant."""
    if keep and not prefect:
        raise click.UsageError("--keep goes with --prefect.")
    _fresh_home()
    sample = templates.template_path(SAMPLE)
    if prefect:
        from sspr.cli.prefect_demo import demo_with_prefect

        return demo_with_prefect(sample, keep=keep, out=out, verbose=verbose)
    with session(None, verbose=verbose, settings=Settings()) as here:
        job = start_sample(here, sample, out)
        code = carry_out(here, job, asking=False, as_json=False)
    # Rows that need a person are what the sample is for.
    return 0 if code == 1 else code


def _fresh_home() -> None:
    """A ledger and a simulated tenant of the demo's own, as at the first time."""
    folder = home() / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    os.environ["SSPR_HOME"] = str(folder)
