"""The same calls over real TLS, real msal and real sockets, against the simulated tenant.

Every request is judged by Microsoft's own description (`tests.protocol`).
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sspr.model import Account, Answer, Change, ChangeKind, Fate, Fault, MethodKind, Methods, Write
from sspr.settings import TenantSettings
from sspr.simulated import samples
from sspr.simulated.behaviour import Behaviour, Latency, Limit, Quotas
from sspr.simulated.builtin_roles import GLOBAL
from sspr.simulated.faults import Fault as Ordered
from sspr.simulated.server import SimulatedTenant
from sspr.simulated.state import State
from sspr.tenant.errors import (
    CertificateUntrusted,
    HostUnreachable,
    PermissionMissing,
    SignInRefused,
    TenantRefused,
)
from sspr.tenant.graph import Tenant
from sspr.tenant.pacing import MemoryStandings
from tests.protocol import Protocol
from tests.tenant.scripted import SECRET_ENV
from tests.tenant.test_credentials import KEY, certificate_of, pem_of

PLAIN = Behaviour()


class Simulation:
    """A running tenant, and clients of it that end with the test."""

    def __init__(self, state: State, behaviour: Behaviour, folder: Path) -> None:
        self.protocol = Protocol()
        self.server = SimulatedTenant(state, behaviour, folder=folder, on_exchange=self.protocol).start()
        self._tenants: list[Tenant] = []

    def settings(self, **changes: Any) -> TenantSettings:
        options: dict[str, Any] = {
            "tenant_id": self.server.tenant_id, "client_id": self.server.client_id, "credential": "secret",
            "secret_env": SECRET_ENV, "graph_url": self.server.graph_url, "login_url": self.server.login_url,
            "ca_file": self.server.ca_file, **changes,
        }  # fmt: skip
        return TenantSettings(**options)

    def connect(self, in_flight: int = 4, **changes: Any) -> Tenant:
        self._tenants.append(Tenant.connect(self.settings(**changes), MemoryStandings(), in_flight=in_flight))
        return self._tenants[-1]

    def stop(self) -> None:
        for tenant in self._tenants:
            tenant.close()
        self.server.stop()


@pytest.fixture
def simulate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Simulation]]:
    running: list[Simulation] = []

    def start(state: State | None = None, behaviour: Behaviour = PLAIN) -> Simulation:
        running.append(
            Simulation(state or samples.administrators(3), behaviour, tmp_path / str(len(running)))
        )
        monkeypatch.setenv(SECRET_ENV, running[-1].server.secret)
        return running[-1]

    yield start
    for simulation in running:
        simulation.stop()
        # A request whose token is refused is not read by the simulated tenant, so that its body is not seen here.
        unread = "POST /$batch 401: no body"
        assert [fault for fault in simulation.protocol.request_faults if fault != unread] == []
        assert simulation.protocol.answer_faults == []


def upns(simulation: Simulation) -> list[str]:
    return [account.upn for account in simulation.server.state.accounts.values()]


def write_all(tenant: Tenant, writes: Sequence[Write]) -> dict[tuple[int, str], Answer]:
    answers: dict[tuple[int, str], Answer] = {}
    tenant.write(writes, lambda _: None, lambda told: answers.update((one.key, one) for one in told))
    return answers


def contact(number: int, account: str) -> Write:
    after = {"otherMails": [f"private{number}@fabrikam.com"], "mobilePhone": f"+1 206555{number:04d}"}
    return Write((number, "contact"), account, Change(ChangeKind.CONTACT, {}, after))


def email(number: int, account: str, method_id: str = "") -> Write:
    after = {"emailAddress": f"private{number}@fabrikam.com"}
    return Write((number, "email"), account, Change(ChangeKind.EMAIL_METHOD, {}, after, method_id))


def phone(number: int, account: str, method_id: str = "") -> Write:
    after = {"phoneNumber": f"+1 206555{number:04d}"}
    return Write((number, "phone"), account, Change(ChangeKind.PHONE_METHOD, {}, after, method_id))


def test_the_whole_round_reads_writes_and_reads_back(simulate: Callable[..., Simulation]) -> None:
    state = samples.administrators(60, variety=samples.MIXED)
    simulation = simulate(state, Behaviour(latency=Latency(0.02, 0.01)))
    tenant = simulation.connect()
    assert tenant.organization().id == state.tenant_id
    assert tenant.organization().domains == {domain.name for domain in state.domains}
    assert tenant.permission_hint() == frozenset(state.apps[0].permissions)

    tenant.set_feature(False)
    assert (tenant.feature(), state.policy.sspr) == (False, False)
    tenant.set_feature(True)
    assert tenant.feature() is True

    found = tenant.accounts_by_upn(
        [*(upn.upper() for upn in upns(simulation)), "nobody@contoso.onmicrosoft.com"]
    )
    accounts = [account for account in found.values() if isinstance(account, Account)]
    assert len(accounts) == 60
    for account in accounts:
        held = state.accounts[account.id]
        assert (account.user_principal_name, account.other_mails) == (held.upn, held.other_mails)
        assert (account.mobile_phone, account.synced) == (held.mobile_phone or "", held.synced is True)
        assert account.guest == held.guest

    plain = [account.id for account in accounts if not account.synced]
    answers = write_all(tenant, [contact(number, account) for number, account in enumerate(plain)])
    assert Counter(answer.fate for answer in answers.values()) == {Fate.ACCEPTED: len(plain)}
    back = tenant.accounts_by_id(plain)
    assert [getattr(back[account], "other_mails", None) for account in plain] == [
        (f"private{number}@fabrikam.com",) for number in range(len(plain))
    ]

    before = tenant.methods([account.id for account in accounts])
    mails = [
        email(number, account, held.email_id) for number, (account, held) in enumerate(before.items())
        if isinstance(held, Methods)
    ]  # fmt: skip
    phones = [
        phone(number, account, held.mobile_phone_id) for number, (account, held) in enumerate(before.items())
        if isinstance(held, Methods)
    ]  # fmt: skip
    told = {**write_all(tenant, mails), **write_all(tenant, phones)}
    assert Counter(answer.fate for answer in told.values()) == {Fate.ACCEPTED: 120}
    for registered in tenant.methods(list(before)).values():
        assert isinstance(registered, Methods)
        assert {MethodKind.EMAIL, MethodKind.MOBILE_PHONE} <= registered.kinds


def test_administrators_are_those_that_hold_a_role(simulate: Callable[..., Simulation]) -> None:
    state = samples.administrators(150, variety=samples.MIXED)
    simulation = simulate(state, Behaviour(empty_pages=True))
    eligible = {one.principal_id for one in state.eligibilities}
    found = simulation.connect().administrators()
    assert found is not None
    assert found.administrators == {
        account for account in state.accounts if state.roles_of(account) or account in eligible
    }
    at_the_top = {one.principal_id for one in state.eligibilities if one.role_id == GLOBAL}
    assert found.global_administrators == {
        account for account in state.accounts if GLOBAL in state.roles_of(account) or account in at_the_top
    }
    assert found.global_administrators < found.administrators


def test_a_tenant_without_p2_has_no_eligible_ones(simulate: Callable[..., Simulation]) -> None:
    state = samples.administrators(20, licence="free")
    found = simulate(state).connect().administrators()
    assert found is not None
    assert found.administrators == set(state.accounts)


def test_odd_names_are_found(simulate: Callable[..., Simulation]) -> None:
    names = [f"{local}@contoso.onmicrosoft.com" for local in ("o'neil", "jan_fabrikam.com#EXT#", "$a")]
    simulation = simulate(samples.accounts_for(names))
    found = simulation.connect().accounts_by_upn(names)
    assert [getattr(account, "user_principal_name", account) for account in found.values()] == names


def test_on_premises_mastered_properties_are_refused_with_graphs_words(
    simulate: Callable[..., Simulation],
) -> None:
    state = samples.administrators(2)
    one = next(iter(state.accounts.values()))
    state.put(replace(one, synced=True))
    answers = write_all(simulate(state).connect(), [contact(1, one.id)])
    fault = answers[1, "contact"].fault
    assert fault is not None
    assert (fault.status, "on-premises mastered" in fault.message) == (400, True)
    assert fault.request_id


@pytest.mark.parametrize("share", [5, 15])
def test_under_faults_every_write_ends_and_none_is_applied_twice(
    share: int, simulate: Callable[..., Simulation]
) -> None:
    """The caller's loop: what is UNKNOWN is read, and written again only where it is seen not to be there."""
    items = ["500", "500:after", "503", "504:after", "409", "omit"]
    faults = [Ordered.parse(f"{kind}={share / len(items)}%") for kind in items]
    whole: list[dict[str, Any]] = [
        {"status": 429, "retry_after": 1}, {"status": 503, "retry_after": 1}, {"effect": "reset"},
        {"effect": "reset", "after_write": True}, {"effect": "truncate", "after_write": True},
    ]  # fmt: skip
    rate = share / 100 / len(whole)
    faults += [Ordered("POST /$batch", on="request", probability=rate, **effect) for effect in whole]
    state = samples.administrators(100)
    simulation = simulate(state, Behaviour(faults=tuple(faults), seed=7))
    tenant = simulation.connect(in_flight=1)
    found = tenant.accounts_by_upn(upns(simulation))
    ids = [account.id for account in found.values() if isinstance(account, Account)]
    assert len(ids) == 100
    open_writes = {number: contact(number, account) for number, account in enumerate(ids)}
    for _ in range(12):
        for (number, _), answer in write_all(tenant, list(open_writes.values())).items():
            if answer.fate is Fate.ACCEPTED:
                del open_writes[number]
            else:
                assert answer.fate is Fate.UNKNOWN
        held = tenant.accounts_by_id([write.account_id for write in open_writes.values()])
        for number, write in list(open_writes.items()):
            account = held[write.account_id]
            assert isinstance(account, Account)
            if account.other_mails == (f"private{number}@fabrikam.com",):
                del open_writes[number]
        if not open_writes:
            break
    assert open_writes == {}
    applied = Counter(record.account for record in simulation.server.journal.writes())
    assert applied == dict.fromkeys(ids, 1)
    assert simulation.server.journal.early() == []


def test_small_quotas_are_kept_to_and_no_retry_after_is_broken(simulate: Callable[..., Simulation]) -> None:
    """A limit far below what is published, as Microsoft may apply it: all is written, nothing goes too soon."""
    quotas = Quotas(writes=Limit(60, 2), methods=Limit(80, 2), retry_after_form="fraction")
    simulation = simulate(samples.administrators(200), Behaviour(quotas=quotas, latency=Latency(0.01, 0.0)))
    # One request at a time: of several, some are on their way when the first is told to wait.
    tenant = simulation.connect(in_flight=1)
    ids = list(simulation.server.state.accounts)
    contacts = write_all(tenant, [contact(number, account) for number, account in enumerate(ids)])
    methods = write_all(tenant, [email(number, account) for number, account in enumerate(ids[:100])])
    assert {answer.fate for answer in [*contacts.values(), *methods.values()]} == {Fate.ACCEPTED}
    assert tenant.traffic.throttled == len(simulation.server.journal.throttled()) > 0
    assert simulation.server.journal.early() == []


def test_tokens_revoked_in_mid_run_are_renewed(simulate: Callable[..., Simulation]) -> None:
    simulation = simulate(samples.administrators(40))
    tenant = simulation.connect()
    names = upns(simulation)
    tenant.accounts_by_upn(names)
    simulation.server.revoke_tokens()
    assert all(isinstance(account, Account) for account in tenant.accounts_by_upn(names).values())


def test_a_certificate_signs_in(simulate: Callable[..., Simulation], tmp_path: Path) -> None:
    text = certificate_of(KEY, datetime.now(UTC) + timedelta(days=1))
    path = tmp_path / "app.pem"
    path.write_text(pem_of(KEY) + text)
    simulation = simulate(samples.administrators(1, app=samples.application(certificates=(text,))))
    assert simulation.connect(credential="certificate", certificate_file=path).feature() is True


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "a wrong secret": ({"secret_env": "WRONG_SECRET"}, "AADSTS7000215"),
    "a wrong application": ({"client_id": "11111111-1111-1111-1111-111111111111"}, "AADSTS700016"),
    "a wrong tenant": ({"tenant_id": "22222222-2222-2222-2222-222222222222"}, "tenant not found"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_is_said_of(
    name: str, simulate: Callable[..., Simulation], monkeypatch: pytest.MonkeyPatch
) -> None:
    changes, said = REFUSALS[name]
    monkeypatch.setenv("WRONG_SECRET", "wrong~secret")
    with pytest.raises(SignInRefused, match=said) as caught:
        simulate().connect(4, **changes)
    assert "wrong~secret" not in str(caught.value)


def test_an_authority_that_is_not_trusted_is_said(simulate: Callable[..., Simulation]) -> None:
    with pytest.raises(CertificateUntrusted, match=r"127.0.0.1:.*ca_file"):
        simulate().connect(ca_file=None)


@pytest.mark.parametrize("what", ["login_url", "graph_url"])
def test_a_closed_port_is_said_soon(what: str, simulate: Callable[..., Simulation]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
        url = f"https://127.0.0.1:{taken.getsockname()[1]}"
        closed: dict[str, Any] = {what: url}
        with pytest.raises(HostUnreachable, match=r"Connection refused|actively refused"):
            simulate().connect(4, **closed).feature()


PERMISSIONS: dict[str, tuple[str, Callable[[Tenant, list[str]], object]]] = {
    "User.Read.All": ("User.Read.All", lambda tenant, names: tenant.accounts_by_upn(names)),
    "UserAuthenticationMethod.ReadWrite.All": (
        "UserAuthMethod-Email.Read.All",
        lambda tenant, names: tenant.methods([str(number) for number in range(len(names))]),
    ),
    "Policy.ReadWrite.Authorization": (
        "Policy.ReadWrite.Authorization",
        lambda tenant, _: tenant.set_feature(True),
    ),
}


@pytest.mark.parametrize("missing", PERMISSIONS)
def test_a_permission_taken_away_is_named(missing: str, simulate: Callable[..., Simulation]) -> None:
    expected, call = PERMISSIONS[missing]
    app = samples.application()
    app = replace(app, permissions=tuple(name for name in app.permissions if name != missing))
    simulation = simulate(samples.administrators(3, app=app))
    with pytest.raises((PermissionMissing, TenantRefused)) as caught:
        call(simulation.connect(), upns(simulation))
    assert expected in str(caught.value)


def test_without_the_directory_role_a_write_is_forbidden_and_says_so(
    simulate: Callable[..., Simulation],
) -> None:
    simulation = simulate(samples.administrators(3, app=samples.application(directory_roles=())))
    account = next(iter(simulation.server.state.accounts))
    fault = write_all(simulation.connect(), [contact(1, account)])[1, "contact"].fault
    assert isinstance(fault, Fault)
    assert (fault.status, fault.code) == (403, "Authorization_RequestDenied")
