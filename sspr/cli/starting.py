"""From the words of a command line to an opened run."""

from __future__ import annotations

from pathlib import Path

import click

from sspr.cli.common import Session, parse_mapping, parse_region
from sspr.job import Job, JobRequest
from sspr.model import Target
from sspr.settings import SIMULATED
from sspr.stages.context import Options
from sspr.stages.limits import parse_max_failures


def start(
    here: Session,
    command: str,
    files: tuple[str, ...],
    *,
    tenant: str | None,
    out: Path | None,
    mapping: tuple[str, ...],
    yes: bool = False,  # noqa: ARG001 - asked where something is to be written
    profile: str | None = None,
    encoding: str | None = None,
    default_country: str | None = None,
    check_domains: bool = False,
    target: str | None = None,
    batch_size: int = 20,
    enable_feature: bool = False,
    replace_methods: bool = False,
    max_failures: str | None = None,
    anew: bool = False,
) -> Job:
    """Opens a run, or takes up the one that had not ended when the same was asked for, unless it is to be `anew`; its
    id is the first line on standard error. Raises `CannotStart`.
    """
    parse_max_failures(max_failures, 100)
    options = Options(
        default_country=parse_region(default_country),
        mapping=parse_mapping(mapping),
        profile=profile,
        encoding=encoding,
        check_domains=check_domains,
        replace_methods=replace_methods,
        enable_feature=enable_feature,
        max_failures=max_failures,
        batch_size=batch_size,
    )
    request = JobRequest(
        command=command,
        files=files,
        tenant=here.settings.tenant_name(tenant),
        target=Target(target) if target else None,
        options=options,
        out=out,
        anew=anew,
    )
    job = Job.begin(here.ledger, here.settings, request, here.host)
    announce(job)
    return job


def start_sample(here: Session, sample: Path, out: Path | None) -> Job:
    """Opens the demo's run: the sample on the simulated tenant, from its beginning."""
    files = (str(sample),)
    return start(here, "run", files, tenant=SIMULATED, out=out, mapping=(), anew=True)


def announce(job: Job) -> None:
    """The first line of every command that opens a run, or takes one up."""
    click.echo(f"run id: {job.id}", err=True)
