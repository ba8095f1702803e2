"""Blocks of a file → rows judged. What of `check` can be done by several processes at once."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from sspr.contacts.account import domain_of
from sspr.contacts.across import digits
from sspr.contacts.email import mailbox
from sspr.contacts.judge import judge
from sspr.input.blocks import Block, Dialect
from sspr.input.shape import Shape
from sspr.model import Finding
from sspr.stages.alike import Packed, pack


class Judged(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A row with what its own judgement says of it: its values normalised (empty where they were refused), and why."""

    line: int
    cells: tuple[str, ...]
    user_principal_name: str
    alternate_email: str
    mobile_phone: str
    findings: tuple[Finding, ...]
    readable: bool  # whether the account could be read: else its text stands there as it came

    def __repr__(self) -> str:
        return f"Judged(line={self.line})"


@dataclass(frozen=True, slots=True)
class Batch:
    """The judged rows of a block, packed: they travel between processes and lie in a file until all rows were judged.

    `accounts`, `mailboxes`, `numbers`: what is compared with the other rows; `domains`: those of the addresses.
    """

    source: int
    count: int
    packed: bytes
    accounts: Packed
    mailboxes: Packed
    numbers: Packed
    domains: frozenset[str]


_NOBODY = Judged(0, (), "", "", "", (), readable=False)
_pack = msgspec.msgpack.Encoder().encode
unpack = msgspec.msgpack.Decoder(list[Judged]).decode


def judge_block(
    source: int,
    block: Block,
    dialect: Dialect,
    shape: Shape,
    default_country: str | None,
    with_domains: bool = False,
) -> Batch:
    """Reads and judges the rows of a block of input file number `source`. `with_domains`: theirs are to be told."""
    rows: list[Judged] = []
    for record in block.read(dialect):
        row = shape.row(record)
        if row is None:
            continue
        contact = judge(row, default_country)
        upn = contact.user_principal_name
        rows.append(
            Judged(
                row.line,
                row.cells,
                upn or row.fields.get("user_principal_name", "").strip(),
                contact.alternate_email,
                contact.mobile_phone,
                contact.findings,
                bool(upn),
            )
        )
    # Rows without a readable account take no part in what rows tell of each other.
    readable = [row if row.readable else _NOBODY for row in rows]
    mailboxes = [mailbox(row.alternate_email) if row.alternate_email else "" for row in readable]
    return Batch(
        source,
        len(rows),
        _pack(rows),
        pack(row.user_principal_name.casefold() for row in readable),
        pack(mailboxes),
        pack(digits(row.mobile_phone) for row in readable),
        frozenset(map(domain_of, filter(None, mailboxes))) if with_domains else frozenset(),
    )
