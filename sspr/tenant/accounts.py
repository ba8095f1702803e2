"""Answers about accounts: what was found, what was withheld, what is not there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sspr.model import Account, Fault
from sspr.tenant import parse, permissions

LIMITED = Fault(
    200,
    "limited_information",
    "Graph shows that the account exists, but not its properties: the application lacks "
    + permissions.alternatives(permissions.READ_USERS),
)


def refusal(listed: list[Mapping[str, object]] | Fault) -> str:
    """What a listing said, for the log."""
    return f"HTTP {listed.status} {listed.code}" if isinstance(listed, Fault) else "listed"


def forbidden(fault: Fault) -> bool:
    """Whether a permission is missing: said so, or by withholding everything."""
    return fault.status == 403 or fault is LIMITED


def account(body: object) -> Account | Fault | None:
    """The account of an answer by path, None where there is none."""
    if isinstance(body, Fault):
        return None if body.status == 404 else body
    return parse.account(body) or LIMITED


def matched(
    names: Sequence[str], listed: list[Mapping[str, object]] | Fault
) -> dict[str, Account | Fault | None]:
    """The accounts of one filter by name in lower case. Of objects without a name nobody knows whose they are."""
    if isinstance(listed, Fault):
        return {name.lower(): listed for name in names}
    nameless = any(not parse.text(user.get("userPrincipalName")) for user in listed)
    found: dict[str, Account | Fault | None] = {name.lower(): LIMITED if nameless else None for name in names}
    for user in listed:
        name = parse.text(user.get("userPrincipalName")).lower()
        if name in found:
            found[name] = parse.account(user) or LIMITED
    return found
