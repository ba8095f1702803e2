"""In which order writes are sent: what needs most permissions first, and one account at a time."""

from __future__ import annotations

from collections.abc import Mapping

from sspr.ledger import ChangeRecord, ChangeState
from sspr.model import Change, ChangeKind
from sspr.stages.apply import _waves

BOTH = {"otherMails": ["a@fabrikam.com"], "mobilePhone": "+1 2065550100"}
MAILS = {"otherMails": ["a@fabrikam.com"]}
PHONE = {"mobilePhone": "+1 2065550100"}


def record(seq: int, account: str, after: Mapping[str, object]) -> ChangeRecord:
    change = Change(ChangeKind.CONTACT, {}, after)
    return ChangeRecord(seq, account, change, ChangeState.PLANNED, 0, None, None, None)


def test_writes_of_most_properties_go_first_and_no_account_twice_in_a_wave() -> None:
    records = [
        record(1, "a", MAILS),
        record(2, "b", BOTH),
        record(3, "c", BOTH),
        record(4, "b", BOTH),
        record(5, "d", PHONE),
        record(6, "a", BOTH),
    ]
    waves = [[write.key[0] for write in wave] for wave in _waves(records)]
    assert waves == [[2, 3, 6], [4], [5], [1]]
