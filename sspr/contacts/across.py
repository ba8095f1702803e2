"""What only all rows of all files together can tell: the same account twice, the same value for several accounts.

The rules look at one group at a time: all rows of an account, all rows that ask for one mailbox or one number.
Finding the groups is the caller's, who may have more rows than fit into memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sspr.contacts.email import mailbox
from sspr.model import Finding

NAMED_AT_MOST = 3  # lines that a detail names; a shared service mailbox may stand in thousands of rows


class Place(NamedTuple):
    """A row: its number among all rows, where it stands as a person reads it (`line 14`, `line 14 of b.csv`), and
    what it asks for: the account, the address and the number in a form to compare (see `place`).
    """

    seq: int
    where: str
    account: str
    email: str
    phone: str


def place(seq: int, where: str, user_principal_name: str, alternate_email: str, mobile_phone: str) -> Place:
    """The place of a row whose values were judged; a value that was refused is empty."""
    return Place(seq, where, user_principal_name.casefold(), alternate_email.casefold(), digits(mobile_phone))


def digits(number: str) -> str:
    """The digits of a contact's number, which is `+CC national`."""
    return number.removeprefix("+").replace(" ", "")


def judge_account(places: Sequence[Place], _elsewhere: int = 0) -> Iterator[tuple[int, Finding]]:
    """What is said of the rows of one account, in their order: of equal ones the first goes on, of contradicting ones
    none does. All of them must be given: none may be elsewhere.
    """
    first = places[0]
    if all(place.email == first.email and place.phone == first.phone for place in places):
        for place in places[1:]:
            yield place.seq, Finding("duplicate_row", first.where)
        return
    for index, place in enumerate(places):
        yield place.seq, Finding("conflicting_rows", _others(places, index))


def judge_email(places: Sequence[Place], elsewhere: int = 0) -> Iterator[tuple[int, Finding]]:
    """What is said of rows, in their order, that ask for the same mailbox. `elsewhere`: how many more there are."""
    yield from _judge_shared("email_shared", places, elsewhere)


def judge_phone(places: Sequence[Place], elsewhere: int = 0) -> Iterator[tuple[int, Finding]]:
    """What is said of rows, in their order, that ask for the same number. `elsewhere`: how many more there are."""
    yield from _judge_shared("phone_shared", places, elsewhere)


def same_mailbox(place: Place) -> str:
    """What the rows of a group for `judge_email` have in common; empty where the row has no address."""
    return mailbox(place.email) if place.email else ""


def _judge_shared(code: str, places: Sequence[Place], elsewhere: int) -> Iterator[tuple[int, Finding]]:
    by_account: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        by_account[place.account].append(place)
    if len(by_account) < 2 and not elsewhere:
        return
    # One line for each other account is enough to find it.
    firsts = [rows[0] for rows in by_account.values()]
    for index, rows in enumerate(by_account.values()):
        finding = Finding(code, _others(firsts, index, elsewhere))
        yield from ((place.seq, finding) for place in rows)


def _others(places: Sequence[Place], index: int, elsewhere: int = 0) -> str:
    """`line 14 and line 20`: the places beside that of `index`; at most three by name, and how many more there are."""
    near = (
        *places[max(0, index - NAMED_AT_MOST) : index],
        *places[index + 1 : index + 1 + NAMED_AT_MOST],
    )
    named = [place.where for place in near[:NAMED_AT_MOST]]
    more = len(places) - 1 - len(named) + elsewhere
    if more:
        return f"{', '.join(named)} and {more} more" if named else f"{more} other lines"
    return " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
