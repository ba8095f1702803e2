"""The seam under faults, over the wire: a read tells what an undisturbed one does, a write is told as it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sspr.errors import Stopped
from sspr.model import Account, Answer, Change, ChangeKind, Fate, Fault, Write
from sspr.settings import TenantSettings
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.faults import Fault as Ordered
from sspr.simulated.samples import MIXED, administrators
from sspr.simulated.server import SimulatedTenant
from sspr.tenant.errors import PermissionMissing, TenantUnavailable
from sspr.tenant.graph import Tenant
from sspr.tenant.pacing import MemoryStandings
from tests.fakes.clocks import SteppedClock
from tests.tenant.scripted import SECRET_ENV

ADMINS = 30
PLAIN = Behaviour(quotas=None)


class Seam:
    """A simulated tenant and the shipped client, on one clock."""

    def __init__(self, behaviour: Behaviour, folder: Path) -> None:
        self.clock = SteppedClock()
        state = administrators(ADMINS, variety=MIXED)
        self.server = SimulatedTenant(state, behaviour, folder=folder, clock=self.clock).start()
        self.upns = [account.upn for account in state.accounts.values()]
        self.ids = list(state.accounts)
        self._tenant: Tenant | None = None

    @property
    def tenant(self) -> Tenant:
        """Signed in when first asked for, once the secret stands in the environment."""
        if self._tenant is None:
            settings = TenantSettings(
                tenant_id=self.server.tenant_id, client_id=self.server.client_id, credential="secret",
                secret_env=SECRET_ENV, graph_url=self.server.graph_url, login_url=self.server.login_url,
                ca_file=self.server.ca_file,
            )  # fmt: skip
            self._tenant = Tenant.connect(
                settings, MemoryStandings(), clock=self.clock, sleep=self.clock.sleep, chance=lambda: 1.0
            )
        return self._tenant

    def stop(self) -> None:
        if self._tenant is not None:
            self._tenant.close()
        self.server.stop()


Begin = Callable[[Behaviour], Seam]


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    running: list[Seam] = []

    def start(behaviour: Behaviour) -> Seam:
        running.append(Seam(behaviour, tmp_path / str(len(running))))
        monkeypatch.setenv(SECRET_ENV, running[-1].server.secret)
        return running[-1]

    yield start
    for seam in running:
        seam.stop()


def on(word: str, *numbers: int) -> Ordered:
    """The fault at these of the calls or requests that it is meant for."""
    return replace(Ordered.parse(f"{word}=100%"), nth=numbers)


# Each strikes single requests and batches, at the first try of one read and at the first and the second of another. The
# pattern leaves out the token endpoint, whose path begins with the tenant's GUID.
ANYWHERE: dict[str, Ordered] = {
    name: on(f"{name}@* /[!a-f0-9]*", 1, 4, 5)
    for name in (
        "429:whole", "429:whole:3s", "429:whole:0.5s", "429:whole:3s:date", "503:whole", "503:whole:3s", "500:whole",
        "502:whole:html", "504:whole:after", "reset:whole", "reset:whole:after", "truncate:whole", "409:whole",
        "409:whole:nested", "412:whole", "200:whole:html", "gone:whole:60s",
    )
} | {
    name: on(f"{name}@* /[!a-f0-9]*", 1, 7)
    for name in ("expire:whole", "revoke:whole", "challenge:whole")
} | {
    name: on(f"{name}@GET /users*", 1, 4, 9)
    for name in ("429:2s", "503", "500", "504", "omit", "502:html", "200:html", "409", "412")
} | {name: on(f"{name}@GET /users*", 1) for name in ("expire", "challenge")}  # fmt: skip


def everything(seam: Seam) -> list[object]:
    """What every read of the seam tells."""
    tenant = seam.tenant
    return [
        tenant.organization(), tenant.feature(), tenant.administrators(),
        tenant.accounts_by_upn([*seam.upns, "nobody@contoso.onmicrosoft.com"]), tenant.accounts_by_id(seam.ids),
        tenant.methods(seam.ids),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    with pytest.MonkeyPatch.context() as patch:
        seam = Seam(PLAIN, tmp_path_factory.mktemp("undisturbed"))
        patch.setenv(SECRET_ENV, seam.server.secret)
        found = everything(seam)
    seam.stop()
    return found


@pytest.mark.parametrize("name", ANYWHERE)
def test_reads_under_faults_tell_what_undisturbed_ones_do(
    name: str, begin: Begin, undisturbed: list[object]
) -> None:
    assert everything(begin(replace(PLAIN, faults=(ANYWHERE[name],)))) == undisturbed


def test_every_page_counts_though_the_first_is_empty(begin: Begin, undisturbed: list[object]) -> None:
    assert everything(begin(replace(PLAIN, empty_pages=True, page_size=7))) == undisturbed


@pytest.mark.parametrize("shown", ["all but one", "none"])
def test_values_that_are_not_shown_are_not_taken_for_none(shown: str, begin: Begin) -> None:
    seam = begin(PLAIN)
    hidden = seam.ids[3]
    limited = frozenset({"*"} if shown == "none" else {hidden})
    seam.server.behaviour = replace(PLAIN, limited=limited)
    if shown == "none":
        with pytest.raises(PermissionMissing, match=r"User\.Read\.All"):
            seam.tenant.accounts_by_upn(seam.upns)
        return
    for found in (seam.tenant.accounts_by_upn(seam.upns), seam.tenant.accounts_by_id(seam.ids)):
        withheld = [key for key, account in found.items() if isinstance(account, Fault)]
        assert withheld in ([hidden], [seam.upns[3]])
        assert sum(isinstance(account, Account) for account in found.values()) == ADMINS - 1


def emails(seam: Seam) -> list[Write]:
    accounts = seam.server.state.accounts.values()
    fresh = [account for account in accounts if account.email_method is None]
    return [
        Write((number, "email"), account.id, Change(
            ChangeKind.EMAIL_METHOD, {"emailAddress": None}, {"emailAddress": f"private{number}@fabrikam.com"}
        ))
        for number, account in enumerate(fresh)
    ]  # fmt: skip


# Word → what may be told of the writes that it hits; those that may be sent again end as accepted.
SURE = {Fate.ACCEPTED}
REFUSED = {Fate.ACCEPTED, Fate.REFUSED}
UNSURE = {Fate.ACCEPTED, Fate.UNKNOWN}
WRITES: dict[str, set[Fate]] = {
    "429": SURE, "429:2s": SURE, "429:0.5s": SURE, "429:2s:date": SURE, "409": SURE, "409:2s:nested": SURE, "412": SURE,
    "expire": SURE, "challenge": SURE, "409:conflict": REFUSED, "403": REFUSED,
    "503": UNSURE, "503:2s": UNSURE, "500": UNSURE, "500:after": UNSURE, "502:html": UNSURE, "504:after": UNSURE,
    "reset": UNSURE, "reset:after": UNSURE, "truncate:after": UNSURE, "omit": UNSURE, "omit:after": UNSURE,
    "429:whole:2s": SURE, "503:whole": UNSURE, "502:whole:html:after": UNSURE, "200:whole:html": UNSURE,
    "reset:whole:after": UNSURE, "gone:whole:60s": UNSURE, "expire:whole": SURE, "revoke:whole": SURE,
}  # fmt: skip


@pytest.mark.parametrize("word", WRITES)
def test_a_write_is_told_as_it_ended_and_never_sent_twice_in_doubt(word: str, begin: Begin) -> None:
    seam = begin(PLAIN)
    seam.tenant.feature()  # reached once: what goes away from here on comes back
    match = "POST /$batch" if "whole" in word else "POST /users/*"
    seam.server.behaviour = replace(PLAIN, faults=(on(f"{word}@{match}", 1),))
    told: list[Answer] = []
    writes = emails(seam)
    seam.tenant.write(writes, lambda _: None, told.extend)
    assert sorted(answer.key for answer in told) == [write.key for write in writes]
    assert {answer.fate for answer in told} <= WRITES[word]
    assert WRITES[word] == SURE or {answer.fate for answer in told} - SURE
    applied = Counter(record.account for record in seam.server.journal.writes())
    assert max(applied.values()) == 1
    account = {write.key: write.account_id for write in writes}
    fates = {account[answer.key]: answer.fate for answer in told}
    assert {key for key, fate in fates.items() if fate is Fate.ACCEPTED} <= set(applied)
    assert not {key for key, fate in fates.items() if fate in (Fate.REFUSED, Fate.NOT_SENT)} & set(applied)


@pytest.mark.parametrize(
    ("word", "said"),
    [("503:whole", "HTTP 503"), ("gone:whole:7200s", "no connection"), ("504:whole", "HTTP 504")],
)
def test_a_service_that_stays_away_ends_in_a_sentence(word: str, said: str, begin: Begin) -> None:
    seam = begin(PLAIN)
    seam.tenant.feature()
    seam.server.behaviour = replace(PLAIN, faults=(Ordered.parse(f"{word}=100%"),))
    with pytest.raises(TenantUnavailable, match=said):
        seam.tenant.accounts_by_upn(seam.upns)


def test_a_wait_of_hours_is_not_sat_out(begin: Begin) -> None:
    seam = begin(replace(PLAIN, faults=(on("429:whole:7200s@POST /$batch", 1),)))
    began = seam.clock()
    with pytest.raises(Stopped, match="asks to wait"):
        seam.tenant.accounts_by_upn(seam.upns)
    assert seam.clock() - began < 60
