"""`sspr simulate`"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import signal
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

import click

from sspr.errors import CannotStart
from sspr.files import private_folder
from sspr.tenancy import SIMULATED_SECRET

if TYPE_CHECKING:
    from sspr.simulated.behaviour import Behaviour, Quotas
    from sspr.simulated.journal import Tally
    from sspr.simulated.state import State

_ROLE = "directory-role"
_QUOTA = re.compile(r"(?P<name>[a-z-]+)=(?:(?P<amount>\d+)/(?P<seconds>\d+(?:\.\d+)?)|none)")
# As `--quota` names them → as `Quotas` does.
_QUOTAS = {
    "writes": "writes",
    "tenant-writes": "tenant_writes",
    "units": "resource_units",
    "methods": "methods",
    "reports": "reports",
}
_FILE = click.Path(path_type=Path, dir_okay=False)
_Function = Callable[..., Any]


def _number(name: str, most: float, metavar: str, text: str) -> Callable[[_Function], _Function]:
    return click.option(name, type=click.FloatRange(0, most), default=0.0, metavar=metavar, help=text)


@click.command(name="simulate")
@click.option(
    "--admins", type=click.IntRange(0, 100_000), help="So many invented administrators, not the sample's."
)
@click.option(
    "--for", "files", multiple=True, metavar="FILE", help="Also an account for each row of this input."
)
@click.option(
    "--mixed", is_flag=True, help="Of these some are disabled, synced, guests, with other contacts …"
)
@_number("--latency", 60_000, "MS", "Milliseconds an answer takes.")
@_number("--jitter", 60_000, "MS", "More or less of them.")
@_number("--lag", 3_600, "S", "Seconds until a read shows a write.")
@click.option(
    "--quota", "quotas", multiple=True, metavar="WHAT",
    help="documented (default), sliding, none, or a limit of its own such as methods=50/10 or writes=none. "
    "May be repeated.",
)  # fmt: skip
@click.option(
    "--retry-after", "form", type=click.Choice(["seconds", "fraction", "date", "absent"]), default="seconds",
    help="How a 429 of a quota tells the wait.", show_default=True,
)  # fmt: skip
@click.option(
    "--fault", "faults", multiple=True, metavar="WHAT=N%",
    help="Such as 503=2%, reset:after=1%, 429:7s@PATCH /users/*=5%. May be repeated.",
)  # fmt: skip
@click.option(
    "--token-lifetime", type=click.IntRange(1, 86_400), metavar="S", help="Default: 60 to 90 minutes."
)
@click.option(
    "--page-size", type=click.IntRange(1, 999), default=100, show_default=True, help="Without $top."
)
@click.option(
    "--permission", "permissions", multiple=True, metavar="NAME",
    help="The application has this one, and not what sspr needs. May be repeated.",
)  # fmt: skip
@click.option(
    "--without", multiple=True, metavar="NAME",
    help=f"The application lacks this permission, or its {_ROLE}. May be repeated.",
)  # fmt: skip
@click.option(
    "--cloud", type=click.Choice(["global", "usgov", "usgov-dod", "china"]), help="Default: global."
)
@click.option(
    "--licence", "--license", "licence", type=click.Choice(["free", "P1", "P2"]), help="Default: P2."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of all chance.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1 (default: any free one)."
)
@click.option("--state", type=_FILE, help="Keep the tenant in this file.")
@click.option(
    "--journal", type=_FILE, help="Add a line of JSON to this file for each request and batch item."
)
def command(
    admins: int | None,
    files: tuple[str, ...],
    mixed: bool,
    latency: float,
    jitter: float,
    lag: float,
    quotas: tuple[str, ...],
    form: str,
    faults: tuple[str, ...],
    token_lifetime: int | None,
    page_size: int,
    permissions: tuple[str, ...],
    without: tuple[str, ...],
    cloud: str | None,
    licence: str | None,
    seed: int,
    port: int,
    state: Path | None,
    journal: Path | None,
) -> int:
    """Serve the simulated tenant (Graph and sign-in) on loopback until stopped.

    Prints a tenants.toml that reaches it. docs/simulated-tenant.md says how faithful it is.
    """
    from sspr.rehearsal import rehearsal_state, upns_of
    from sspr.simulated.behaviour import Latency
    from sspr.simulated.samples import MIXED, PLAIN

    how = replace(
        _behaviour(quotas, form, faults),
        seed=seed,
        latency=Latency(latency / 1000, jitter / 1000),
        read_lag=lag,
        token_lifetime=token_lifetime,
        page_size=page_size,
    )
    kept = state is not None and state.is_file()
    tenant = rehearsal_state(state, upns_of(files), admins=admins, variety=MIXED if mixed else PLAIN)
    _grant(tenant, permissions, without)
    tenant.cloud = cloud or tenant.cloud  # type: ignore[assignment] # click has seen that it is one of them
    tenant.license = licence or tenant.license  # type: ignore[assignment]
    if kept and admins is not None:
        click.echo(f"{state} is there: its accounts are served, whatever --admins says.", err=True)
    _serve(tenant, how, state, journal, port)
    return 0


def _serve(tenant: State, how: Behaviour, state: Path | None, journal: Path | None, port: int) -> None:
    """Serves until a signal ends it. Raises CannotStart where port, state or journal cannot be used."""
    from sspr.simulated.journal import Tally
    from sspr.simulated.server import SimulatedTenant

    with contextlib.ExitStack() as stack:
        tally = Tally(stack.enter_context(_private_lines(journal)) if journal else None)
        if state is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        else:
            folder = private_folder(state.absolute().with_name(f"{state.name}.tls"))
        try:
            server = SimulatedTenant(tenant, how, folder=folder, state_file=state, port=port, journal=tally)
        except OSError as error:
            raise CannotStart(f"{state} cannot be written: {error.strerror}. Name another file.") from None
        try:
            stack.enter_context(server)
        except OSError as error:
            raise CannotStart(
                f"Port {port} cannot be used: {error.strerror}. Choose another, or none."
            ) from None
        stop = _stopped_by_a_signal()
        serves = f"{server.graph_url} serves Graph and sign-in"
        click.echo(f"# {serves} until this command is stopped (Ctrl-C).")
        click.echo(f"# export {SIMULATED_SECRET}={server.secret}")
        click.echo(server.tenants_toml(SIMULATED_SECRET), nl=False)
        if not sys.stdout.isatty():
            click.echo(f"{serves} with {len(tenant.accounts):,} accounts. Ctrl-C ends it.", err=True)
        stop.wait()
    click.echo(_summary(tally, journal), err=True)


def _summary(tally: Tally, journal: Path | None) -> str:
    counts = ", ".join(f"{number:,} {what}" for what, number in tally.counts.items())
    text = f"Served: {counts} (sent before a Retry-After had passed)."
    if tally.failure is not None:
        text += f" {journal} could not be written to its end: {tally.failure.strerror}."
    return text


def _stopped_by_a_signal() -> threading.Event:
    """An event that Ctrl-C, an orderly kill and the end of the terminal set."""
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end)
    return stop


@contextlib.contextmanager
def _private_lines(path: Path) -> Iterator[TextIO]:
    """The file to add lines to, which only its owner may read. Raises CannotStart where it cannot be opened."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if stat.S_ISREG(os.fstat(handle).st_mode):
            path.chmod(0o600)
    except OSError as error:
        raise CannotStart(f"{path} cannot be written: {error.strerror}. Name another file.") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        yield file


def _behaviour(quotas: tuple[str, ...], form: str, faults: tuple[str, ...]) -> Behaviour:
    """The behaviour with these quotas and faults. Raises CannotStart on a word that is neither."""
    from sspr.simulated.behaviour import Behaviour
    from sspr.simulated.faults import Fault

    try:
        rules = tuple(Fault.parse(text) for text in faults)
    except ValueError as error:
        raise CannotStart(f"--fault: {error}.") from None
    limits = _quotas(quotas)
    if limits is not None:
        limits = replace(limits, retry_after_form=form)  # type: ignore[arg-type] # click has seen that it is one
    return Behaviour(quotas=limits, faults=rules)


def _quotas(words: tuple[str, ...]) -> Quotas | None:
    from sspr.simulated.behaviour import Limit, Quotas

    sliding, limits = "sliding" in words, dict[str, Any]()
    for word in words:
        if word in ("documented", "sliding", "none"):
            continue
        found = _QUOTA.fullmatch(word)
        if found is None or found["name"] not in _QUOTAS or (found["amount"] and not float(found["seconds"])):
            raise CannotStart(
                f"--quota: not a quota: {word!r}; write it as documented, sliding, none, writes=600/60 (amount and "
                f"seconds) or writes=none. The limits are {', '.join(_QUOTAS)}."
            )
        amount = found["amount"]
        limits[_QUOTAS[found["name"]]] = Limit(float(amount), float(found["seconds"])) if amount else None
    if "none" in words and not limits:
        return None
    base = Quotas(None, None, None, None, None) if "none" in words else Quotas()
    return replace(base, sliding=sliding, **limits)


def _grant(tenant: State, permissions: tuple[str, ...], without: tuple[str, ...]) -> None:
    """Gives the tenant's application these permissions, and takes others away. Raises CannotStart on unknown names."""
    from sspr.simulated.permissions import APP_ROLES

    app, *others = tenant.apps
    for name in permissions:
        _known("--permission", name, APP_ROLES)
    granted = permissions or app.permissions
    for name in without:
        _known("--without", name, (*granted, _ROLE))
    app = replace(
        app,
        permissions=tuple(name for name in granted if name not in without),
        directory_roles=() if _ROLE in without else app.directory_roles,
    )
    tenant.apps = (app, *others)


def _known(option: str, name: str, names: Collection[str]) -> None:
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)
    raise CannotStart(f"{option}: {name!r} is no permission to name here. Did you mean {near[0]}?")
