"""`sspr feature status|enable|disable`"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from sspr.cli.common import (
    ask,
    config_option,
    json_option,
    must_ask,
    options,
    session,
    tenant_option,
    verbose_option,
)
from sspr.report.words import FLAG_MEANING
from sspr.tenancy import Tenancy

_common = options(tenant_option, config_option, json_option, verbose_option)


@click.group(name="feature")
def command() -> None:
    """The tenant-wide flag: administrators may use self-service password reset."""


@command.command(name="status")
@_common
def status(**words: Any) -> int:
    """Whether the flag is on. Exit code 0: on, 1: off."""
    return _flag(None, yes=True, **words)


@command.command(name="enable")
@click.option("--yes", is_flag=True, help="Do not ask before writing.")
@_common
def enable(**words: Any) -> int:
    """Turn the flag on."""
    return _flag(True, **words)


@command.command(name="disable")
@click.option("--yes", is_flag=True, help="Do not ask before writing.")
@_common
def disable(**words: Any) -> int:
    """Turn the flag off."""
    return _flag(False, **words)


def _flag(
    wanted: bool | None, *, yes: bool, tenant: str | None, config: Path | None, as_json: bool, verbose: bool
) -> int:
    from sspr.stages.feature import set_feature

    with session(config, as_json=as_json, verbose=verbose) as here:
        asking = wanted is not None and must_ask(yes)
        name = here.settings.tenant_name(tenant)
        tenancy = Tenancy(here.settings, here.ledger)
        tenancy.check(name)
        try:
            graph = tenancy.connect(
                name, 20, (), here.host.clock, here.host.sleep, here.host.cancelled, here.host.on_wait
            )
            before = graph.feature()
            after = before
            if wanted is not None and before is not wanted:
                word = "on" if wanted else "off"
                if asking and not ask(f"{FLAG_MEANING}\nTurn the flag of the tenant {name} {word}?"):
                    here.terminal.say("Nothing was changed.")
                    return 1
                set_feature(graph, wanted, here.host.clock, here.host.sleep)
                after = wanted
        finally:
            tenancy.close()
    if as_json:
        told = {"tenant": name, "enabled_before": before, "enabled_after": after, "meaning": FLAG_MEANING}
        click.echo(json.dumps(told, indent=2))
    else:
        changed = "" if before is after else f" (it was {'on' if before else 'off'} before)"
        click.echo(f"{name}: the flag is {'on' if after else 'off'}{changed}.")
        here.terminal.say(FLAG_MEANING)
    return 0 if wanted is not None or after else 1
