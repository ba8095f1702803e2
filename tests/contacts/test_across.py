"""What only all rows together can tell."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sspr.contacts import across
from sspr.model import Contact, Finding
from tests.fakes.across import judge_across


def _findings(*contacts: Contact) -> dict[int, list[tuple[str, str]]]:
    items = [(line, f"line {line}", contact) for line, contact in enumerate(contacts, 2)]
    found = judge_across(items)
    return {
        line: [(finding.code, finding.detail) for finding in findings] for line, findings in found.items()
    }


def _jane(
    email: str = "jane@fabrikam.com", phone: str = "+44 7911123456", upn: str = "jane@contoso.com"
) -> Contact:
    return Contact(upn, email, phone)


def test_of_equal_rows_the_first_goes_on() -> None:
    again = _jane("Jane@Fabrikam.com", upn="JANE@contoso.com")
    assert _findings(_jane(), again, _jane()) == {
        3: [("duplicate_row", "line 2")],
        4: [("duplicate_row", "line 2")],
    }


def test_of_contradicting_rows_none_goes_on() -> None:
    assert _findings(_jane(), _jane(), _jane("other@fabrikam.com")) == {
        2: [("conflicting_rows", "line 3 and line 4")],
        3: [("conflicting_rows", "line 2 and line 4")],
        4: [("conflicting_rows", "line 2 and line 3")],
    }


def test_a_row_that_lacks_a_value_contradicts_one_that_has_it() -> None:
    found = _findings(_jane(), _jane(phone=""))
    assert [code for codes in found.values() for code, _ in codes] == ["conflicting_rows", "conflicting_rows"]


def test_values_of_several_accounts() -> None:
    assert _findings(
        _jane(upn="a@contoso.com"),
        _jane("jane+b@fabrikam.com", "+44 7911123457", upn="b@contoso.com"),
        _jane("c@fabrikam.com", upn="c@contoso.com"),
    ) == {
        2: [("email_shared", "line 3"), ("phone_shared", "line 4")],
        3: [("email_shared", "line 2")],
        4: [("phone_shared", "line 2")],
    }


def test_one_account_shares_nothing_with_itself_and_blanks_are_not_shared() -> None:
    assert _findings(Contact("a@contoso.com"), Contact("b@contoso.com")) == {}
    assert _findings(_jane(), _jane()) == {3: [("duplicate_row", "line 2")]}


def test_rows_without_an_account_take_no_part() -> None:
    assert _findings(_jane(upn=""), _jane(upn=""), _jane()) == {}


def test_a_detail_names_three_lines_at_most() -> None:
    found = _findings(*[_jane(phone="", upn=f"user{number}@contoso.com") for number in range(6)])
    assert found[2] == [("email_shared", "line 3, line 4, line 5 and 2 more")]
    assert found[7] == [("email_shared", "line 4, line 5, line 6 and 2 more")]


def test_of_a_value_that_everybody_has_a_piece_of_the_rows_is_judged_at_a_time() -> None:
    places = [across.place(n, f"line {n}", f"u{n}@contoso.com", "x@fabrikam.com", "") for n in (2, 3)]
    assert dict(across.judge_email(places, 9)) == {
        2: Finding("email_shared", "line 3 and 9 more"),
        3: Finding("email_shared", "line 2 and 9 more"),
    }
    assert dict(across.judge_email(places[:1], 9)) == {2: Finding("email_shared", "9 other lines")}


SMALL = st.sampled_from(["", "a", "b", "c"])


@given(st.lists(st.tuples(SMALL, SMALL, SMALL), max_size=12))
def test_at_most_one_row_of_an_account_is_left_and_none_where_they_contradict(
    rows: list[tuple[str, str, str]],
) -> None:
    contacts = [
        Contact(
            upn and f"{upn}@contoso.com",
            email and f"{email}@fabrikam.com",
            phone and f"+44 791112345{ord(phone)}",
        )
        for upn, email, phone in rows
    ]
    found = _findings(*contacts)
    for upn in {contact.user_principal_name for contact in contacts} - {""}:
        lines = [line for line, contact in enumerate(contacts, 2) if contact.user_principal_name == upn]
        wanted = {(contacts[line - 2].alternate_email, contacts[line - 2].mobile_phone) for line in lines}
        stopped = [code for line in lines for code, _ in found.get(line, []) if not code.endswith("_shared")]
        expected = (
            ["duplicate_row"] * (len(lines) - 1) if len(wanted) == 1 else ["conflicting_rows"] * len(lines)
        )
        assert stopped == expected
