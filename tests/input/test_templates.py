"""The templates that come with the project, and the sample of the demo."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from sspr.cli.main import main
from sspr.contacts.account import judge_account
from sspr.contacts.codes import CODES
from sspr.contacts.country import region
from sspr.contacts.judge import judge
from sspr.input import profiles
from sspr.input.errors import InputError
from sspr.input.profiles import Profile
from sspr.input.table import ReadOptions, open_table
from sspr.input.templates import names, template_folder, template_path, text
from sspr.model import CANONICAL_COLUMNS, Account, Contact, Methods, Row, Target
from sspr.plan import compare
from tests.fakes.across import judge_across

DOMAINS = frozenset({"contoso.com", "contoso.onmicrosoft.com"})
KINDS = {
    "absent", "disabled", "guest", "synced", "non_admin", "holds_contact", "holds_methods", "holds_all",
    "authenticator", "proxy_same",
}  # fmt: skip
OF_A_RUN = {"changed_since_plan", "permission_denied", "tenant_rejected", "not_confirmed"}
OF_THE_TENANT = {"sms_ends", "sms_sign_in"}  # of its cloud, its settings and the day


def _sample() -> list[tuple[Row, Contact]]:
    table = open_table(template_path("sample"), "sample.csv", ReadOptions())
    return [(row, judge(row, None)) for row in table.rows()]


def _accounts() -> dict[str, list[dict[str, str]]]:
    peculiar: dict[str, list[dict[str, str]]] = {}
    with (template_folder() / "sample-accounts.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            peculiar.setdefault(line["user_principal_name"], []).append(line)
    return peculiar


def _account(name: str, lines: list[dict[str, str]]) -> Account:
    kinds = {line["kind"]: line for line in lines}
    contact = kinds.get("holds_contact") or kinds.get("holds_all") or {"email": "", "phone": ""}
    methods = kinds.get("holds_methods") or kinds.get("holds_all") or {"email": "", "phone": ""}
    proxy = kinds.get("proxy_same")
    return Account(
        id=name,
        user_principal_name=name,
        proxy_addresses=(f"smtp:{proxy['email']}",) if proxy else (),
        other_mails=(contact["email"],) if contact["email"] else (),
        mobile_phone=contact["phone"],
        enabled="disabled" not in kinds,
        guest="guest" in kinds,
        synced="synced" in kinds,
        administrator="non_admin" not in kinds,
        methods=Methods(methods["email"], "e", methods["phone"], "p", "authenticator" in kinds),
    )


def test_the_templates_are_found_by_name() -> None:
    assert {"canonical", "sample", "okta"} <= set(names())
    assert "sample-accounts" not in names()
    with pytest.raises(InputError, match=r"canonical, .*, workday"):
        template_path("none")


def test_every_profile_has_a_template_and_every_template_but_the_sample_a_profile() -> None:
    assert set(profiles.names()) == set(names()) - {"sample"}


def test_the_list_has_a_title_for_every_template(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["template"]) == 0
    listed = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert [name for name, _ in listed] == sorted(names())
    assert "Google Workspace, users" in dict(listed)["google-workspace"]


def test_the_readme_tells_of_every_template() -> None:
    readme = (template_folder() / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.+) \|$", readme, flags=re.MULTILINE))
    for name, profile in profiles.every().items():
        assert rows[name] == profile.title
    for key in Profile.__struct_fields__:
        assert f"`{key}`" in readme or f"`[{key}]`" in readme


UPN, EMAIL, PHONE = "User principal name", "Alternate email address", "Mobile Phone"
# What a person must add to an export; those that are not here have all that is needed.
ADDED = {
    "entra-bulk-create": [EMAIL],
    "exchange-get-user": [EMAIL],
    "get-aduser": [EMAIL],
    "m365-users-export": [EMAIL],
    "paycom": [UPN, PHONE],
    "successfactors": [EMAIL, PHONE],
    "ukg-pro": [PHONE],
    "ukg-wfm": [EMAIL, PHONE],
    "workday": [PHONE],
}


@pytest.mark.parametrize("name", sorted(set(names()) - {"sample", "personio", *ADDED}))
def test_a_printed_template_is_recognised_as_what_it_is(tmp_path: Path, name: str) -> None:
    path = tmp_path / "my.csv"
    row = ",".join(["x"] * text(name).splitlines()[-1].count(","))
    path.write_text(f"{text(name)}x,{row}\n", encoding="utf-8")
    table = open_table(path, "my.csv", ReadOptions())
    assert table.source.profile == name
    assert len(list(table.rows())) == 1


@pytest.mark.parametrize("name", sorted(ADDED))
def test_a_template_that_lacks_a_column_is_recognised_once_it_is_added(tmp_path: Path, name: str) -> None:
    path = tmp_path / "my.csv"
    path.write_text(text(name), encoding="utf-8")
    title = re.escape(profiles.profile(name).title)
    with pytest.raises(InputError, match=rf"my\.csv \({title}\) has no column"):
        open_table(path, "my.csv", ReadOptions())
    lines = [f"{line},{','.join(ADDED[name])}" for line in text(name).splitlines()]
    width = max(line.count(",") for line in lines)
    path.write_text("\n".join([*lines, "x" + ",x" * width]) + "\n", encoding="utf-8")
    table = open_table(path, "my.csv", ReadOptions())
    assert table.source.profile == name
    assert [row.malformed for row in table.rows()] == [None]


def test_the_canonical_template_is_a_header_to_fill_in(tmp_path: Path) -> None:
    assert text("canonical") == ",".join(CANONICAL_COLUMNS) + "\n"
    path = tmp_path / "my.csv"
    path.write_text(
        text("canonical") + "jane@contoso.com,jane@fabrikam.com,07911 123456,GB,,,\n", encoding="utf-8"
    )
    (row,) = open_table(path, "my.csv", ReadOptions()).rows()
    assert judge(row, None).findings == ()


def test_the_sample_is_large_and_of_many_countries() -> None:
    sample = _sample()
    good = [row for row, contact in sample if not contact.findings]
    assert len(sample) >= 60
    assert len(good) >= 40
    assert len({contact.mobile_phone.split(" ")[0] for _, contact in sample if contact.mobile_phone}) >= 25
    assert len({region(row.fields["country"]) for row in good}) >= 25


def test_the_sample_shows_every_code_that_check_and_plan_give() -> None:
    sample, peculiar = _sample(), _accounts()
    shown = {finding.code for _, contact in sample for finding in contact.findings}
    across = judge_across((row.line, f"line {row.line}", contact) for row, contact in sample)
    shown |= {finding.code for findings in across.values() for finding in findings}
    for _, contact in sample:
        lines = peculiar.get(contact.user_principal_name, [])
        if any(line["kind"] == "absent" for line in lines):
            shown.add("user_not_found")
        elif contact.user_principal_name and contact.alternate_email and contact.mobile_phone:
            account = _account(contact.user_principal_name, lines)
            shown |= {finding.code for finding in judge_account(contact, account, DOMAINS)}
            shown |= {finding.code for finding in compare(contact, account, Target.BOTH).findings}
    assert shown == {code.code for code in CODES} - OF_A_RUN - OF_THE_TENANT


def test_accounts_that_hold_the_rows_values_need_no_write() -> None:
    peculiar = _accounts()
    held = 0
    for _, contact in _sample():
        lines = peculiar.get(contact.user_principal_name, [])
        if any(line["kind"] == "holds_all" for line in lines):
            held += 1
            assert compare(contact, _account(contact.user_principal_name, lines), Target.BOTH).changes == ()
    assert held >= 2


def test_the_peculiar_accounts_are_accounts_of_the_sample() -> None:
    known = {row.fields["user_principal_name"] for row, _ in _sample() if row.malformed is None}
    peculiar = _accounts()
    assert set(peculiar) <= known
    assert {line["kind"] for lines in peculiar.values() for line in lines} == KINDS
