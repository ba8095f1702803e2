"""All rows judged against each other in memory, the plain way: what the spooled way must come to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from sspr.contacts import across
from sspr.contacts.across import Place
from sspr.model import Contact, Finding


def judge_across(items: Iterable[tuple[int, str, Contact]]) -> dict[int, tuple[Finding, ...]]:
    """`items`: the number of each row, where it stands, and its contact. Findings by number, for rows that have any."""
    places = [
        across.place(seq, where, contact.user_principal_name, contact.alternate_email, contact.mobile_phone)
        for seq, where, contact in items
        if contact.user_principal_name
    ]
    found: dict[int, list[Finding]] = defaultdict(list)
    for key, judge in (
        (lambda place: place.account, across.judge_account),
        (across.same_mailbox, across.judge_email),
        (lambda place: place.phone, across.judge_phone),
    ):
        for group in _groups(places, key):
            for seq, finding in judge(group):
                found[seq].append(finding)
    return {seq: tuple(findings) for seq, findings in found.items()}


def _groups(places: Sequence[Place], key: Callable[[Place], str]) -> Iterable[list[Place]]:
    groups: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        if key(place):
            groups[key(place)].append(place)
    return [group for group in groups.values() if len(group) > 1]
