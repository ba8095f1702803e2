"""Whole runs under every kind of fault: the tenant ends as an undisturbed run leaves it, nothing written twice."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from sspr.errors import SsprError
from sspr.job import Job, JobRequest
from sspr.ledger import Ledger
from sspr.settings import Settings, home
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.faults import Fault
from sspr.simulated.samples import administrators, application
from sspr.simulated.server import SimulatedTenant
from sspr.simulated.state import Account, App, Phone, State
from sspr.stages.context import Options
from sspr.tenant import transport
from tests.fakes.clocks import SteppedClock
from tests.fakes.tenants import read_results, settings_for, wanted, write_input
from tests.tenant.test_credentials import KEY, OTHER, certificate_of, pem_of

ADMINS = 24
MOST_RESUMES = 2
PLAIN = Behaviour(quotas=None)
Meddle = Callable[["Scene", int], None]


def tenant_of_all_sorts() -> State:
    """Administrators that hold nothing, older values, methods of their own, or what is asked for already."""
    state = administrators(ADMINS)
    for number, account in enumerate(list(state.accounts.values()), 1):
        state.put(_held(number, account))
    return state


def _held(number: int, account: Account) -> Account:
    email, phone = wanted(number)
    if number % 6 == 1:
        account = replace(account, other_mails=(f"old{number}@adatum.com",), mobile_phone="+44 7400123456")
    if number % 6 == 2:
        own = Phone("mobile", f"+44 74001234{number:02d}")
        account = replace(account, email_method=f"own{number}@adatum.com", phones=(own,))
    if number % 12 == 3:
        phones = (Phone("mobile", phone),)
        account = replace(
            account, other_mails=(email,), mobile_phone=phone, email_method=email, phones=phones
        )
    return account


class Scene:
    """One simulated tenant, one ledger, one clock for both sides, and the run between them."""

    def __init__(
        self,
        folder: Path,
        behaviour: Behaviour,
        meddle: Meddle | None = None,
        certificate: Path | None = None,
    ) -> None:
        self.clock = SteppedClock()
        self.folder = folder
        self.requests = 0
        self._meddle = meddle
        self._certificate = certificate

        def count(_method: str, url: str, *_: object) -> None:
            self.requests += url.endswith("/$batch")
            if self._meddle is not None and url.endswith("/$batch"):
                self._meddle(self, self.requests)

        self.server = SimulatedTenant(
            tenant_of_all_sorts(), behaviour, folder=folder / "tls", on_exchange=count, clock=self.clock
        )
        self.stops: list[str] = []
        self.mend: Callable[[], None] = lambda: None

    def carry_out(self) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """A run to its end, resumed whenever it stops: its last report and its results."""
        with ExitStack() as stack:
            stack.enter_context(self.server)
            ledger = stack.enter_context(closing(Ledger.open(None, home())))
            settings = self._settings()
            upns = [account.upn for account in self.server.state.accounts.values()]
            file = write_input(self.folder / "in.csv", upns)
            request = JobRequest(
                "run", (str(file),), "simulated", None, Options(replace_methods=True), self.folder / "out"
            )
            job = Job.begin(ledger, settings, request, self.clock.host())
            while True:
                report = _taken(job)
                if report["exit_code"] != 3 or len(self.stops) == MOST_RESUMES:
                    return report, read_results(self.folder / "out")
                self.stops.append(report["stopped_because"])
                self.mend()
                job = Job.load(ledger, settings, job.id, self.clock.host())

    def _settings(self) -> Settings:
        settings = settings_for(self.server, self.folder)
        if self._certificate is not None:
            of_tenant = msgspec.structs.replace(
                settings.tenants["simulated"],
                credential="certificate",
                certificate_file=self._certificate,
            )
            settings = msgspec.structs.replace(settings, tenants={"simulated": of_tenant})
        return settings

    def register(self, certificate: str) -> None:
        """Makes this the one certificate that the application may sign in with."""
        [app] = self.server.state.apps
        self.server.state.apps = (replace(app, certificates=(certificate,)),)

    def values_written(self) -> Counter[tuple[str | None, str, str]]:
        """How often each value of each account was written, as the tenant's own journal has it."""
        return Counter(
            (record.account, name, str(value))
            for record in self.server.journal.writes()
            for name, value in (record.request_body or {}).items()
            if name != "phoneType"
        )


def _taken(job: Job) -> dict[str, Any]:
    error: SsprError | None = None
    try:
        job.carry_out()
    except SsprError as stopped:
        error = stopped
    report: Mapping[str, Any] = job.close(error)
    return dict(report)


@dataclass(frozen=True)
class Undisturbed:
    accounts: dict[str, Account]
    statuses: list[str]
    values: Counter[tuple[str | None, str, str]]
    writes: int


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("undisturbed")
        patch.setenv("SSPR_HOME", str(folder / "home"))
        scene = Scene(folder, PLAIN)
        report, results = scene.carry_out()
    assert report["exit_code"] == 0
    assert scene.stops == []
    return Undisturbed(
        scene.server.state.accounts,
        [row["status"] for row in results],
        scene.values_written(),
        len(scene.server.journal.writes()),
    )


def under(*faults: str | Fault, **more: Any) -> Behaviour:
    """No quotas, and these faults; a word as `Fault.parse` takes it."""
    parsed = tuple(Fault.parse(each) if isinstance(each, str) else each for each in faults)
    return replace(PLAIN, seed=3, faults=parsed, **more)


def at(word: str, *numbers: int) -> Fault:
    """The fault, at these of the requests or calls that it is meant for."""
    return replace(Fault.parse(f"{word}=100%"), nth=numbers)


FAULTS: dict[str, Behaviour] = {
    "429 of items, whole seconds": under("429:7s@* /users/*=15%"),
    "429 of items, a fraction": under("429:0.25s@* /users/*=15%"),
    "429 of items, a date": under("429:7s:date@* /users/*=15%"),
    "429 of items, no Retry-After": under("429@* /users/*=10%"),
    "429 of whole requests": under(at("429:whole:5s@POST /$batch", 2, 5, 6, 9)),
    "429 of whole requests, a date": under(at("429:whole:5s:date@POST /$batch", 2, 5, 6, 9)),
    "429 of whole requests, no Retry-After": under(at("429:whole@POST /$batch", 2, 5, 6, 9)),
    "503 of items": under("503@* /users/*=10%", "503:3s@* /users/*=10%"),
    "503 of whole requests": under(at("503:whole@POST /$batch", 2, 7), at("503:whole:2.5s@POST /$batch", 4, 9)),
    "500 before": under("500@* /users/*=15%"),
    "500 after": under("500:after@* /users/*=15%"),
    "502 before and after, of whole requests": under(
        at("502:whole@POST /$b*", 2, 5), at("502:whole:after@POST *", 6, 9)
    ),
    "504 before and after": under("504@* /users/*=8%", "504:after@* /users/*=8%"),
    "reset before": under(at("reset:whole@POST /$batch", 1, 4, 6, 8)),
    "reset after": under(at("reset:whole:after@POST /$batch", 1, 4, 6, 8)),
    "half an answer": under(at("truncate:whole:after@POST /$batch", 1, 4, 6, 8)),
    "an item missing from the answer": under("omit:after@* /users/*=8%", "omit@* /users/*=8%"),
    "a token that expires": under(at("expire:whole@POST /$batch", 2, 8)),
    "a token that is revoked": under(at("revoke:whole@POST /$batch", 2, 8)),
    "a token that is refused twice in a row": under(at("revoke:whole@POST /$batch", 1, 2)),
    "a token that expires for one item": under(at("expire@GET /users/*", 5), at("expire@P* /users/*", 9)),
    "a claims challenge": under(at("challenge:whole@POST /$batch", 2, 8)),
    "a claims challenge for an item": under(at("challenge@GET /users/*", 5), at("challenge@P* /users/*", 9)),
    "tokens of half a minute": under(token_lifetime=30, read_lag=45.0),
    "the service gone for a minute": under(at("gone:whole:60s@POST /$batch", 2, 6, 9)),
    "replication behind by a minute": under(read_lag=60.0),
    "replicas that disagree": under(read_lag=60.0, stale_share=0.5),
    "replication behind, and writes of unknown fate": under(
        "500:after@P* /users/*=15%", at("reset:whole:after@POST /$batch", 5, 8), read_lag=40.0
    ),
    "412": under("412@P* /users/*=15%"),
    "409 of a concurrent change": under("409@P* /users/*=20%", "409:2s@P* /users/*=10%"),
    "409 in a body nested twice": under("409:nested@P* /users/*=20%"),
    "a page of a gateway for an item": under("502:html@* /users/*=10%", "200:html@GET /users*=10%"),
    "a page of a gateway for all": under(
        at("502:whole:html@POST /$batch", 2, 6), at("200:whole:html@POST /$batch", 4, 8)
    ),
    "a page in place of a listing": under(at("200:whole:html@GET *", 1, 3, 4, 6)),
    "an empty page before each": under(empty_pages=True),
    "the sign-in service failing": under(
        at("503:whole:2s@POST */token", 2, 3), at("reset:whole@POST */token", 5), at("expire:whole@POST /$batch", 2, 6)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_run_under_faults_ends_as_an_undisturbed_one(
    name: str, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    scene = Scene(tmp_path, FAULTS[name])
    report, results = scene.carry_out()
    struck = {record.fault for record in scene.server.journal} - {None}
    assert struck == {fault.name for fault in FAULTS[name].faults if not fault.match.endswith("/token")}
    judge(scene, report, results, undisturbed)
    assert scene.stops == []


def judge(
    scene: Scene, report: Mapping[str, Any], results: list[dict[str, str]], undisturbed: Undisturbed
) -> None:
    """The same tenant, each value written once, each row told once and alike."""
    assert scene.server.state.accounts == undisturbed.accounts
    assert scene.values_written() == undisturbed.values
    assert max(undisturbed.values.values()) == 1
    assert [row["line"] for row in results] == [str(line) for line in range(2, ADMINS + 2)]
    assert [row["status"] for row in results] == undisturbed.statuses
    assert report["exit_code"] == 0


def test_an_answer_that_never_comes_is_given_up(
    undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "TIMEOUT", httpx.Timeout(0.3))
    stalled = replace(at("stall:after@* /users/*", 3, 90, 110), seconds=0.6)
    scene = Scene(tmp_path, under(stalled))
    judge(scene, *scene.carry_out(), undisturbed)
    assert scene.stops == []


def test_a_machine_that_was_asleep_for_an_hour_goes_on(undisturbed: Undisturbed, tmp_path: Path) -> None:
    def sleep(scene: Scene, request: int) -> None:
        if request in {2, 6}:  # while the accounts are read, and with writes on their way
            scene.clock.jump(3600)
            scene.server.go(0)

    scene = Scene(tmp_path, under(token_lifetime=1800), sleep)
    judge(scene, *scene.carry_out(), undisturbed)
    assert scene.stops == []


def test_a_certificate_that_is_renewed_in_mid_run_is_signed_with(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    soon = datetime.now(UTC) + timedelta(days=2)
    old, new = certificate_of(KEY, soon), certificate_of(OTHER, soon)
    file = tmp_path / "app.pem"
    file.write_text(pem_of(KEY) + old)

    def renew(scene: Scene, request: int) -> None:
        if request == 6:
            file.write_text(pem_of(OTHER) + new)
            scene.register(new)
            scene.server.revoke_tokens()

    scene = Scene(tmp_path, PLAIN, renew, certificate=file)
    scene.register(old)
    judge(scene, *scene.carry_out(), undisturbed)
    assert scene.stops == []


@pytest.mark.parametrize("missing", ["User.Read.All", "UserAuthenticationMethod.ReadWrite.All"])
def test_a_permission_that_is_withdrawn_in_mid_run_stops_it_and_a_resumed_one_goes_on(
    missing: str, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    whole = application()
    withdrawn = threading.Event()

    def grant(scene: Scene, app: App) -> None:
        scene.server.state.apps = (app,)
        scene.server.revoke_tokens()

    def withdraw(scene: Scene, _request: int) -> None:
        # While the last write is answered: what is left to be done is to read back.
        if len(scene.server.journal.writes()) == undisturbed.writes and not withdrawn.is_set():
            withdrawn.set()
            kept = tuple(name for name in whole.permissions if name != missing)
            grant(scene, replace(whole, permissions=kept))

    scene = Scene(tmp_path, PLAIN, withdraw)
    scene.mend = lambda: grant(scene, whole)
    judge(scene, *scene.carry_out(), undisturbed)
    assert len(scene.stops) == 1
    assert "permission" in scene.stops[0]


def test_a_name_that_is_not_resolved_for_a_minute_is_waited_for(
    undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = 0.0
    resolve = socket.getaddrinfo

    def lose_the_network(scene: Scene, request: int) -> None:
        nonlocal until
        if request in {2, 6}:
            until = scene.clock() + 60
            scene.server.go(0)

    def resolved(*arguments: Any, **words: Any) -> Any:
        if scene.clock() < until:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return resolve(*arguments, **words)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    scene = Scene(tmp_path, PLAIN, lose_the_network)
    judge(scene, *scene.carry_out(), undisturbed)
    assert scene.stops == []


def test_accounts_that_are_shown_without_their_values_are_never_taken_for_empty(tmp_path: Path) -> None:
    scene = Scene(tmp_path, under(limited=frozenset({"*"})))
    report, results = scene.carry_out()
    assert scene.server.journal.writes() == []
    assert {row["status"] for row in results} == {"pending"}
    assert "User.Read.All" in report["stopped_because"]


def test_one_account_that_is_not_shown_is_left_alone_and_the_others_are_written(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    before = tenant_of_all_sorts().accounts
    hidden = next(iter(before))
    scene = Scene(tmp_path, under(limited=frozenset({hidden})))
    report, results = scene.carry_out()
    assert scene.server.state.accounts == {**undisturbed.accounts, hidden: before[hidden]}
    assert [row["status"] for row in results] == ["failed", *undisturbed.statuses[1:]]
    assert "limited_information" in results[0]["message"]
    assert report["exit_code"] == 1


def test_a_write_that_is_in_conflict_with_another_object_fails_its_row_only(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    scene = Scene(tmp_path, under(at("409:conflict@PATCH /users/*", 1)))
    _, results = scene.carry_out()
    failed = [row for row in results if row["status"] == "failed"]
    assert [(row["reason"], "HTTP 409" in row["message"]) for row in failed] == [("tenant_rejected", True)]
    assert Counter(row["status"] for row in results)["updated"] == undisturbed.statuses.count("updated") - 1
    assert max(scene.values_written().values()) == 1
