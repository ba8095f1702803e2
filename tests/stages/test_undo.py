"""What an undo does to one account, by what a run wrote to it and what it holds now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sspr.ledger import ChangeRecord, ChangeState, Compared, RowState
from sspr.model import Account, Change, ChangeKind, Fault, Methods
from sspr.plan import shows, unmoved
from sspr.stages.ending import may_be_applied
from sspr.stages.undo import Wrote, as_planned, put_back

EMAIL, PHONE, OLD = "jane.roe@fabrikam.com", "+1 2065550100", "+44 7400123456"
PROPERTIES = Change(
    ChangeKind.CONTACT,
    {"otherMails": ["Old@adatum.com", "a@adatum.com"], "mobilePhone": None},
    {"otherMails": [EMAIL, "Old@adatum.com", "a@adatum.com"], "mobilePhone": PHONE},
)
EMAIL_NEW = Change(ChangeKind.EMAIL_METHOD, {"emailAddress": None}, {"emailAddress": EMAIL})
EMAIL_REPLACED = Change(
    ChangeKind.EMAIL_METHOD, {"emailAddress": "x@adatum.com"}, {"emailAddress": EMAIL}, "e"
)
PHONE_NEW = Change(ChangeKind.PHONE_METHOD, {"phoneNumber": None}, {"phoneNumber": PHONE})
PHONE_REPLACED = Change(
    ChangeKind.PHONE_METHOD,
    {"phoneNumber": OLD, "smsSignInState": "ready"},
    {"phoneNumber": PHONE},
    "m",
)
PHONE_DELETED = Change(
    ChangeKind.PHONE_METHOD,
    {"phoneNumber": PHONE, "smsSignInState": "notEnabled"},
    {"phoneNumber": None},
    "m",
)
HOLDS = Account(
    "id-1",
    "jane@contoso.com",
    other_mails=("a@adatum.com", EMAIL.upper(), "old@adatum.com"),
    mobile_phone="+12065550100",
    enabled=True,
    methods=Methods(EMAIL, "e", PHONE, "m", sms_sign_in="ready"),
)


def methods(**changes: object) -> Account:
    assert HOLDS.methods is not None
    return replace(HOLDS, methods=replace(HOLDS.methods, **changes))  # type: ignore[arg-type]


def undone(wrote: Change, account: Account, sms_sign_in: str = "") -> tuple[list[Change], list[str]]:
    found = put_back(Wrote("id-1", (wrote,), sms_sign_in), account)
    return found.changes, found.moved


def test_the_earlier_addresses_come_back_in_their_order_and_what_was_not_there_is_cleared() -> None:
    [change], moved = undone(PROPERTIES, HOLDS)
    assert dict(change.after) == {"otherMails": ["Old@adatum.com", "a@adatum.com"], "mobilePhone": None}
    assert dict(change.before) == {"otherMails": list(HOLDS.other_mails), "mobilePhone": "+12065550100"}
    assert moved == []


@pytest.mark.parametrize(
    ("wrote", "account", "sides", "method_id"),
    [
        (EMAIL_NEW, HOLDS, ({"emailAddress": EMAIL}, {"emailAddress": None}), "e"),
        (EMAIL_REPLACED, HOLDS, ({"emailAddress": EMAIL}, {"emailAddress": "x@adatum.com"}), "e"),
        (
            PHONE_NEW,
            HOLDS,
            ({"phoneNumber": PHONE, "smsSignInState": "ready"}, {"phoneNumber": None}),
            "m",
        ),
        (
            PHONE_REPLACED,
            HOLDS,
            ({"phoneNumber": PHONE, "smsSignInState": "ready"}, {"phoneNumber": OLD}),
            "m",
        ),
        (
            PHONE_REPLACED,
            methods(sms_sign_in="phoneNumberNotUnique"),
            (
                {"phoneNumber": PHONE, "smsSignInState": "phoneNumberNotUnique"},
                {"phoneNumber": OLD, "smsSignInState": "ready"},
            ),
            "m",
        ),
        (
            PHONE_DELETED,
            methods(mobile_phone="", mobile_phone_id="", sms_sign_in=""),
            ({"phoneNumber": None}, {"phoneNumber": PHONE, "smsSignInState": "notEnabled"}),
            "",
        ),
    ],
    ids=["email", "email-replaced", "phone", "phone-replaced", "sms-was-on", "an-undo-that-deleted"],
)
def test_a_method_is_deleted_changed_or_registered_again(
    wrote: Change, account: Account, sides: tuple[dict[str, object], ...], method_id: str
) -> None:
    [change], moved = undone(wrote, account)
    assert (dict(change.before), dict(change.after)) == sides
    assert (change.method_id, moved) == (method_id, [])


@pytest.mark.parametrize(
    ("left", "now", "moved", "state"),
    [
        ("ready", "ready", [], "ready"),
        ("notEnabled", "ready", ["phoneNumber"], None),
        ("ready", "notEnabled", [], "notEnabled"),
        ("", "ready", [], "ready"),
    ],
    ids=["as-it-was-left", "turned-on-since", "turned-off-since", "not-known"],
)
def test_sms_sign_in_goes_with_its_number(left: str, now: str, moved: list[str], state: str | None) -> None:
    changes, found = undone(PHONE_REPLACED, methods(sms_sign_in=now), left)
    assert found == moved
    assert [change.after.get("smsSignInState", change.before["smsSignInState"]) for change in changes] == (
        [state] if state else []
    )


@pytest.mark.parametrize(
    ("wrote", "account", "moved"),
    [
        (PROPERTIES, replace(HOLDS, other_mails=("old@adatum.com", "a@adatum.com"), mobile_phone=""), []),
        (
            PROPERTIES,
            replace(HOLDS, other_mails=(EMAIL,), mobile_phone="n/a"),
            ["otherMails", "mobilePhone"],
        ),
        (EMAIL_REPLACED, methods(email="X@adatum.com"), []),
        (EMAIL_REPLACED, methods(email="", email_id=""), ["emailAddress"]),
        (PHONE_NEW, methods(mobile_phone="", mobile_phone_id=""), []),
        (PHONE_NEW, methods(mobile_phone=f"{PHONE}x12"), ["phoneNumber"]),
        (PHONE_DELETED, methods(mobile_phone=PHONE), []),
        (PHONE_DELETED, methods(mobile_phone=OLD), ["phoneNumber"]),
    ],
)
def test_what_holds_its_earlier_value_is_left_and_what_somebody_has_changed_is_named(
    wrote: Change, account: Account, moved: list[str]
) -> None:
    assert undone(wrote, account) == ([], moved)


def test_of_two_properties_one_is_put_back_where_the_other_was_changed() -> None:
    [change], moved = undone(PROPERTIES, replace(HOLDS, mobile_phone=OLD))
    assert (list(change.after), moved) == (["otherMails"], ["mobilePhone"])


def test_a_phone_mastered_on_premises_by_now_is_told() -> None:
    found = put_back(Wrote("id-1", (PROPERTIES,)), replace(HOLDS, synced=True))
    assert [list(change.after) for change in found.changes] == [["otherMails"]]
    assert [finding.code for finding in found.findings] == ["synced_from_on_premises"]


@pytest.mark.parametrize(
    "wrote", [PROPERTIES, EMAIL_NEW, EMAIL_REPLACED, PHONE_NEW, PHONE_REPLACED], ids=lambda each: each.kind
)
def test_what_is_put_back_shows_only_once_it_is_there(wrote: Change) -> None:
    [change], _ = undone(wrote, HOLDS)
    mails, phone = change.after.get("otherMails"), change.after.get("mobilePhone", HOLDS.mobile_phone)
    assert HOLDS.methods is not None
    there = replace(
        HOLDS,
        other_mails=tuple(mails) if isinstance(mails, list) else HOLDS.other_mails,
        mobile_phone=str(phone or ""),
        methods=replace(
            HOLDS.methods,
            email=str(change.after.get("emailAddress", EMAIL) or ""),
            mobile_phone=str(change.after.get("phoneNumber", PHONE) or ""),
        ),
    )
    assert (shows(change, HOLDS), unmoved(change, HOLDS)) == (False, True)
    assert (shows(change, there), unmoved(change, there)) == (True, False)


def refused(status: int) -> Fault:
    return Fault(status, "code", "")


@pytest.mark.parametrize(
    ("state", "attempts", "fault", "applied"),
    [
        (ChangeState.CONFIRMED, 1, None, True),
        (ChangeState.CONFIRMED, 0, None, False),
        (ChangeState.CONFIRMED, 1, refused(400), False),
        (ChangeState.CONFIRMED, 2, refused(400), True),
        (ChangeState.LOST, 1, None, True),
        (ChangeState.LOST, 1, refused(504), True),
        (ChangeState.LOST, 1, refused(403), False),
        (ChangeState.DROPPED, 1, None, False),
        (ChangeState.PLANNED, 0, None, False),
    ],
)
def test_a_write_counts_where_it_was_sent_and_may_have_been_applied(
    state: ChangeState, attempts: int, fault: Fault | None, applied: bool
) -> None:
    record = ChangeRecord(1, "id-1", EMAIL_NEW, state, attempts, None, None, fault)
    assert may_be_applied(record) is applied


@pytest.mark.parametrize(
    ("now", "same"), [([PROPERTIES, EMAIL_NEW], True), ([EMAIL_NEW], True), ([], True), ([PHONE_NEW], False)]
)
def test_less_than_was_approved_may_be_written_and_never_more(now: list[Change], same: bool) -> None:
    outcome = Compared(1, RowState.PLANNED, HOLDS, changes=tuple(now))
    assert as_planned(outcome, [PROPERTIES, EMAIL_NEW]) is same
