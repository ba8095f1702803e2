"""Side by side with what people do today: the same rows on the same tenant, written by the SDK and by sspr."""

from __future__ import annotations

import csv
import shutil
import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.cost import LATENCY
from bench.processes import SECRET, Ended, Place
from bench.table import Measure
from sspr.simulated.behaviour import Behaviour
from sspr.simulated.samples import DOMAIN, accounts_for
from sspr.simulated.server import SimulatedTenant

SCRIPT = Path(__file__).with_name("sdk_script.py")
# What the table calls them → how `sdk_script.py` does; sspr is none of them.
WAYS = {"SDK, one by one": "one", "SDK, ten at once": "ten", "SDK, batches of 20": "batches", "sspr run": ""}
# learn.microsoft.com, graph/throttling-limits: so many writes at once, for one application in one tenant.
BUCKET = 3_000
_OTHER = f"other.job@{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Row:
    """Who gets which contact data, in the form in which they are to be held: nobody has anything to normalise."""

    upn: str
    email: str
    phone: str


def rows_of(number: int) -> list[Row]:
    """So many invented rows, every value different."""
    return [
        Row(f"peer{n:05d}@{DOMAIN}", f"given.family{n}@fabrikam.com", f"+44 74001{n:05d}")
        for n in range(1, number + 1)
    ]


def measure(place: Place, number: int, spent: int) -> list[Measure]:
    """Each way with a full bucket of writes, and again with `spent` of it gone; a fresh tenant and ledger each."""
    rows, measures = rows_of(number), list[Measure]()
    for way in WAYS:  # fills the cache of bytecode and counts for nothing
        _run(place, rows[:1], way, 0)
    for gone in dict.fromkeys((0, spent)):
        for way in WAYS:
            measures += _run(place, rows, way, gone)
    return measures


def _run(place: Place, rows: list[Row], way: str, spent: int) -> list[Measure]:
    folder = place.folder / "peers"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    file = _write(folder / "rows.csv", rows)
    state = accounts_for([*(row.upn for row in rows), _OTHER])
    with SimulatedTenant(state, Behaviour(), folder=folder / "tls") as tenant:
        _spend(tenant, spent)
        tenant.behaviour = Behaviour(latency=LATENCY)  # the same quotas: what was spent stays spent
        tenant.journal.clear()
        config = folder / "tenants.toml"
        config.write_text(tenant.tenants_toml(SECRET), encoding="utf-8")
        ended = _write_rows(place, way, file, config, tenant.secret)
        journal = tenant.journal
        counted = [
            ("time, s", ended.wall),
            ("requests", len(journal.requests())),
            ("answered 429", len(journal.throttled())),
            ("sent too early", len(journal.early())),
            ("lost updates", _lost(tenant, rows)),
        ]
    name = f"peers, {BUCKET - spent:,} writes left: {way}"
    return [Measure(name, what, "", [value]) for what, value in counted]


def _write(path: Path, rows: list[Row]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(("user_principal_name", "alternate_email", "mobile_phone"))
        out.writerows((row.upn, row.email, row.phone) for row in rows)
    return path


def _write_rows(place: Place, way: str, file: Path, config: Path, secret: str) -> Ended:
    environment = place.environment(file.parent / "home", **{SECRET: secret})
    if WAYS[way]:
        return place.python([str(SCRIPT), WAYS[way], str(file), str(config)], environment)
    return place.sspr(
        ["run", str(file), "--tenant", "simulated", "--target", "contact", "--yes", "--json",
         "--config", str(config), "--out", str(file.parent / "out")],
        environment,
    )  # fmt: skip


def _lost(tenant: SimulatedTenant, rows: list[Row]) -> int:
    """Of how many rows the account does not hold in the end what was asked."""
    accounts = [tenant.state.account(row.upn) for row in rows]
    return sum(
        account is None or (account.other_mails, account.mobile_phone) != ((row.email,), row.phone)
        for account, row in zip(accounts, rows, strict=True)
    )


def _spend(tenant: SimulatedTenant, writes: int) -> None:
    """So many writes of the same application, as of another job of its, a moment ago."""
    trusted = ssl.create_default_context(cafile=str(tenant.ca_file))
    form = {
        "grant_type": "client_credentials",
        "client_id": tenant.client_id,
        "client_secret": tenant.secret,
        "scope": "https://graph.microsoft.com/.default",
    }
    item = {
        "method": "PATCH",
        "url": f"/users/{_OTHER}",
        "headers": {"Content-Type": "application/json"},
        "body": {"otherMails": ["other.job@fabrikam.com"]},
    }
    with httpx.Client(verify=trusted, timeout=60) as http:
        answer = http.post(f"{tenant.login_url}/{tenant.tenant_id}/oauth2/v2.0/token", data=form)
        http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        for start in range(0, writes, 20):
            items = [{"id": str(n), **item} for n in range(start, min(writes, start + 20))]
            http.post(f"{tenant.graph_url}/v1.0/$batch", json={"requests": items}).raise_for_status()
    if len(tenant.journal.writes()) != writes:
        raise RuntimeError(f"Not all of {writes} writes could be spent beforehand.")
