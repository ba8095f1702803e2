"""Blocks of a file → rows judged. What of `check` can be done by several processes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from sspr.contacts.across import digits
from sspr.contacts.email import mailbox
from sspr.contacts.judge import judge
from sspr.input.blocks import Block, Dialect
from sspr.input.shape import Shape
from sspr.model import Finding


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

    `accounts`, `mailboxes`, `numbers`: of each row, a line each, what is compared with the other rows.
    """

    source: int
    count: int
    packed: bytes
    accounts: str
    mailboxes: str
    numbers: str


_pack = msgspec.msgpack.Encoder().encode
unpack = msgspec.msgpack.Decoder(list[Judged]).decode


def judge_block(
    source: int, block: Block, dialect: Dialect, shape: Shape, default_country: str | None
) -> Batch:
    """Reads and judges the rows of a block of input file number `source`."""
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
    return Batch(source, len(rows), _pack(rows), *_compared(rows))


def _compared(rows: Sequence[Judged]) -> tuple[str, str, str]:
    """Rows without a readable account take no part."""
    return (
        "\n".join([row.user_principal_name.casefold() if row.readable else "" for row in rows]),
        "\n".join(
            [mailbox(row.alternate_email) if row.readable and row.alternate_email else "" for row in rows]
        ),
        "\n".join([digits(row.mobile_phone) if row.readable else "" for row in rows]),
    )
