"""What only all rows of all files together can tell: the same account twice, the same value for several accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from sspr.contacts.email import mailbox
from sspr.model import Contact, Finding

Key = TypeVar("Key", bound=Hashable)
NAMED_AT_MOST = 3  # lines that a detail names; a shared service mailbox may stand in thousands of rows


class _Place(NamedTuple):
    """A row: the caller's key, where it stands, and what it asks for, in a form to compare."""

    key: Hashable
    where: str
    email: str
    phone: str


def judge_across(items: Iterable[tuple[Key, str, Contact]]) -> dict[Key, tuple[Finding, ...]]:
    """Findings by key, for the rows that have any.

    `items`: all rows of all files in their order, each with a key of the caller's own and where it
    stands as a person reads it (`line 14`, `line 14 of b.csv`). Of equal rows of an account the
    first goes on; of contradicting ones none does. Rows without a readable account take no part.
    """
    accounts: dict[str, list[_Place]] = defaultdict(list)
    for key, where, contact in items:
        if contact.user_principal_name:
            email, phone = contact.alternate_email.casefold(), _digits(contact.mobile_phone)
            accounts[contact.user_principal_name.casefold()].append(_Place(key, where, email, phone))
    findings: dict[Hashable, list[Finding]] = defaultdict(list)
    for places in accounts.values():
        _judge_account(places, findings)
    _judge_shared("email_shared", _holders(accounts, "email"), findings)
    _judge_shared("phone_shared", _holders(accounts, "phone"), findings)
    return {key: tuple(found) for key, found in findings.items()}  # type: ignore[misc]  # keys are those given


def _judge_account(places: Sequence[_Place], findings: Mapping[Hashable, list[Finding]]) -> None:
    first = places[0]
    if all(place.email == first.email and place.phone == first.phone for place in places):
        for place in places[1:]:
            findings[place.key].append(Finding("duplicate_row", first.where))
        return
    for index, place in enumerate(places):
        before, after = (
            places[max(0, index - NAMED_AT_MOST) : index],
            places[index + 1 : index + 1 + NAMED_AT_MOST],
        )
        others = _named(before, after, len(places) - 1)
        findings[place.key].append(Finding("conflicting_rows", others))


def _holders(accounts: Mapping[str, list[_Place]], value: str) -> dict[str, list[list[_Place]]]:
    """Each mailbox or number → the rows of each account that asks for it."""
    holders: dict[str, list[list[_Place]]] = defaultdict(list)
    for places in accounts.values():
        by_value: dict[str, list[_Place]] = defaultdict(list)
        for place in places:
            wanted = mailbox(place.email) if value == "email" and place.email else getattr(place, value)
            if wanted:
                by_value[wanted].append(place)
        for wanted, holding in by_value.items():
            holders[wanted].append(holding)
    return holders


def _judge_shared(
    code: str, holders: Mapping[str, list[list[_Place]]], findings: Mapping[Hashable, list[Finding]]
) -> None:
    for groups in holders.values():
        if len(groups) < 2:
            continue
        for index, group in enumerate(groups):
            # One line for each other account is enough to find it.
            before = [other[0] for other in groups[max(0, index - NAMED_AT_MOST) : index]]
            after = [other[0] for other in groups[index + 1 : index + 1 + NAMED_AT_MOST]]
            detail = _named(before, after, len(groups) - 1)
            for place in group:
                findings[place.key].append(Finding(code, detail))


def _named(before: Sequence[_Place], after: Sequence[_Place], count: int) -> str:
    """`line 14 and line 20`; at most three are named, and how many more there are."""
    named = [place.where for place in (*before, *after)][:NAMED_AT_MOST]
    more = count - len(named)
    if more:
        return f"{', '.join(named)} and {more} more"
    return " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))


def _digits(number: str) -> str:
    return number.removeprefix("+").replace(" ", "")  # a contact's number is `+CC national`
