"""Contact data and secrets stay in the folder and the ledger: not in logs, on the terminal, in an error."""

from __future__ import annotations

import logging
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from sspr.cli.main import main
from sspr.settings import home
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.faults import Fault
from sspr.simulated.samples import administrators
from sspr.simulated.server import SimulatedTenant
from sspr.simulated.state import Phone
from tests.fakes.tenants import settings_for, wanted, write_input
from tests.job.conftest import Serve

ADMINS = 25
HELD = ("held.address@adatum.com", "+44 7400123456")


@pytest.mark.parametrize(
    "words", [("run", "--yes", "--verbose"), ("plan", "--verbose"), ("check", "--verbose")]
)
def test_no_value_is_shown_or_logged_whatever_happens_to_the_rows(
    words: tuple[str, ...],
    serve: Serve,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server = _eventful_tenant(serve)
    settings_for(server, tmp_path)
    upns = [account.upn for account in server.state.accounts.values()]
    file = write_input(tmp_path / "in.csv", [*upns, "nobody@contoso.onmicrosoft.com", "not an account"])
    command, *options = words
    code = main(
        [
            command,
            str(file),
            *options,
            "--config",
            str(tmp_path / "tenants.toml"),
            "--out",
            str(tmp_path / "out"),
        ]
    )
    shown = "".join(capfd.readouterr()) + caplog.text
    assert code == 1
    assert len(shown) > 500
    for value in _values(server.secret):
        assert value not in shown
    files = [path for folder in (tmp_path / "out", home()) for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_the_repr_of_a_value_shows_no_contact_data(serve: Serve) -> None:
    state = administrators(1)
    [account] = state.accounts.values()
    held = replace(account, other_mails=(HELD[0],), mobile_phone=HELD[1], phones=(Phone("mobile", HELD[1]),))
    assert not any(value in repr(held) for value in HELD)
    assert serve(state).secret not in repr(state.apps)


def _eventful_tenant(serve: Serve) -> SimulatedTenant:
    state = administrators(ADMINS)
    accounts = list(state.accounts.values())
    state.put(replace(accounts[0], restricted=True))
    state.put(replace(accounts[1], other_mails=(HELD[0],), mobile_phone=HELD[1], email_method=HELD[0]))
    state.put(replace(accounts[2], synced=True, other_mails_locked=True))
    state.put(replace(accounts[3], guest=True))
    refused = Fault(
        match="POST */emailMethods", status=400, nth=(3,), message=f"{wanted(7)[0]} and {wanted(7)[1]}"
    )
    return serve(state, Behaviour(quotas=None, faults=(refused,)))


def _values(secret: str) -> list[str]:
    values = [secret, *HELD, HELD[1].replace(" ", "")]
    for number in range(1, ADMINS + 3):
        email, phone = wanted(number)
        values += [email, email.partition("@")[0], phone, phone.replace(" ", ""), phone.partition(" ")[2]]
    return values
