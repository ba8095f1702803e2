"""Header profiles as data: each file is valid, says nothing twice, and a faulty one is told by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from sspr.input import profiles, templates
from sspr.input.errors import InputError
from sspr.input.folding import is_password
from sspr.input.profiles import FACTS, squeezed
from sspr.model import CANONICAL_COLUMNS

EVERY = profiles.every()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(templates, "template_folder", lambda: tmp_path)
    return tmp_path


def test_the_exports_that_are_known() -> None:
    assert set(EVERY) >= {
        "canonical", "m365-users-export", "m365-add-users", "entra-bulk-create", "entra-users-download", "get-mguser",
        "get-msoluser", "get-aduser", "workday", "successfactors", "bamboohr", "adp-workforce-now", "ukg-pro",
        "ukg-wfm", "personio", "hibob", "okta", "google-workspace",
    }  # fmt: skip


@pytest.mark.parametrize("name", EVERY)
def test_a_profile_tells_what_it_is(name: str) -> None:
    profile = EVERY[name]
    assert profile.title
    assert profile.about.endswith(".")
    assert not profile.title.endswith(".")
    assert profile.columns


@pytest.mark.parametrize("name", EVERY)
def test_no_header_of_a_profile_means_two_columns(name: str) -> None:
    profile = EVERY[name]
    taken: dict[str, str] = {}
    for column, headers in profile.candidates.items():
        for header in set(headers):
            assert taken.setdefault(header, column) == column
    for column, headers in profile.unsure.items():
        assert not set(squeezed(headers)) & set(profile.candidates.get(column, ()))


@pytest.mark.parametrize("name", EVERY)
def test_the_lists_of_a_profile_are_columns_of_it(name: str) -> None:
    profile = EVERY[name]
    candidates = {header for headers in profile.candidates.values() for header in headers}
    assert set(squeezed(profile.lists)) <= candidates


def test_a_phone_that_is_not_known_to_be_mobile_means_the_mobile_phone_nowhere() -> None:
    never = squeezed(
        ("Phone", "Phone number", "Office Phone", "Work Phone", "Home Phone", "HomePhone", "BusinessPhones",
         "BIZ_PHONE", "Telephone", "telephoneNumber", "AlternateMobilePhones", "authenticationAlternativePhoneNumber")
    )  # fmt: skip
    for profile in EVERY.values():
        assert not set(never) & set(profile.candidates.get("mobile_phone", ()))


def test_an_address_at_work_means_the_alternate_email_nowhere() -> None:
    never = squeezed(
        ("Email", "Mail", "EmailAddress", "Email Address", "Work Email", "Email - Primary Work", "WindowsEmailAddress",
         "E-Mail", "Work Contact: Work Email", "Manager Email", "Proxy addresses")
    )  # fmt: skip
    for profile in EVERY.values():
        assert not set(never) & set(profile.candidates.get("alternate_email", ()))


def test_no_profile_names_a_password() -> None:
    for profile in EVERY.values():
        for headers in (*profile.columns.values(), *profile.facts.values(), profile.known):
            assert not [header for header in headers if is_password(header)]


def test_the_columns_and_facts_are_those_that_are_read() -> None:
    for profile in EVERY.values():
        assert set(profile.columns) <= set(CANONICAL_COLUMNS)
        assert set(profile.facts) <= set(FACTS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('title = "x"\nabout = "y."\nheaders = []', "headers"),
        ('title = "x"', "about"),
        ('title = "x"\nabout = "y."\nsignatures = ["Email"]', "signatures"),
        ('title = "x"\nabout = "y."\nsignatures = [[]]', "empty signature"),
        ('title = "x"\nabout = "y."\n[columns]\nemail = ["Email"]', "email"),
        ('title = "x"\nabout = "y."\n[facts]\nenabled = ["Enabled"]', "enabled"),
        ("title = ", "Invalid value"),
        (b"title = '\xff'", "faulty.toml"),
    ],
)
def test_a_faulty_profile_is_told_with_its_file_and_key(folder: Path, text: str | bytes, told: str) -> None:
    (folder / "faulty.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=r"faulty\.toml") as error:
        profiles.profile("faulty")
    assert told in str(error.value)


def test_an_unknown_profile_is_told_with_those_that_are(folder: Path) -> None:
    (folder / "one.toml").write_text('title = "x"\nabout = "y."\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"no profile 'sample'. There are one\."):
        profiles.profile("sample")


def test_the_longest_signature_that_is_there_counts(folder: Path) -> None:
    (folder / "one.toml").write_text(
        'title = "x"\nabout = "y."\nsignatures = [["Work Email"], ["Work Email", "Site"], ["Site", "Shift"]]\n',
        encoding="utf-8",
    )
    profile = profiles.profile("one")
    assert profile.fits(frozenset({"work email", "name"})) == 1
    assert profile.fits(frozenset({"work email", "site"})) == 2
    assert profile.fits(frozenset({"site"})) == 0
    assert profile.fits(frozenset({"workemail"})) == 0
