"""`sspr simulate`"""

from __future__ import annotations

import contextlib
import signal
import tempfile
import threading
from pathlib import Path

import click

from sspr.rehearsal import rehearsal_state, upns_of
from sspr.tenancy import SIMULATED_SECRET


@click.command(name="simulate", help="Serve the simulated tenant (Graph and sign-in) on loopback until stopped.")
@click.option("--admins", type=click.IntRange(0, 100_000), help="So many invented administrators (default: the sample's).")
@click.option("--for", "files", multiple=True, metavar="FILE", help="Also an account for each row of this input.")
@click.option("--latency", type=click.FloatRange(0, 60_000), default=0.0, metavar="MS", help="Milliseconds an answer takes.")
@click.option("--lag", type=click.FloatRange(0, 3600), default=0.0, metavar="S", help="Seconds until a read shows a write.")
@click.option("--quota", type=click.Choice(["documented", "none"]), default="documented", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on 127.0.0.1 (default: any free one).")
@click.option("--state", type=click.Path(path_type=Path, dir_okay=False), help="Keep the tenant in this file.")
def command(
    admins: int | None, files: tuple[str, ...], latency: float, lag: float, quota: str, port: int, state: Path | None
) -> int:
    from sspr.simulated.server import SimulatedTenant

    stop = threading.Event()
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), lambda *_: stop.set())
    with contextlib.ExitStack() as stack:
        folder = state.absolute().parent if state else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(
            SimulatedTenant(
                rehearsal_state(state, upns_of(files), admins=admins),
                behaviour(latency, lag, quota),
                folder=folder,
                state_file=state,
                port=port,
            )
        )
        click.echo(f"# {server.graph_url} serves Graph and sign-in until this command is stopped (Ctrl-C).")
        click.echo(f"# export {SIMULATED_SECRET}={server.secret}")
        click.echo(server.tenants_toml(SIMULATED_SECRET))
        stop.wait()
    return 0
