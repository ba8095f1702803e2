"""What several verbs share: their options, the ledger, the terminal, and carrying out a job."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import click

from sspr.cli.terminal import Terminal
from sspr.errors import CannotStart, SsprError, Stopped
from sspr.job import Host, Job
from sspr.ledger import Ledger
from sspr.model import CANONICAL_COLUMNS
from sspr.settings import Settings, home, load_settings

WAIT_SECONDS = 2.0

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


@dataclass(frozen=True, slots=True)
class Session:
    """One command's surroundings."""

    settings: Settings
    ledger: Ledger
    host: Host
    terminal: Terminal


def options(*decorators: Decorator) -> Decorator:
    """Several options as one decorator, in the order in which they are named."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


config_option = click.option(
    "--config", type=click.Path(path_type=Path), help="The configuration, tenants.toml."
)
tenant_option = click.option("--tenant", help="A tenant's name in the configuration.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask before writing.")
json_option = click.option("--json", "as_json", is_flag=True, help="The report as JSON on standard output.")
verbose_option = click.option(
    "--verbose", is_flag=True, help="Show every row and what is sent (without contact data)."
)
wait_option = click.option(
    "--wait", is_flag=True, help="Wait where another run is working on the same, instead of ending."
)
out_option = click.option(
    "--out", type=click.Path(path_type=Path), help="Output folder (default runs/<run id>)."
)

output_options = options(config_option, json_option, verbose_option)
input_options = options(
    click.argument("files", nargs=-1, required=True, metavar="FILE..."),
    out_option,
    click.option(
        "--map",
        "mapping",
        multiple=True,
        metavar="'HEADER=column'",
        help="Read HEADER as a canonical column.",
    ),
    click.option(
        "--profile", metavar="NAME", help="Read the headers by this input template (sspr template)."
    ),
    click.option("--encoding", metavar="NAME", help="The files' encoding, where it is not found by itself."),
    click.option(
        "--default-country", metavar="XX", help="Region of phone numbers in rows without a country."
    ),
    click.option(
        "--check-domains", is_flag=True, help="Ask the DNS whether the domains of the addresses take mail."
    ),
)
target_option = click.option(
    "--target",
    type=click.Choice(["both", "contact", "methods"]),
    help="The contact properties, the registered methods, or both (default).",
)
planning_options = options(
    target_option,
    click.option(
        "--batch-size", type=click.IntRange(1, 20), default=20, show_default=True, help="Requests a batch."
    ),
    click.option("--enable-feature", is_flag=True, help="Turn the flag on if it is off."),
    click.option(
        "--replace-methods", is_flag=True, help="Replace methods that are registered with another value."
    ),
    click.option("--max-failures", metavar="N|N%", help="Stop once more rows than this failed."),
)


def parse_mapping(pairs: tuple[str, ...]) -> Mapping[str, str]:
    """`--map 'HEADER=column'` as header → canonical column. Raises `CannotStart`."""
    mapping = {}
    for pair in pairs:
        header, equals, column = pair.rpartition("=")
        if not equals or not header.strip() or column.strip() not in CANONICAL_COLUMNS:
            raise CannotStart(
                f"--map takes 'HEADER=column', where column is one of {', '.join(CANONICAL_COLUMNS)}; not {pair!r}."
            )
        mapping[header.strip()] = column.strip()
    return mapping


def parse_region(code: str | None) -> str | None:
    """`--default-country XX`. Raises `CannotStart` for what is no two-letter code."""
    if code is not None and not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise CannotStart(f"--default-country takes a two-letter ISO 3166 code such as US, not {code!r}.")
    return code.upper() if code else None


@contextmanager
def session(
    config: Path | None,
    *,
    as_json: bool = False,
    verbose: bool = False,
    settings: Settings | None = None,
    wait: bool = False,
) -> Iterator[Session]:
    """The settings, the ledger and the terminal of one command; signals end it in order (exit code 3).

    `settings`: these instead of those of a configuration file; `wait`: for other runs that are at the same.
    """
    if verbose:
        logging.basicConfig(stream=sys.stderr, format="%(name)s %(message)s")
        logging.getLogger("sspr").setLevel(logging.DEBUG)
    cancelled = threading.Event()
    settings = settings or load_settings(config)
    with Terminal.open(quiet=as_json, verbose=verbose) as terminal, _orderly_end(cancelled):
        host = Host(
            clock=time.time,
            sleep=_pause(cancelled),
            progress=terminal.progress,
            on_wait=terminal.on_wait,
            tell=terminal.say,
            cancelled=cancelled,
            wait=_Waiting(terminal.say, cancelled) if wait else None,
        )
        ledger = Ledger.open(settings.ledger.url, home())
        with contextlib.closing(ledger):
            yield Session(settings, ledger, host, terminal)


def _pause(cancelled: threading.Event) -> Callable[[float], None]:
    """A pause that ends at once when the command is to end."""

    def pause(seconds: float) -> None:
        cancelled.wait(seconds)

    return pause


class _Waiting:
    """Waits for another run a little at a time, and says once for what."""

    def __init__(self, say: Callable[[str], None], cancelled: threading.Event) -> None:
        self._say = say
        self._cancelled = cancelled
        self._said = ""

    def __call__(self, what: str) -> None:
        """A pause. Raises `Stopped` once the command is to end."""
        if what != self._said:
            self._say(f"{what} Waiting for it to end.")
            self._said = what
        if self._cancelled.wait(WAIT_SECONDS):
            raise Stopped("Interrupted.")


@contextmanager
def _orderly_end(cancelled: threading.Event) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP end the command after what is in flight; a second one ends it at once."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        if cancelled.is_set():
            raise KeyboardInterrupt
        cancelled.set()

    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), end) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def must_ask(yes: bool) -> bool:
    """Whether a person is to be asked before writing. Raises `CannotStart` where there is nobody to ask."""
    if yes:
        return False
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise CannotStart(
            "This would write to the tenant, and there is no terminal to ask at. Give --yes to go on."
        )
    return True


def ask(question: str) -> bool:
    """A yes-or-no question at the terminal; Ctrl-C ends the command, no answer means no."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return click.confirm(question, default=False, err=True)
    except click.Abort:
        return False
    finally:
        signal.signal(signal.SIGINT, before)


def carry_out(
    here: Session, job: Job, *, asking: bool, as_json: bool, first: Callable[[], None] = lambda: None
) -> int:
    """Takes the job through its steps, in the process or as a Prefect flow, and tells how it ended.

    `first` is called before, once no other process works on the run.
    """
    from sspr.cli import prefect_host, show

    def approve() -> bool:
        planned = show.plan(job, here.terminal, err=as_json).administrators
        whom = "1 administrator" if planned == 1 else f"{planned:,} administrators"
        return ask(f"Write this for {whom} to the tenant {job.record.tenant}?")

    error: SsprError | None = None
    with job.held():
        first()
        try:
            api = prefect_host.api_configured() if job.writes else None
            if api is None:
                job.carry_out(approve=approve if asking else None)
            else:
                prefect_host.run_as_flow(
                    job, api, approve=approve if asking else None, verbose=here.terminal.verbose
                )
        except SsprError as stopped:
            error = stopped
        report = job.close(error)
    here.terminal.end()
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif error is not None and not job.touched:
        click.echo(f"sspr: {error}", err=True)
    else:
        show.outcome(report, here.terminal)
    return int(report["exit_code"])
