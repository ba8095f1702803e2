"""The doctor: who is signed in, what that identity may do, what each command needs, and what is missing for a full run.

The token's claims are a hint, the directory's grants may lag by minutes, and both may be unreadable: a verdict is
None where neither tells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from sspr.model import Organization, Target
from sspr.tenant import inspection
from sspr.tenant.directory_roles import DirectoryRoles, Reach
from sspr.tenant.granting import Missing, caution, how_to_grant, missing_lines, waiting
from sspr.tenant.graph import Tenant
from sspr.tenant.identity import Identity
from sspr.tenant.inspection import Inspection
from sspr.tenant.permissions import COMMANDS, ROLE, WRITING, Need, lacking, needed, needs

# Those whose needs are the same stand in one line of the table.
_ALIKE = {"run": ", ".join(WRITING), "feature enable": "feature enable, disable"}
_BY_TARGET = {"plan", "run"}
# A read that is refused proves these needs unmet, whatever the token says.
_PROOF = {
    "organization": ("read the organization and its domains",),
    "users": ("read users",),
    "authorization policy": ("read the self-service flag",),
    "authentication methods": ("read all kinds of methods",),
    "email methods": ("read email methods", "register the email method"),
    "phone methods": ("read phone methods", "register the mobile phone method"),
    "role assignments": ("read who holds a directory role",),
    "role eligibility": ("read who is eligible for a role",),
    "group members": ("read the members of groups with a role",),
    "registration report": ("read the registration report",),
}


@dataclass(frozen=True, slots=True)
class Granted:
    """A permission of Graph by its name: whether the token names it, and whether it stands in the directory."""

    name: str
    in_token: bool | None
    in_directory: bool | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What verdicts are drawn from. `acting`: the permissions, None where nobody could tell; `denied`: what was tried
    and refused.
    """

    acting: Collection[str] | None
    denied: frozenset[str]
    roles: DirectoryRoles

    def unmet(self, wanted: Iterable[Need]) -> list[Need]:
        """The needs that are surely not met."""
        return [
            need
            for need in wanted
            if need.what in self.denied or (self.acting is not None and not need.met_by(self.acting))
        ]

    def role_missing(self, target: Target) -> bool:
        """Stricter than a run: a role that no look shows is told as missing, though a group may give it."""
        told = self.roles.held is not None or self.roles.named is not None
        return target.contact and told and self.roles.reach is not Reach.ALL


@dataclass(frozen=True, slots=True)
class Verdict:
    """One command, for one target where it writes rows: what it needs at least, and what of it is missing.

    `may`: None where it is not known. `missed`: what it goes on without, in words.
    """

    command: str
    target: Target | None
    least: tuple[str, ...]
    missing: tuple[str, ...]
    missed: tuple[str, ...]
    may: bool | None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that was found. `missing`: for a full run to `target`; `permissions`: None where nobody could tell."""

    who: Identity
    target: Target
    looked: Inspection
    permissions: tuple[Granted, ...] | None
    roles: DirectoryRoles
    commands: tuple[Verdict, ...]
    missing: Missing
    notes: tuple[str, ...]

    @property
    def organization(self) -> Organization | None:
        """The tenant, where it may be read."""
        return self.looked.organization

    @property
    def lines(self) -> list[str]:
        """What is missing, and how to grant it: the words with which a run refuses to start."""
        return [*missing_lines(self.missing), *how_to_grant(self.missing, self.who)]

    @property
    def exit_code(self) -> int:
        """0: everything that a full run needs is there, as far as can be told; 1: something is missing."""
        return 1 if self.missing else 0


def examine(tenant: Tenant, client_id: str, target: Target) -> Diagnosis:
    """Looks at everything; writes nothing. `client_id`: of the settings, for a token that cannot be read.

    Raises `SsprError` only where Microsoft cannot be reached.
    """
    who = tenant.identity
    who = replace(who, client_id=who.client_id or client_id)
    directory = None if who.person else inspection.grants(tenant, who.client_id)
    if not who.object_id and not who.person:
        who = replace(who, object_id=inspection.object_id(tenant, who.client_id))
    roles = inspection.directory_roles(tenant, who, look=True)
    looked = inspection.inspect(tenant)
    seen = Evidence(who.permissions if who.permissions is not None else directory, _denied(looked), roles)
    lacks = lacking((), seen.unmet(needed("run", target)))
    missing = Missing(lacks, seen.role_missing(target), waiting(lacks, directory))
    return Diagnosis(
        who=who,
        target=target,
        looked=looked,
        permissions=_permissions(who, directory),
        roles=roles,
        commands=tuple(_verdicts(seen)),
        missing=missing,
        notes=tuple(_notes(looked, seen, target)),
    )


def _denied(looked: Inspection) -> frozenset[str]:
    """What reads that were refused prove to be missing, as `Need.what`."""
    return frozenset(what for read in looked.reads if read.denied for what in _PROOF.get(read.name, ()))


def _permissions(who: Identity, directory: Collection[str] | None) -> tuple[Granted, ...] | None:
    if who.permissions is None and directory is None:
        return None
    token, listed = who.permissions, directory
    return tuple(
        Granted(name, None if token is None else name in token, None if listed is None else name in listed)
        for name in sorted({*(token or ()), *(listed or ())})
    )


def _verdicts(seen: Evidence) -> Iterator[Verdict]:
    for command in COMMANDS:
        if command in WRITING[1:] or command == "feature disable":
            continue
        for target in Target if command in _BY_TARGET else (None,):
            yield _verdict(command, target, seen)


def _verdict(command: str, target: Target | None, seen: Evidence) -> Verdict:
    every = needs(command, target or Target.BOTH)
    must = [need for need in every if not need.without]
    role = f"the directory role {ROLE}"
    writes_contact = command == "run" and target is not None and target.contact
    least = [lack.permission for lack in lacking((), must)]
    missing = [lack.permission for lack in lacking((), seen.unmet(must))]
    if writes_contact:
        least.append(role)
    if writes_contact and seen.role_missing(Target.CONTACT):
        missing.append(role)
    unknown = bool(must) and seen.acting is None
    return Verdict(
        command=_ALIKE.get(command, command),
        target=target,
        least=tuple(least),
        missing=tuple(missing),
        missed=tuple(_missed(need) for need in seen.unmet(every) if need.without),
        may=False if missing else None if unknown else True,
    )


def _missed(need: Need) -> str:
    return f"without {need.permissions[0]}, to {need.what}: {need.without}"


def _notes(looked: Inspection, seen: Evidence, target: Target) -> Iterator[str]:
    if seen.acting is None:
        yield ("What was granted is not known: the token cannot be read, and Application.Read.All, to read the grants, "
               "is missing.")  # fmt: skip
    if target.contact and caution(seen.roles):
        yield caution(seen.roles)
    if target.contact:
        yield (f"With --target {target}, mobilePhone can be read by any member of the tenant; with --target methods "
               "the number is for privileged roles only.")  # fmt: skip
    if target.methods:
        yield ("A number that is registered as a method also counts for MFA. From 2027-02-01 Microsoft sends no SMS "
               "of its own (Global Administrators: 2027-07-01, as reported), unless the tenant has a telephony "
               "provider.")  # fmt: skip
    if looked.flag is False:
        yield "The flag is off: no administrator can reset, whatever is registered. `sspr feature enable` turns it on."
