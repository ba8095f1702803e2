from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.tenant import odata

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=120)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ada@contoso.com", "/users/ada%40contoso.com"),
        ("o'neil@contoso.com", "/users/o%27neil%40contoso.com"),
        ("jan_x.com#EXT#@contoso.com", "/users/jan_x.com%23EXT%23%40contoso.com"),
        ("$ada@contoso.com", "/users(%27%24ada%40contoso.com%27)"),
        ("$o'neil@contoso.com", "/users(%27%24o%27%27neil%40contoso.com%27)"),
        ("a/b?c@contoso.com", "/users/a%2Fb%3Fc%40contoso.com"),
        ("6ea91a8d-e32e-41a1-b7bd-d2d185eed0e0", "/users/6ea91a8d-e32e-41a1-b7bd-d2d185eed0e0"),
    ],
)
def test_the_path_of_a_user(name: str, path: str) -> None:
    assert odata.user(name) == path


@pytest.mark.parametrize(
    ("names", "filter_text"),
    [
        (["a@x.com"], "userPrincipalName in ('a@x.com')"),
        (["a@x.com", "o'neil@x.com"], "userPrincipalName in ('a@x.com','o''neil@x.com')"),
        (["g#EXT#@x.com", "a+b&c@x.com"], "userPrincipalName in ('g#EXT#@x.com','a+b&c@x.com')"),
    ],
)
def test_a_filter_says_what_was_meant_once_decoded(names: list[str], filter_text: str) -> None:
    address = odata.users_named(names, "id,mail")
    assert "#" not in address
    assert parse_qs(urlsplit(address).query) == {
        "$filter": [filter_text],
        "$select": ["id,mail"],
        "$top": ["15"],
    }


@given(NAMES)
def test_a_literal_can_be_read_back(name: str) -> None:
    literal = odata.literal(name)
    assert literal[0] == literal[-1] == "'"
    assert literal[1:-1].replace("''", "'") == name
    assert "'" not in literal[1:-1].replace("''", "")


@given(NAMES)
def test_a_path_holds_no_character_that_would_end_it(name: str) -> None:
    path = odata.user(name)
    assert not set(path) & set("?#& '\"")
    assert name in unquote(path).replace("''", "'")


@given(st.lists(NAMES, max_size=60))
def test_groups_keep_every_name_in_order_and_within_both_limits(names: list[str]) -> None:
    groups = list(odata.groups_for_in(names, "id"))
    assert [name for group in groups for name in group] == names
    for group in groups:
        assert 1 <= len(group) <= odata.MAX_IN
        assert len(group) == 1 or len(odata.users_named(group, "id")) <= odata.MAX_ADDRESS


def test_three_hundred_usual_names_fit_one_batch() -> None:
    names = [f"firstname.lastname{number}@department.contoso.com" for number in range(300)]
    assert len(list(odata.groups_for_in(names, "id,userPrincipalName"))) == 20


@pytest.mark.parametrize(
    ("link", "address"),
    [
        ("https://graph.microsoft.com/v1.0/users?$skiptoken=a%2Fb", "/users?$skiptoken=a%2Fb"),
        ("https://elsewhere.example.org/v1.0/users?$skiptoken=x", "/users?$skiptoken=x"),
        ("https://gateway.example.org/graph/v1.0/groups/1/members", "/groups/1/members"),
        ("/users?$skiptoken=x", "/users?$skiptoken=x"),
    ],
)
def test_a_next_link_becomes_an_address_without_a_host(link: str, address: str) -> None:
    assert odata.relative(link) == address
