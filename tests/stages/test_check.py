"""What decides on a row beside the row itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from sspr.contacts.codes import Policy
from sspr.input.table import ReadOptions, open_table
from sspr.model import Target
from sspr.report.render import Renderer
from sspr.report.tables import ResultsTable
from sspr.stages.check import Check, Rules

HEADER = "user_principal_name,alternate_email,mobile_phone,userType,accountEnabled"
ROWS = (
    "a@contoso.com,a@fabrikam.com,+44 7400 123456,Guest,False",
    "b@contoso.com,b@gmial.com,+44 7400 123457,Member,True",
    "c@contoso.com,c@silent.example.org,nonsense,Member,True",
)


@pytest.fixture
def checked(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Check]:
    path = tmp_path / "a.csv"
    path.write_text("\n".join((HEADER, *ROWS)) + "\n", encoding="utf-8")
    policy: dict[str, str] = getattr(request, "param", {})
    check = Check([open_table(path, "a.csv", ReadOptions())], Rules(Policy(policy), Target.BOTH), tmp_path, 0)
    check.judge(None, look_up=lambda domains: frozenset(domains & {"silent.example.org", "gmial.com"}))
    yield check
    check.close()


def _told(check: Check) -> list[tuple[str, str]]:
    (part,) = check.parts(Renderer(check.sources))
    lines = [line.split(",") for line in part.results.splitlines()]
    return [(line[3], "yes" if "takes no mail" in ",".join(line) else "") for line in lines]


def test_what_the_file_says_of_an_account_warns_and_rejects_nothing(checked: Check) -> None:
    assert [status for status, _ in _told(checked)] == ["valid", "valid", "rejected"]
    (part,) = checked.parts(Renderer(checked.sources))
    assert part.tally.warnings == {"user_is_guest": 1, "user_disabled": 1, "email_lookalike": 2}


@pytest.mark.parametrize("checked", [{"user_is_guest": "ignore", "user_disabled": "error"}], indirect=True)
def test_the_policy_can_silence_it(checked: Check) -> None:
    (part,) = checked.parts(Renderer(checked.sources))
    assert part.tally.warnings == {"user_disabled": 1, "email_lookalike": 2}


def test_the_tenant_is_asked_and_not_the_file_where_there_is_a_tenant(checked: Check) -> None:
    first = next(iter(checked.for_ledger()))
    assert (first.reasons, first.warnings) == ((), ())


def test_a_domain_that_takes_no_mail_is_said_once(checked: Check) -> None:
    assert [told for _, told in _told(checked)] == ["", "yes", "yes"]
    (part,) = checked.parts(Renderer(checked.sources))
    assert part.results.count("may not be the one that is meant") == 2


def test_a_message_tells_a_warning_from_what_rejects_the_row(checked: Check) -> None:
    (part,) = checked.parts(Renderer(checked.sources))
    messages = [line["message"] for line in csv.DictReader(io.StringIO(part.results), _columns(checked))]
    assert [message.count("Warning: ") for message in messages] == [0, 0, 1]
    assert [message.split(":")[0].split(",")[0] for message in messages] == ["Line 2", "Line 3", "Line 4"]


def _columns(check: Check) -> tuple[str, ...]:
    return ResultsTable(check.sources).header
