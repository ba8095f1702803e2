"""What is said of text messages: until when they reach a number, and what became of signing in with it."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.contacts import sms
from sspr.contacts.codes import Policy, Severity, sentence
from sspr.contacts.sms import Texting
from sspr.errors import CannotStart
from sspr.model import Finding, Methods, Target

BEFORE, BETWEEN, AFTER = date(2026, 11, 23), date(2027, 2, 1), date(2027, 7, 1)


@pytest.mark.parametrize(
    ("today", "global_administrator", "detail"),
    [
        (BEFORE, False, "they end on 1 February 2027"),
        (BEFORE, None, "they end on 1 February 2027"),
        (BEFORE, True, "they end on 1 July 2027, the date for Global Administrators"),
        (date(2027, 1, 31), False, "they end on 1 February 2027"),
        (BETWEEN, False, "they ended on 1 February 2027"),
        (BETWEEN, None, "they ended on 1 February 2027"),
        (BETWEEN, True, "they end on 1 July 2027, the date for Global Administrators"),
        (AFTER, True, "they ended on 1 July 2027, the date for Global Administrators"),
    ],
)
def test_the_date_is_that_of_the_role_and_the_words_are_those_of_the_day(
    today: date, global_administrator: bool | None, detail: str
) -> None:
    [finding] = sms.texts_end(global_administrator, Texting(today), complete=True)
    assert finding == Finding("sms_ends", detail)


@pytest.mark.parametrize("today", [BEFORE, AFTER])
def test_of_another_cloud_no_date_is_told(today: date) -> None:
    [finding] = sms.texts_end(False, Texting(today, dated=False), complete=True)
    assert "announced" in finding.detail
    assert "2027" not in sentence(finding)


def test_an_authenticator_app_may_exist_unseen_and_that_is_said() -> None:
    [finding] = sms.texts_end(False, Texting(BEFORE), complete=False)
    assert finding.detail.startswith("they end on 1 February 2027; ")


@given(st.dates(), st.sampled_from([True, False, None]), st.booleans(), st.booleans())
def test_a_provider_of_its_own_ends_the_matter(
    today: date, global_administrator: bool | None, dated: bool, complete: bool
) -> None:
    texting = Texting(today, dated, provider=True)
    assert sms.texts_end(global_administrator, texting, complete=complete) == ()


def methods(state: str) -> Methods:
    return Methods(mobile_phone="+1 2065550100", sms_sign_in=state)


@pytest.mark.parametrize(
    ("state", "replaces", "said"),
    [
        ("", True, ()),
        ("notAllowedByPolicy", True, ()),
        ("ready", True, (sms.STAYS_ON,)),
        ("ready", False, ()),
        ("phoneNumberNotUnique", True, ()),
        ("phoneNumberNotUnique", False, (sms.TAKEN,)),
    ],
)
def test_before_writing_only_what_matters_is_said(
    state: str, replaces: bool, said: tuple[Finding, ...]
) -> None:
    assert sms.before_writing(methods(state), replaces=replaces) == said


@pytest.mark.parametrize(
    ("before", "now", "turned_on", "said"),
    [
        (None, "ready", True, ()),
        ("", "ready", True, ()),
        ("notEnabled", "ready", True, ()),
        ("ready", "ready", False, ()),
        ("ready", "notEnabled", False, (sms.LOST,)),
        ("ready", "phoneNumberNotUnique", False, (sms.TAKEN,)),
        ("", "phoneNumberNotUnique", False, (sms.TAKEN,)),
        ("", "notAllowedByPolicy", False, ()),
        ("", "", False, ()),
    ],
)
def test_after_writing(before: str, now: str, turned_on: bool, said: tuple[Finding, ...]) -> None:
    assert sms.turned_on(before, methods(now)) is turned_on
    assert sms.after_writing(before, methods(now), turned_off=False) == said
    assert sms.after_writing(before, methods(now), turned_off=True) == (sms.TURNED_OFF,)


@pytest.mark.parametrize("code", ["sms_ends", "sms_sign_in"])
def test_the_codes_warn_and_the_policy_decides(code: str) -> None:
    assert Policy().severity(code, Target.BOTH) is Severity.WARN
    for wanted in ("error", "ignore"):
        assert Policy({code: wanted}).severity(code, Target.BOTH) == wanted
    with pytest.raises(CannotStart, match=code):
        Policy({code: "off"})
