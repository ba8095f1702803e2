"""`sspr doctor`"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from sspr.cli.common import config_option, json_option, options, session, tenant_option, verbose_option
from sspr.model import Target
from sspr.stages.doctor import Diagnosis, Granted, Verdict, examine
from sspr.tenancy import Tenancy
from sspr.tenant.granting import described

_common = options(tenant_option, config_option, json_option, verbose_option)
_YES_OR_NO = {True: "yes", False: "no", None: "not known"}


@click.command(name="doctor")
@_common
def command(tenant: str | None, config: Path | None, as_json: bool, verbose: bool) -> int:
    """Sign in, and name what the credential may do and what is missing for a run. Writes nothing.

    Exit code 0: everything that a full run needs is there; 1: something is missing.
    """
    with session(config, as_json=as_json, verbose=verbose) as here:
        name = here.settings.tenant_name(tenant)
        settings = here.settings.tenants.get(name)
        tenancy = Tenancy(here.settings, here.ledger)
        tenancy.check(name)
        target = settings.target_for(None) if settings else Target.BOTH
        try:
            graph = tenancy.connect(
                name, 20, (), here.host.clock, here.host.sleep, here.host.cancelled, here.host.on_wait
            )
            found = examine(graph, settings.client_id if settings else "", target)
        finally:
            tenancy.close()
        if as_json:
            click.echo(json.dumps(_facts(name, found), ensure_ascii=False, indent=2))
            return found.exit_code
        for line in _told(name, found):
            click.echo(line)
        for note in found.notes:
            here.terminal.say(note)
        here.terminal.say(_verdict(name, found))
    return found.exit_code


def _verdict(name: str, found: Diagnosis) -> str:
    full = f"a full run (target {found.target})"
    if found.exit_code:
        return f"Something is missing for {full} on {name}."
    if found.permissions is None:
        return f"Nothing was seen to be missing for {full} on {name}, but not everything can be seen."
    return f"Everything that {full} on {name} needs is there."


def _told(name: str, found: Diagnosis) -> Iterator[str]:
    yield from _tenant(name, found)
    yield ""
    by_token = found.permissions and all(each.in_directory is None for each in found.permissions)
    yield f"permissions{' (by the token; Application.Read.All would show the grants)' if by_token else ''}"
    if found.permissions is None:
        yield "  not known"
    for each in found.permissions or ():
        yield f"  {each.name:44}{_where(each)}".rstrip()
    yield ""
    yield "directory roles"
    roles = [described(role) for role in found.roles.held or ()]
    yield from (f"  {role}" for role in roles or ["none" if found.roles.held is not None else "not known"])
    yield f"  contact properties can be changed of: {found.roles.reach}"
    yield ""
    yield "what each command needs at least"
    for verdict in found.commands:
        yield from _command(verdict)
    yield ""
    yield "one read of each kind"
    for read in found.looked.reads:
        yield f"  {read.name:26}{read.seen}{f' ({read.detail})' if read.detail else ''}"
    if found.lines:
        yield ""
        yield from found.lines


def _tenant(name: str, found: Diagnosis) -> Iterator[str]:
    organization = found.organization
    if organization is None:
        yield f"tenant          {name} (its name may not be read)"
    else:
        yield f"tenant          {name}: {organization.display_name or '(its name is withheld)'}, {organization.id}"
        yield f"domains         {', '.join(sorted(organization.domains)) or 'not shown'}"
        if organization.gates is not None:
            yield f"reset asks for  {organization.gates} of email, mobile phone and authenticator app"
    yield f"flag            {({True: 'on', False: 'off', None: 'not known'})[found.looked.flag]}"
    who = found.who
    kind = "person, application" if who.person else "managed identity" if who.managed else "application"
    object_id = f", object id {who.object_id}" if who.object_id else ""
    yield f"signed in as    {kind} {who.client_id or '(id not known)'}{object_id}"


def _where(each: Granted) -> str:
    if each.in_token is False:
        return "granted, but not in this sign-in's token yet"
    if each.in_directory is False:
        return "in the token, but not among the grants (any more, or not shown yet)"
    return ""


def _command(verdict: Verdict) -> Iterator[str]:
    target = f" --target {verdict.target}" if verdict.target else ""
    yield f"  {f'{verdict.command}{target}':44}{_YES_OR_NO[verdict.may]}"
    yield f"      needs {', '.join(verdict.least) or 'nothing'}"
    if verdict.missing:
        yield f"      lacks {', '.join(verdict.missing)}"
    yield from (f"      {each}" for each in verdict.missed)


def _facts(name: str, found: Diagnosis) -> dict[str, Any]:
    organization, who, roles = found.organization, found.who, found.roles
    return {
        "tenant": name,
        "tenant_id": organization.id if organization else None,
        "display_name": organization.display_name if organization else None,
        "domains": sorted(organization.domains) if organization else None,
        "gates": organization.gates if organization else None,
        "feature": found.looked.flag,
        "target": found.target.value,
        "application": {"client_id": who.client_id, "object_id": who.object_id, "person": who.person},
        "permissions": None
        if found.permissions is None
        else [
            {"name": each.name, "token": each.in_token, "directory": each.in_directory}
            for each in found.permissions
        ],
        "directory_roles": None
        if roles.held is None
        else [{"id": role.id, "name": role.name, "scope": role.scope} for role in roles.held],
        "reach": roles.reach.value,
        "commands": [
            {
                "command": each.command,
                "target": each.target.value if each.target else None,
                "needs": list(each.least),
                "missing": list(each.missing),
                "without": list(each.missed),
                "granted": each.may,
            }
            for each in found.commands
        ],
        "reads": [
            {"name": read.name, "outcome": read.seen.value, "detail": read.detail}
            for read in found.looked.reads
        ],
        "missing": {
            "permissions": [
                {
                    "name": lack.permission,
                    "instead": lack.instead or None,
                    "to": list(lack.what),
                    "waiting": lack.permission in found.missing.waiting,
                }
                for lack in found.missing.lacks
            ],
            "directory_role": found.missing.role,
        },
        "how": found.lines,
        "notes": list(found.notes),
        "exit_code": found.exit_code,
    }
