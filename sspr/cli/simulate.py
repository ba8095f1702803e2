"""`sspr simulate`"""

from __future__ import annotations

import contextlib
import signal
import tempfile
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from sspr.errors import CannotStart
from sspr.files import private_folder
from sspr.tenancy import SIMULATED_SECRET

if TYPE_CHECKING:
    from sspr.simulated.behaviour import Behaviour


@click.command(name="simulate")
@click.option(
    "--admins", type=click.IntRange(0, 100_000), help="So many invented administrators, not the sample's."
)
@click.option(
    "--for", "files", multiple=True, metavar="FILE", help="Also an account for each row of this input."
)
@click.option(
    "--latency",
    type=click.FloatRange(0, 60_000),
    default=0.0,
    metavar="MS",
    help="Milliseconds an answer takes.",
)
@click.option(
    "--jitter", type=click.FloatRange(0, 60_000), default=0.0, metavar="MS", help="More or less of them."
)
@click.option(
    "--lag",
    type=click.FloatRange(0, 3600),
    default=0.0,
    metavar="S",
    help="Seconds until a read shows a write.",
)
@click.option(
    "--quota", type=click.Choice(["documented", "sliding", "none"]), default="documented", show_default=True
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="WHAT=N%",
    help="Such as 503=2%, reset:after=1%. May be repeated.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of all chance.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1 (default: any free one)."
)
@click.option(
    "--state", type=click.Path(path_type=Path, dir_okay=False), help="Keep the tenant in this file."
)
def command(
    admins: int | None,
    files: tuple[str, ...],
    latency: float,
    jitter: float,
    lag: float,
    quota: str,
    faults: tuple[str, ...],
    seed: int,
    port: int,
    state: Path | None,
) -> int:
    """Serve the simulated tenant (Graph and sign-in) on loopback until stopped."""
    from sspr.rehearsal import rehearsal_state, upns_of
    from sspr.simulated.server import SimulatedTenant

    how = _behaviour(latency, jitter, lag, quota, faults, seed)
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    with contextlib.ExitStack() as stack:
        folder = (
            state.absolute().parent if state else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        )
        if state:
            folder.mkdir(parents=True, exist_ok=True)
        tenant = rehearsal_state(state, upns_of(files), admins=admins)
        server = SimulatedTenant(
            tenant, how, folder=private_folder(folder / "tls"), state_file=state, port=port
        )
        try:
            stack.enter_context(server)
        except OSError as error:
            raise CannotStart(
                f"Port {port} cannot be used: {error.strerror}. Choose another, or none."
            ) from None
        click.echo(f"# {server.graph_url} serves Graph and sign-in until this command is stopped (Ctrl-C).")
        click.echo(f"# export {SIMULATED_SECRET}={server.secret}")
        click.echo(server.tenants_toml(SIMULATED_SECRET), nl=False)
        stop.wait()
    return 0


def _behaviour(
    latency: float, jitter: float, lag: float, quota: str, faults: tuple[str, ...], seed: int
) -> Behaviour:
    from sspr.simulated.behaviour import Behaviour, Latency, Quotas
    from sspr.simulated.faults import Fault

    try:
        rules = tuple(Fault.parse(text) for text in faults)
    except ValueError as error:
        raise CannotStart(f"--fault: {error}.") from None
    return Behaviour(
        seed=seed,
        latency=Latency(latency / 1000, jitter / 1000),
        quotas=None if quota == "none" else Quotas(sliding=quota == "sliding"),
        read_lag=lag,
        faults=rules,
    )
