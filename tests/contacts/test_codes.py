"""The table of reason codes, the policy over it, and the page printed from it."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from sspr.contacts.codes import BY_CODE, CODES, Loss, Policy, Severity, message, sentence
from sspr.contacts.reference import render
from sspr.errors import CannotStart
from sspr.model import CANONICAL_COLUMNS, Finding, Target

WARNINGS = {
    "email_tenant_domain", "email_shared", "email_lookalike", "phone_shared", "user_disabled", "not_an_administrator",
    "email_replaces", "phone_replaces", "email_method_differs", "phone_method_differs", "sms_sign_in", "sms_ends",
}  # fmt: skip


def test_each_code_stands_once_and_is_complete() -> None:
    assert len(BY_CODE) == len(CODES) == 36
    for code in CODES:
        assert code.column in ("", *CANONICAL_COLUMNS)
        assert code.source
        for text in (code.text, code.why, code.mend):
            assert text.endswith("."), code.code
            assert text[0].isupper(), code.code


def test_the_defaults() -> None:
    assert {
        code.code for code in CODES if Policy().severity(code.code, Target.CONTACT) is Severity.WARN
    } == WARNINGS
    assert Severity.IGNORE not in {code.severity for code in CODES}


@pytest.mark.parametrize(
    ("target", "severity"),
    [(Target.BOTH, Severity.WARN), (Target.METHODS, Severity.WARN), (Target.CONTACT, Severity.ERROR)],
)
def test_a_synced_account_is_of_use_where_methods_are_written(target: Target, severity: Severity) -> None:
    assert Policy().severity("synced_from_on_premises", target) is severity
    assert (
        Policy({"synced_from_on_premises": "ignore"}).severity("synced_from_on_premises", target)
        is Severity.IGNORE
    )


def test_the_policy_overrides() -> None:
    policy = Policy({"not_an_administrator": "error", "email_same_account": "ignore", "email_shared": "warn"})
    findings = tuple(
        map(Finding, ("email_same_account", "email_shared", "not_an_administrator", "upn_invalid"))
    )
    assert policy.split(findings, Target.BOTH) == ((findings[2], findings[3]), (findings[1],))


def test_a_policy_travels_between_processes() -> None:
    policy = Policy({"phone_missing": "warn"})
    assert pickle.loads(pickle.dumps(policy)) == policy


def test_a_row_may_go_on_with_one_of_its_values_but_not_with_none() -> None:
    policy = Policy({"phone_missing": "warn", "email_missing": "ignore"})
    phone, email, shared = Finding("phone_missing"), Finding("email_missing"), Finding("email_shared")
    assert policy.split([phone, shared], Target.BOTH) == ((), (phone, shared))
    assert policy.split([email], Target.BOTH) == ((), ())
    assert policy.split([email, phone, shared], Target.BOTH) == ((email, phone), (shared,))
    invalid = Finding("email_invalid")
    assert policy.split([invalid, phone], Target.BOTH) == ((invalid,), (phone,))


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"phone_missin": "warn"}, "'phone_missin'"),
        ({"phone_missing": "warning"}, "phone_missing"),
        ({"upn_missing": "warn"}, "upn_missing"),
        ({"user_not_found": "ignore"}, "user_not_found"),
        ({"conflicting_rows": "warn"}, "conflicting_rows"),
        ({"changed_since_plan": "ignore"}, "changed_since_plan"),
    ],
)
def test_a_policy_that_cannot_be_is_an_error_that_names_it(overrides: dict[str, str], named: str) -> None:
    with pytest.raises(CannotStart, match=named):
        Policy(overrides)


def test_what_is_an_error_anyway_may_be_said_to_be_one() -> None:
    for code in CODES:
        assert Policy({code.code: "error"}).severity(code.code, Target.BOTH) is Severity.ERROR


def test_every_code_that_leaves_something_to_write_can_be_softened() -> None:
    for code in CODES:
        if code.loss is not Loss.ROW:
            assert Policy({code.code: "ignore"}).split([Finding(code.code)], Target.BOTH) == ((), ())


MULTIPLE = (
    "The alternate email holds more than one address. "
    "An account has one email for resets; which of these it should be is not ours to choose. "
    "Leave the one address that should receive the reset codes."
)
NAMES = {"mobile_phone": "Mobile Phone", "alternate_email": "Private Email"}


def test_a_finding_tells_what_is_wrong_why_it_matters_and_how_to_mend_it() -> None:
    assert sentence(Finding("email_multiple")) == MULTIPLE
    assert sentence(Finding("phone_damaged", "scientific notation"), line=14, names=NAMES) == (
        'Line 14, column "Mobile Phone": The mobile phone was damaged by a spreadsheet or an export '
        "(scientific notation). "
        "Excel keeps 15 digits and writes long numbers as 4.42E+11; the lost digits cannot be restored. "
        "Take the number from the source again, with the column formatted as text."
    )


@pytest.mark.parametrize(
    ("code", "line", "names", "place"),
    [
        ("email_multiple", 14, NAMES, 'Line 14, column "Private Email": '),
        ("email_multiple", None, NAMES, 'Column "Private Email": '),
        ("email_multiple", 14, {}, 'Line 14, column "alternate_email": '),
        ("user_not_found", 14, NAMES, 'Line 14, column "user_principal_name": '),
        ("row_malformed", 14, NAMES, "Line 14: "),
        ("not_confirmed", None, NAMES, ""),
    ],
)
def test_a_message_names_what_is_known_of_the_place(
    code: str, line: int | None, names: dict[str, str], place: str
) -> None:
    assert sentence(Finding(code), line=line, names=names) == place + sentence(Finding(code))
    assert message([Finding(code)], line=line, names=names) == place + sentence(Finding(code))


def test_the_findings_of_a_row_name_the_line_once_and_a_column_where_it_changes() -> None:
    findings = [Finding("email_same_account"), Finding("email_tenant_domain"), Finding("phone_extension")]
    own, tenant, extension = map(sentence, findings)
    assert message(findings, line=3, names=NAMES) == (
        f'Line 3, column "Private Email": {own} {tenant} Column "Mobile Phone": {extension}'
    )
    assert message(findings) == f"{own} {tenant} {extension}"


def test_nothing_is_said_of_a_row_without_findings() -> None:
    assert message([], line=3, names=NAMES) == ""


def test_the_page_is_fresh(project: Path) -> None:
    page = (project / "docs" / "reason-codes.md").read_text(encoding="utf-8")
    assert page == render(), "python -m sspr.contacts.reference > docs/reason-codes.md"


def test_the_page_has_every_code_once() -> None:
    rows = [line.split("`")[1] for line in render().splitlines() if line.startswith("| [`")]
    assert rows == [code.code for code in CODES]
    titles = [line.removeprefix("### ") for line in render().splitlines() if line.startswith("### ")]
    assert sorted(titles) == sorted(f"`{code.code}`" for code in CODES)
