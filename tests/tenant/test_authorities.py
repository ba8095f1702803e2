"""Every credential against the simulated sign-in: real msal, real TLS, a clock that costs no time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import httpx
import jwt
import msal_extensions  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sspr import settings
from sspr.errors import CannotStart
from sspr.settings import TenantSettings
from sspr.simulated import samples
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.faults import Fault
from sspr.simulated.permissions import USUAL
from sspr.simulated.server import SimulatedTenant
from sspr.simulated.state import App, Federated
from sspr.tenant import authorities
from sspr.tenant.authorities import authority
from sspr.tenant.errors import NoManagedIdentity, NotSentError, SignInRefused, TokenFileUnreadable
from sspr.tenant.signin import SignIn
from sspr.tenant.token_cache import NOT_KEPT
from sspr.tenant.transport import Connections, direct_for, tls_for
from sspr.tenant.waiting import Pause
from tests.tenant.scripted import SECRET_ENV, FakeClock
from tests.tenant.test_credentials import KEY, OTHER, certificate_of, pem_of

ISSUER = "https://oidc.example.org/"
SUBJECT = "system:serviceaccount:sspr:onboarding"
LIFE = 120  # short beside the life of msal's assertions, which go by the clock on the wall


class House:
    """A simulated tenant on a clock of its own, and sign-ins to it."""

    def __init__(self, app: App, folder: Path, **behaviour: Any) -> None:
        self.clock = FakeClock(time.time())
        self.on_sleep: Callable[[], None] = lambda: None
        self.app = app
        self.server = SimulatedTenant(
            samples.administrators(2, app=app),
            Behaviour(token_lifetime=LIFE, **behaviour),
            folder=folder,
            clock=self.clock,
        ).start()
        self.forms: list[dict[str, Any]] = []
        self._connections: list[Connections] = []

    def sign_in(self, credential: str, **changes: Any) -> SignIn:
        """Not connected yet; as a command that starts makes it."""
        options: dict[str, Any] = {
            "tenant_id": self.server.tenant_id, "client_id": self.app.client_id, "credential": credential,
            "graph_url": self.server.graph_url, "login_url": self.server.login_url,
            "ca_file": self.server.ca_file, **changes,
        }  # fmt: skip
        tenant = TenantSettings(**options)
        connections = Connections(tls_for(self.server.ca_file))
        self._connections.append(connections)
        pause = Pause(self.clock, self._sleep)
        asked = authority(tenant, connections, direct_for(self.server.ca_file), pause)
        return SignIn(tenant, asked, pause, chance=lambda: 1.0)

    def replace_app(self, **changes: Any) -> None:
        self.app = replace(self.app, **changes)
        self.server.state.apps = (self.app,)

    def status(self, token: str) -> int:
        """Graph's answer to the token."""
        return self._get(token).status_code

    def challenge(self, token: str) -> str:
        return self._get(token).headers["WWW-Authenticate"]

    def _get(self, token: str) -> httpx.Response:
        with direct_for(self.server.ca_file)() as client:
            url = f"{self.server.graph_url}/v1.0/organization"
            return client.get(url, headers={"Authorization": f"Bearer {token}"})

    def close(self) -> None:
        for connections in self._connections:
            connections.close()
        self.server.stop()

    def _sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.on_sleep()


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., House]]:
    """``build(app, **behaviour)``: a running house. None of the machine's own identity is seen."""
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT", "MSI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    houses: list[House] = []

    def make(app: App | None = None, **behaviour: Any) -> House:
        houses.append(House(app or samples.application(), tmp_path / str(len(houses)), **behaviour))
        monkeypatch.setenv(SECRET_ENV, houses[-1].app.secrets[0])
        return houses[-1]

    yield make
    for house in houses:
        house.close()


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


# --- an application ---------------------------------------------------------------------------------------------------


def test_a_secret_signs_in_and_its_token_can_be_challenged(build: Callable[..., House]) -> None:
    house = build()
    signin = house.sign_in("secret", secret_env=SECRET_ENV)
    token = signin.token()
    assert claims_of(token)["xms_cc"] == ["cp1"]
    house.server.revoke_tokens()
    assert 'error="insufficient_claims"' in house.challenge(token)
    fresh = signin.refresh(token, json.dumps({"access_token": {"nbf": {"essential": True, "value": "1"}}}))
    assert (house.status(fresh), fresh == token) == (200, False)


def test_a_certificate_that_is_renewed_is_signed_with_from_the_next_token_on(
    build: Callable[..., House], tmp_path: Path
) -> None:
    soon = datetime.now(UTC) + timedelta(days=2)
    old, new = certificate_of(KEY, soon), certificate_of(OTHER, soon)
    path = tmp_path / "app.pem"
    path.write_text(pem_of(KEY) + old)
    house = build(samples.application(certificates=(old, new)))
    signin = house.sign_in("certificate", certificate_file=path)
    signin.token()
    path.write_text(pem_of(OTHER) + new)
    house.replace_app(certificates=(new,))  # the old one is not accepted any more
    house.clock.now += LIFE
    assert house.status(signin.token()) == 200


@pytest.mark.parametrize("content", ["", "-----BEGIN PRIVATE KEY-----\nhalf of it", None])
def test_a_certificate_that_is_being_replaced_leaves_the_old_one_in_use(
    content: str | None, build: Callable[..., House], tmp_path: Path
) -> None:
    text = certificate_of(KEY, datetime.now(UTC) + timedelta(days=2))
    path = tmp_path / "app.pem"
    path.write_text(pem_of(KEY) + text)
    house = build(samples.application(certificates=(text,)))
    signin = house.sign_in("certificate", certificate_file=path)
    signin.token()
    path.unlink()
    if content is not None:
        path.write_text(content)
    house.clock.now += LIFE
    assert house.status(signin.token()) == 200


# --- a workload -------------------------------------------------------------------------------------------------------


def federated(key: RSAPrivateKey = KEY, **changes: str) -> App:
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    trusted = replace(Federated(ISSUER, SUBJECT, public), **changes)
    return replace(samples.application(), federated=(trusted,))


def issued(house: House, life: float = 600) -> str:
    claims = {"iss": ISSUER, "sub": SUBJECT, "aud": "api://AzureADTokenExchange", "exp": house.clock() + life}
    return jwt.encode(claims, KEY, algorithm="RS256")


@pytest.mark.parametrize("by", ["key", "environment"])
def test_a_workload_identity_reads_its_token_anew_for_each_token(
    by: str, build: Callable[..., House], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, path = build(federated()), tmp_path / "token"
    named: dict[str, Path] = {}
    if by == "key":
        named["federated_token_file"] = path
    else:
        monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(path))
    signin = house.sign_in("workload-identity", **named)
    for _ in range(3):
        path.write_text(f"{issued(house)}\n")
        assert house.status(signin.token()) == 200
        house.clock.now += LIFE


@pytest.mark.parametrize(
    ("app", "code"),
    [
        (federated(issuer="https://other.example.org/"), 700211),
        (federated(subject="system:serviceaccount:sspr:other"), 700213),
        (federated(audience="api://AzureADTokenExchangeChina"), 700212),
        (federated(OTHER), 50013),
    ],
)
def test_a_workload_that_is_not_trusted_is_refused_with_advice(
    app: App, code: int, build: Callable[..., House], tmp_path: Path
) -> None:
    house, path = build(app), tmp_path / "token"
    path.write_text(issued(house))
    with pytest.raises(SignInRefused, match=f"AADSTS{code}"):
        house.sign_in("workload-identity", federated_token_file=path).connect()


def test_a_federated_token_that_has_run_out_is_said(build: Callable[..., House], tmp_path: Path) -> None:
    house, path = build(federated()), tmp_path / "token"
    path.write_text(issued(house, life=-600))
    with pytest.raises(SignInRefused, match=r"AADSTS700024.*federated_token_file"):
        house.sign_in("workload-identity", federated_token_file=path).connect()


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_federated_token_that_cannot_be_read_stops_the_start_and_is_waited_for_later(
    content: bytes | None, build: Callable[..., House], tmp_path: Path
) -> None:
    house, path = build(federated()), tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    signin = house.sign_in("workload-identity", federated_token_file=path)
    with pytest.raises(TokenFileUnreadable, match="federated_token_file") as caught:
        signin.connect()
    assert caught.value.exit_code == 2
    path.write_text(issued(house))
    signin.connect()
    path.unlink()
    house.clock.now += LIFE
    with pytest.raises(NotSentError, match="federated_token_file"):
        signin.token()
    path.write_text(issued(house))
    assert house.status(signin.token()) == 200


# --- a machine --------------------------------------------------------------------------------------------------------


Kind = Literal["system", "user"]


def managed(kind: Kind) -> App:
    return replace(samples.application(), managed=kind)


def lend_identity(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in house.server.identity_environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("kind", ["system", "user"])
def test_a_managed_identity_is_the_machines_own_or_the_one_that_client_id_names(
    kind: Kind, build: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = build(managed(kind))
    lend_identity(house, monkeypatch)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # a proxy is not asked
    named = {} if kind == "user" else {"client_id": ""}
    signin = house.sign_in("managed-identity", **named)
    token = signin.token()
    assert (claims_of(token)["appid"], house.status(token)) == (house.app.client_id, 200)
    house.clock.now += LIFE
    assert house.status(signin.token()) == 200
    asked = [record for record in house.server.journal if record.url.endswith("/msi/token")]
    assert len(asked) == 2


@pytest.mark.parametrize("kind", ["system", "user"])
def test_an_identity_that_the_machine_does_not_have_is_refused(
    kind: Kind, build: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = build(managed(kind))
    lend_identity(house, monkeypatch)
    other = {"client_id": ""} if kind == "user" else {}
    with pytest.raises(SignInRefused, match="No managed identity was found"):
        house.sign_in("managed-identity", **other).connect()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"IDENTITY_ENDPOINT": "https://127.0.0.1:9/msi/token"}, "cannot be reached"),
        ({"IDENTITY_SERVER_THUMBPRINT": "00" * 20}, "Service Fabric"),
    ],
)
def test_a_machine_without_an_identity_is_said(
    environment: dict[str, str], said: str, build: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = build(managed("system"))
    lend_identity(house, monkeypatch)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NoManagedIdentity, match=said):
        house.sign_in("managed-identity", client_id="").connect()


# --- a person ---------------------------------------------------------------------------------------------------------


class Person:
    """Somebody at the terminal, who reads what is said there."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def write(self, text: str) -> int:
        self.said += text.splitlines()
        return len(text)

    def flush(self) -> None:
        return

    def isatty(self) -> bool:
        return True

    @property
    def codes(self) -> list[str]:
        return [line.split("enter the code ")[1].split()[0] for line in self.said if "enter the code" in line]


def seated(person: Person, monkeypatch: pytest.MonkeyPatch) -> Person:
    """At the standard error of the modules that speak; the real one is pytest's."""
    for module in (settings, authorities):
        monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=person))
    return person


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Person:
    return seated(Person(), monkeypatch)


def for_people() -> App:
    return replace(samples.application(), public_client=True, delegated=USUAL, permissions=())


def approve_after(house: House, looks: int) -> None:
    """The first account enters whatever code is shown, after so many sleeps."""
    left = [looks]

    def look() -> None:
        left[0] -= 1
        if left[0] <= 0:
            for code in house.server.people.expected:
                house.server.people.approve(code, "admin0001@contoso.onmicrosoft.com")

    house.on_sleep = look


def test_a_person_signs_in_once_and_the_refresh_token_serves_from_then_on(
    build: Callable[..., House], person: Person
) -> None:
    house = build(for_people())
    approve_after(house, 30)
    signin = house.sign_in("device-code")
    signin.connect()
    for _ in range(3):
        token = signin.token()
        claims = claims_of(token)
        assert house.status(token) == 200
        assert (claims["idtyp"], set(claims["scp"].split()), claims["xms_cc"]) == (
            "user",
            set(USUAL),
            ["cp1"],
        )
        house.clock.now += LIFE
    assert len(person.codes) == 1
    assert f"{house.server.login_url}/device" in person.said[-1]
    assert not any("admin0001" in line for line in person.said)


def test_a_challenge_is_answered_without_the_person(build: Callable[..., House], person: Person) -> None:
    house = build(for_people())
    approve_after(house, 1)
    signin = house.sign_in("device-code")
    token = signin.token()
    house.server.revoke_tokens()
    fresh = signin.refresh(token, '{"access_token": {"nbf": {"essential": true, "value": "1"}}}')
    assert (house.status(fresh), len(person.codes)) == (200, 1)


def test_a_sign_in_that_was_revoked_ends_the_run_with_one_sentence(
    build: Callable[..., House], person: Person
) -> None:
    house = build(for_people())
    approve_after(house, 1)
    signin = house.sign_in("device-code")
    signin.connect()
    house.server.people.end_sessions()
    house.clock.now += LIFE
    with pytest.raises(SignInRefused, match=r"AADSTS50173.*ended or was revoked: sspr resume"):
        signin.token()
    assert len(person.codes) == 1


def test_a_service_that_fails_while_the_person_is_waited_for_is_asked_again(
    build: Callable[..., House], person: Person
) -> None:
    struck = (
        Fault("POST */token", on="request", nth=(1,), retry_after=2.0),
        Fault("POST */token", on="request", nth=(2,), effect="reset"),
        Fault("POST */token", on="request", nth=(3,), status=500),
    )
    house = build(for_people(), faults=struck)
    approve_after(house, 30)
    assert house.status(house.sign_in("device-code").token()) == 200
    assert len(person.codes) == 1


def test_a_code_that_nobody_enters_is_given_up(build: Callable[..., House], person: Person) -> None:
    house = build(for_people())
    began = house.clock.now
    with pytest.raises(SignInRefused, match=r"AADSTS70019.*not entered in time"):
        house.sign_in("device-code").connect()
    assert 900 <= house.clock.now - began < 1000
    assert len(person.codes) == 1


def test_a_person_who_declines_is_not_asked_again(build: Callable[..., House], person: Person) -> None:
    house = build(for_people())

    def decline() -> None:
        for code in house.server.people.expected:
            house.server.people.decline(code)

    house.on_sleep = decline
    with pytest.raises(SignInRefused, match="declined"):
        house.sign_in("device-code").connect()
    assert len(person.codes) == 1


def test_an_application_without_public_client_flows_is_said(
    build: Callable[..., House], person: Person
) -> None:
    house = build(replace(for_people(), public_client=False))
    with pytest.raises(SignInRefused, match=r"AADSTS7000218.*allow public client flows"):
        house.sign_in("device-code").connect()
    assert len(person.codes) == 1


def test_without_a_terminal_nobody_is_asked(
    build: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Person, "isatty", lambda _: False)
    person = seated(Person(), monkeypatch)
    with pytest.raises(CannotStart, match="needs a person at a terminal") as caught:
        build(for_people()).sign_in("device-code").connect()
    assert (caught.value.exit_code, person.said) == (2, [])


def test_where_nothing_is_encrypted_the_sign_in_stays_in_memory_and_that_is_said_once(
    build: Callable[..., House], person: Person, monkeypatch: pytest.MonkeyPatch, clean_environment: Path
) -> None:
    def none(_: str) -> object:
        raise ImportError("no gi")

    monkeypatch.setattr(msal_extensions, "build_encrypted_persistence", none)
    house = build(for_people())
    approve_after(house, 1)
    for _ in range(2):
        signin = house.sign_in("device-code")
        signin.connect()
        house.clock.now += LIFE
        signin.token()
    assert (person.said.count(NOT_KEPT), len(person.codes)) == (2, 2)  # once for each command
    assert [path for path in clean_environment.rglob("*") if path.is_file()] == []


class Vault:
    """What an operating system keeps encrypted, with a file that marks its age."""

    kept: dict[str, str] = {}  # noqa: RUF012 - one for the machine
    fails: type[Exception] | None = None

    def __init__(self, location: str) -> None:
        self._location = location

    def load(self) -> str:
        if self._location not in self.kept:
            raise msal_extensions.persistence.PersistenceNotFound
        return self.kept[self._location]

    def save(self, content: str) -> None:
        if self.fails is not None:
            raise self.fails
        self.kept[self._location] = content
        Path(self._location).touch()


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> type[Vault]:
    monkeypatch.setattr(Vault, "kept", {})
    monkeypatch.setattr(Vault, "fails", None)
    monkeypatch.setattr(msal_extensions, "build_encrypted_persistence", Vault)
    return Vault


@pytest.mark.usefixtures("vault")
def test_the_next_command_needs_no_person_where_the_machine_keeps_the_sign_in(
    build: Callable[..., House], person: Person, clean_environment: Path
) -> None:
    house = build(for_people())
    approve_after(house, 1)
    for _ in range(3):
        assert house.status(house.sign_in("device-code").token()) == 200
    assert (len(person.codes), len(person.said)) == (1, 1)
    folder = clean_environment / "sign-ins"
    modes = {path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert (folder.stat().st_mode & 0o777, modes) == (0o700, {0o600})


def test_a_kept_sign_in_that_was_revoked_asks_the_person_at_the_next_start(
    build: Callable[..., House], person: Person, vault: type[Vault]
) -> None:
    house = build(for_people())
    approve_after(house, 1)
    house.sign_in("device-code").connect()
    house.server.people.end_sessions()
    house.sign_in("device-code").connect()
    house.sign_in("device-code").connect()
    assert len(person.codes) == 2
    assert [len(json.loads(kept)["Account"]) for kept in vault.kept.values()] == [1]


def test_each_application_of_each_tenant_has_a_sign_in_of_its_own(
    build: Callable[..., House], person: Person, vault: type[Vault]
) -> None:
    house = build(for_people())
    other = replace(for_people(), client_id="00000000-0000-0000-0000-000000000007")
    house.server.state.apps = (house.app, other)
    approve_after(house, 1)
    house.sign_in("device-code").connect()
    house.sign_in("device-code", client_id=other.client_id).connect()
    house.sign_in("device-code", tenant_id=samples.DOMAIN).connect()
    assert (len(person.codes), len(vault.kept)) == (3, 3)


def test_a_store_that_fails_later_costs_no_token_and_is_said_once(
    build: Callable[..., House], person: Person, vault: type[Vault], monkeypatch: pytest.MonkeyPatch
) -> None:
    class GLibError(Exception):
        """As libsecret raises it: no OSError."""

    monkeypatch.setattr(vault, "fails", GLibError)
    house = build(for_people())
    approve_after(house, 1)
    signin = house.sign_in("device-code")
    for _ in range(3):
        assert house.status(signin.token()) == 200
        house.clock.now += LIFE
    assert (person.said.count(NOT_KEPT), len(person.codes)) == (1, 1)
