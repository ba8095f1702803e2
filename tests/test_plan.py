"""What a row asks for against what the tenant holds: which writes, from what to what, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr import plan
from sspr.model import Account, Change, ChangeKind, Contact, Methods, Target

EMAIL, PHONE = "jane.roe@fabrikam.com", "+1 2065550100"
CONTACT = Contact("jane@contoso.com", EMAIL, PHONE)
BARE = Account("id-1", "jane@contoso.com", enabled=True, methods=Methods())
EMAIL_METHOD = Change(ChangeKind.EMAIL_METHOD, {"emailAddress": None}, {"emailAddress": EMAIL})
PHONE_METHOD = Change(ChangeKind.PHONE_METHOD, {"phoneNumber": None}, {"phoneNumber": PHONE})


def contact_change(before: dict[str, object], after: dict[str, object]) -> Change:
    return Change(ChangeKind.CONTACT, before, after)


BOTH_PROPERTIES = contact_change(
    {"otherMails": [], "mobilePhone": None}, {"otherMails": [EMAIL], "mobilePhone": PHONE}
)


@pytest.mark.parametrize(
    ("account", "target", "changes", "codes"),
    [
        pytest.param(BARE, Target.BOTH, [BOTH_PROPERTIES, EMAIL_METHOD, PHONE_METHOD], [], id="nothing-held"),
        pytest.param(BARE, Target.CONTACT, [BOTH_PROPERTIES], [], id="contact-only"),
        pytest.param(BARE, Target.METHODS, [EMAIL_METHOD, PHONE_METHOD], [], id="methods-only"),
        pytest.param(
            replace(BARE, other_mails=("JANE.ROE@fabrikam.com",), mobile_phone="+12065550100"),
            Target.CONTACT,
            [],
            [],
            id="equal-but-for-case-and-spaces",
        ),
        pytest.param(
            replace(BARE, other_mails=("old@adatum.com", "older@adatum.com"), mobile_phone=PHONE),
            Target.CONTACT,
            [
                contact_change(
                    {"otherMails": ["old@adatum.com", "older@adatum.com"]},
                    {"otherMails": [EMAIL, "old@adatum.com", "older@adatum.com"]},
                )
            ],
            ["email_replaces"],
            id="other-addresses-are-kept-behind",
        ),
        pytest.param(
            replace(BARE, other_mails=("old@adatum.com", EMAIL), mobile_phone="+44 7400123456"),
            Target.CONTACT,
            [contact_change({"mobilePhone": "+44 7400123456"}, {"mobilePhone": PHONE})],
            ["phone_replaces"],
            id="held-among-others-is-held",
        ),
        pytest.param(
            replace(BARE, synced=True, mobile_phone="+44 7400123456"),
            Target.CONTACT,
            [contact_change({"otherMails": []}, {"otherMails": [EMAIL]})],
            [],
            id="phone-mastered-on-premises-is-left",
        ),
        pytest.param(
            replace(
                BARE, methods=Methods(email="x@adatum.com", email_id="e", mobile_phone="+49 15112345678")
            ),
            Target.METHODS,
            [],
            ["email_method_differs", "phone_method_differs"],
            id="registered-methods-are-theirs",
        ),
        pytest.param(
            replace(BARE, methods=Methods(email=EMAIL.upper(), mobile_phone=f"{PHONE}x12")),
            Target.METHODS,
            [],
            [],
            id="equal-but-for-case-and-an-extension",
        ),
        pytest.param(
            replace(BARE, methods=None), Target.METHODS, [], [], id="unread-methods-are-not-written"
        ),
    ],
)
def test_only_what_differs_is_written(
    account: Account, target: Target, changes: list[Change], codes: list[str]
) -> None:
    comparison = plan.compare(CONTACT, account, target)
    assert list(comparison.changes) == changes
    assert [finding.code for finding in comparison.findings] == codes


def test_registered_methods_are_replaced_on_request_by_their_ids() -> None:
    held = Methods(
        email="x@adatum.com", email_id="e", mobile_phone="+49 15112345678", mobile_phone_id="m",
        sms_sign_in="notEnabled",
    )  # fmt: skip
    comparison = plan.compare(CONTACT, replace(BARE, methods=held), Target.METHODS, replace_methods=True)
    assert [(change.kind, change.method_id) for change in comparison.changes] == [
        (ChangeKind.EMAIL_METHOD, "e"),
        (ChangeKind.PHONE_METHOD, "m"),
    ]
    assert [finding.detail for finding in comparison.findings] == ["replaced", "replaced"]
    assert [dict(change.before) for change in comparison.changes] == [
        {"emailAddress": "x@adatum.com"},
        {"phoneNumber": "+49 15112345678", "smsSignInState": "notEnabled"},
    ]


@pytest.mark.parametrize(
    ("enabled", "methods", "feature", "ready"),
    [
        (True, Methods(email=EMAIL, mobile_phone=PHONE), True, True),
        (True, Methods(email=EMAIL, authenticator_app=True), True, True),
        (True, Methods(email=EMAIL), True, False),
        (True, Methods(email=EMAIL, complete=False), True, None),
        (True, Methods(email=EMAIL, mobile_phone=PHONE, complete=False), True, True),
        (True, Methods(email=EMAIL, mobile_phone=PHONE), False, False),
        (True, Methods(email=EMAIL, mobile_phone=PHONE), None, None),
        (False, Methods(email=EMAIL, mobile_phone=PHONE), None, False),
        (True, None, True, None),
        (True, None, False, False),
        (None, Methods(email=EMAIL, mobile_phone=PHONE), True, None),
    ],
)
def test_ready_asks_for_an_enabled_account_two_methods_and_the_flag(
    enabled: bool | None, methods: Methods | None, feature: bool | None, ready: bool | None
) -> None:
    assert plan.is_ready(enabled, methods, feature) is ready


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("+1 2065550100", "+12065550100", True),
        ("+1 2065550100", "+1 (206) 555-0100", True),
        ("+1 2065550100x12", "+1 2065550100", True),
        ("+1 2065550100x12", "+1 2065550100x13", True),
        ("+1 206555010", "+1 2065550100", False),
        ("+1 20655501x00", "+1 2065550100", False),
        ("+44 7400123456 ext. 12", "+44 740012345612", False),
        ("+44 7400123456;ext=12", "+44 7400123456", True),
        ("+44 7400123456 #12", "+44 7400123456", True),
        ("", "", True),
        ("", "+1 2065550100", False),
        ("", "x12", False),
    ],
)
def test_numbers_are_the_same_by_their_digits_without_the_extension(one: str, other: str, same: bool) -> None:
    assert plan.same_number(one, other) is plan.same_number(other, one) is same


@pytest.mark.parametrize(
    ("methods", "rests"),
    [
        (Methods(), False),
        (Methods(mobile_phone=PHONE), True),
        (Methods(email=EMAIL), False),
        (Methods(email=EMAIL, mobile_phone=PHONE), True),
        (Methods(email=EMAIL, authenticator_app=True), False),
        (Methods(mobile_phone=PHONE, authenticator_app=True), True),
        (Methods(email=EMAIL, mobile_phone=PHONE, authenticator_app=True), False),
    ],
)
def test_a_reset_rests_on_texts_where_the_others_are_fewer_than_two(methods: Methods, rests: bool) -> None:
    assert plan.rests_on_texts(methods) is rests


def test_what_will_be_registered_counts() -> None:
    held = Methods(authenticator_app=True)
    assert plan.registered(held, [EMAIL_METHOD, PHONE_METHOD, BOTH_PROPERTIES]) == replace(
        held, email=EMAIL, mobile_phone=PHONE
    )


ON = Methods(mobile_phone=PHONE, mobile_phone_id="m", sms_sign_in="ready")


@pytest.mark.parametrize(
    ("now", "shown", "unmoved"),
    [
        (ON, False, True),
        (replace(ON, sms_sign_in="notEnabled"), True, False),
        (replace(ON, mobile_phone="+44 7400123456"), False, False),
        (replace(ON, mobile_phone="+44 7400123456", sms_sign_in="notEnabled"), False, False),
        (Methods(), False, False),
    ],
    ids=["still-on", "off", "another-number-on", "another-number-off", "no-number"],
)
def test_sms_sign_in_is_off_only_where_the_number_itself_shows_it(
    now: Methods, shown: bool, unmoved: bool
) -> None:
    change, account = plan.sms_sign_in_off(ON), replace(BARE, methods=now)
    assert (plan.shows(change, account), plan.unmoved(change, account)) == (shown, unmoved)
    assert change.method_id == "m"


addresses = st.sampled_from(["a@fabrikam.com", "B@fabrikam.com", "c@adatum.com", EMAIL, EMAIL.upper()])
phones = st.sampled_from(["", PHONE, "+12065550100", "+44 7400123456", "+44 7400123456x12", f"{PHONE}x7"])
accounts = st.builds(
    Account,
    id=st.just("id"),
    user_principal_name=st.just("jane@contoso.com"),
    other_mails=st.lists(addresses, unique_by=str.casefold).map(tuple),
    mobile_phone=phones,
    synced=st.booleans(),
    methods=st.builds(Methods, email=st.sampled_from(["", EMAIL, "x@adatum.com"]), mobile_phone=phones),
)


@given(accounts, st.sampled_from(Target), st.booleans())
def test_what_is_planned_is_shown_once_it_is_written_and_then_nothing_is_left(
    account: Account, target: Target, replace_methods: bool
) -> None:
    comparison = plan.compare(CONTACT, account, target, replace_methods=replace_methods)
    written = account
    for change in comparison.changes:
        assert not plan.shows(change, account)
        assert plan.unmoved(change, account)
        written = _applied(change, written)
    assert all(plan.shows(change, written) for change in comparison.changes)
    assert not plan.compare(CONTACT, written, target, replace_methods=replace_methods).changes


@given(accounts, st.sampled_from(Target))
def test_no_address_that_the_account_holds_is_lost(account: Account, target: Target) -> None:
    for change in plan.compare(CONTACT, account, target).changes:
        if "otherMails" in change.after:
            assert plan.folded(account.other_mails) <= plan.folded(list(change.after["otherMails"]))  # type: ignore[call-overload]


def _applied(change: Change, account: Account) -> Account:
    after, methods = change.after, account.methods or Methods()
    if change.kind is ChangeKind.EMAIL_METHOD:
        return replace(account, methods=replace(methods, email=str(after["emailAddress"])))
    if change.kind is ChangeKind.PHONE_METHOD:
        return replace(account, methods=replace(methods, mobile_phone=str(after["phoneNumber"])))
    mails = after.get("otherMails", account.other_mails)
    assert isinstance(mails, list | tuple)
    phone = str(after.get("mobilePhone", account.mobile_phone))
    return replace(account, other_mails=tuple(mails), mobile_phone=phone)
