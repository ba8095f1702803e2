"""The tenant for a rehearsal: the sample's accounts as `sample-accounts.csv` describes them, and an account,
made up but always the same, for every other user principal name that is asked for.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from sspr.errors import CannotStart
from sspr.input import templates
from sspr.input.places import Listing, input_files
from sspr.input.table import ReadOptions, open_table
from sspr.simulated.samples import PLAIN, Variety, accounts_for, add_missing, administrators
from sspr.simulated.state import Account, Phone, State

_SAMPLE = "sample"


def rehearsal_state(
    file: Path | None, upns: Iterable[str], admins: int | None = None, variety: Variety = PLAIN
) -> State:
    """The state kept in `file` if there is one, else a new tenant: the sample's, or `admins` invented administrators.

    Every user principal name in `upns` that the tenant does not know gets an account. `variety`: how many of the
    invented accounts are not plain.
    """
    if file is not None and file.is_file():
        try:
            state = State.from_json(file.read_bytes())
        except (OSError, ValueError):
            raise CannotStart(f"{file} holds no simulated tenant. Remove it, or name another file.") from None
    else:
        state = _sample_tenant() if admins is None else administrators(admins, variety=variety)
    add_missing(state, upns, variety=variety)
    return state


def upns_of(files: Iterable[str]) -> list[str]:
    """The user principal names in these inputs, as they stand there."""
    inputs = input_files(list(files), _elsewhere).files
    tables = [open_table(path or Path(name), name, ReadOptions()) for path, name in inputs]
    names = (row.fields.get("user_principal_name", "").strip() for table in tables for row in table.rows())
    return [name for name in names if "@" in name]


def _elsewhere(_url: str) -> Listing | None:
    raise CannotStart(
        "An account for each row of a file is made of files of this machine only: download it first."
    )


def _sample_tenant() -> State:
    with (templates.template_folder() / f"{templates.SAMPLE_ACCOUNTS}.csv").open(
        newline="", encoding="utf-8-sig"
    ) as file:
        notes = list(csv.DictReader(file))
    absent = [note["user_principal_name"] for note in notes if note["kind"] == "absent"]
    upns = [
        *upns_of([str(templates.template_path(_SAMPLE))]),
        *(note["user_principal_name"] for note in notes),
    ]
    state = accounts_for(upns, absent=absent)
    for note in notes:
        account = state.account(note["user_principal_name"])
        if account is None:
            continue
        state.put(_KINDS[note["kind"]](account, note["email"], note["phone"]))
        if note["kind"] in {"non_admin", "guest"}:
            state.assignments = tuple(each for each in state.assignments if each.principal_id != account.id)
    return state


def _contact(account: Account, email: str, phone: str) -> Account:
    return replace(account, other_mails=(email,) if email else (), mobile_phone=phone or None)


def _methods(account: Account, email: str, phone: str) -> Account:
    return replace(account, email_method=email or None, phones=(Phone("mobile", phone),) if phone else ())


_KINDS: dict[str, Callable[[Account, str, str], Account]] = {
    "holds_contact": _contact,
    "holds_methods": _methods,
    "holds_all": lambda account, email, phone: _methods(_contact(account, email, phone), email, phone),
    "synced": lambda account, _email, _phone: replace(account, synced=True),
    "disabled": lambda account, _email, _phone: replace(account, enabled=False),
    "guest": lambda account, _email, _phone: replace(account, guest=True),
    "non_admin": lambda account, _email, _phone: account,
    "authenticator": lambda account, _email, _phone: replace(account, authenticators=("Phone",)),
    "proxy_same": lambda account, email, _phone: replace(
        account, proxy_addresses=(*account.proxy_addresses, f"smtp:{email}")
    ),
}
