"""A run under faults, killed again and again, against one that nothing disturbs: `python bench/torture.py --help`.

The simulated tenant answers with faults of every kind. `sspr run` is ended by SIGKILL at moments of chance and taken
up by `sspr resume`, until it has come to its end. Then the tenant must hold what an undisturbed run leaves in it, and
its own journal must show each value of each account written once.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

# Started by its path, from any folder: the modules beside it are found from the root of the project.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import inputs
from bench.processes import SECRET, Place
from sspr.simulated.behaviour import Behaviour, Latency
from sspr.simulated.faults import Fault
from sspr.simulated.journal import Journal
from sspr.simulated.samples import accounts_for
from sspr.simulated.server import SimulatedTenant
from sspr.simulated.state import Account, Phone, State

LATENCY = Latency(mean=0.120, jitter=0.060)
# Kinds of faults, by what they strike: one call or item, a whole request, the sign-in. The share is shared out evenly.
ITEMS = (
    "429:1s", "429:0.25s", "503", "503:1s", "500", "500:after", "502:html", "504:after", "409", "409:nested", "412",
    "omit", "omit:after",
)  # fmt: skip
WHOLE = (
    "429:whole:1s", "429:whole:1s:date", "503:whole", "502:whole:html", "504:whole:after", "reset:whole",
    "reset:whole:after", "truncate:whole:after", "200:whole:html", "revoke:whole",
)  # fmt: skip
BETWEEN = (1.5, 6.0)  # seconds from the start of a process until it is killed
MOST_SECONDS = 1_800.0
STOPPED = 3  # the exit code of a run that `sspr resume` goes on with


def mixed_faults(percent: float) -> tuple[Fault, ...]:
    """Faults of all kinds: so many of a hundred calls of users are hit, and half as many whole requests."""
    items = (f"{word}@* /users/*={percent / len(ITEMS):.4f}%" for word in ITEMS)
    whole = (f"{word}@POST /$batch={percent / 2 / len(WHOLE):.4f}%" for word in WHOLE)
    return tuple(Fault.parse(word) for word in (*items, *whole))


def tenant_of(rows: int) -> State:
    """An account for each row of the input; some hold older values, some have registered methods of their own."""
    state = accounts_for(inputs.upn(number) for number in range(1, rows + 1))
    for number, account in enumerate(list(state.accounts.values())):
        state.put(_held(number, account))
    return state


def _held(number: int, account: Account) -> Account:
    plain = replace(account, other_mails=(), mobile_phone=None, email_method=None, phones=(), synced=None)
    if number % 5 == 1:
        return replace(plain, other_mails=(f"old{number}@adatum.com",), mobile_phone="+44 7400123456")
    if number % 5 == 2:
        return replace(plain, phones=(Phone("mobile", "+44 7400123457"),))
    return plain


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to. `twice`: values of accounts that were written more than once; counts and seconds."""

    accounts: dict[str, Account]
    exit_code: int
    starts: int
    kills: int
    stops: int
    writes: int
    twice: int
    faults: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Scene:
    """One run: where its files lie, and how the client is started. `command(scene, again)` gives its words;
    `again`: a run has begun.
    """

    folder: Path
    rows: int
    command: Callable[[Scene, bool], Sequence[str]]

    @property
    def input(self) -> Path:
        """The rows."""
        return self.folder / "rows.csv"

    @property
    def config(self) -> Path:
        """The configuration that names the simulated tenant."""
        return self.folder / "tenants.toml"

    @property
    def out(self) -> Path:
        """The output folder of the run."""
        return self.folder / "out"

    @property
    def said(self) -> Path:
        """What the last process said on standard error."""
        return self.folder / "said.txt"


def shipped(scene: Scene, again: bool) -> Sequence[str]:
    """The words of the command."""
    config = ["--config", str(scene.config), "--json"]
    if again:
        return ["-m", "sspr", "resume", str(scene.out), *config, "--yes"]
    return [
        "-m",
        "sspr",
        "run",
        str(scene.input),
        *config,
        "--yes",
        "--tenant",
        "simulated",
        "--out",
        str(scene.out),
    ]


def carry_out(
    scene: Scene, behaviour: Behaviour, kills: int, between: tuple[float, float], chance: random.Random
) -> Outcome:
    """Starts the client, kills it so many times, each after some seconds of those `between`, and resumes it to its
    end. Raises RuntimeError where it does not come to one in half an hour.
    """
    scene.folder.mkdir(parents=True)
    inputs.write(scene.input, 1, scene.rows)
    state, began = tenant_of(scene.rows), time.time()
    killed = stops = starts = 0
    code, begun = STOPPED, False
    with SimulatedTenant(
        state, behaviour, folder=scene.folder / "tls", state_file=scene.folder / "tenant.json"
    ) as tenant:
        scene.config.write_text(tenant.tenants_toml(SECRET), encoding="utf-8")
        environment = Place(scene.folder).environment(scene.folder / "home", **{SECRET: tenant.secret})
        while code == STOPPED:
            left = began + MOST_SECONDS - time.time()
            wait = chance.uniform(*between) if killed < kills else left
            if left <= 0:
                raise RuntimeError(f"The run has not ended after {MOST_SECONDS:.0f} s.")
            ended = _start(scene, environment, wait, again=begun)
            begun = begun or "run id: " in scene.said.read_text(encoding="utf-8")
            starts, killed = starts + 1, killed + (ended is None)
            stops += ended == STOPPED
            code = STOPPED if ended is None else ended
        journal = tenant.journal
    kept = State.from_json((scene.folder / "tenant.json").read_bytes())
    if kept.accounts != state.accounts:
        raise RuntimeError("What the tenant keeps in its file is not what it holds.")
    written = values_written(journal)
    return Outcome(
        state.accounts, code, starts, killed, stops, written.total(),
        sum(count > 1 for count in written.values()), sum(record.fault is not None for record in journal),
        time.time() - began,
    )  # fmt: skip


def _start(scene: Scene, environment: dict[str, str], wait: float, *, again: bool) -> int | None:
    """One process of the client: its exit code, or None where it was killed after `wait` seconds."""
    with scene.said.open("w", encoding="utf-8") as errors, subprocess.Popen(
        [sys.executable, *scene.command(scene, again)],
        cwd=scene.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
    ) as process:  # fmt: skip
        try:
            code: int | None = process.wait(wait)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            code = None
    if code not in (None, 0, 1, STOPPED):
        raise RuntimeError(f"The client ended with {code}: {scene.said.read_text(encoding='utf-8')[-800:]}")
    return code


def values_written(journal: Journal) -> Counter[tuple[str | None, str, str]]:
    """How often each value of each account was written, by the tenant's own journal."""
    return Counter(
        (record.account, name, str(value))
        for record in journal.writes()
        for name, value in (record.request_body or {}).items()
        if name != "phoneType"
    )


def differing(one: Outcome, other: Outcome) -> int:
    """How many accounts are not the same at the end of both."""
    return sum(one.accounts[key] != other.accounts[key] for key in one.accounts)


def complaints(disturbed: Outcome, undisturbed: Outcome) -> list[str]:
    """What is not as it must be; nothing where all is well."""
    said = [
        (differing(disturbed, undisturbed), "accounts differ from those of the undisturbed run"),
        (disturbed.twice, "values were written more than once"),
        (undisturbed.writes - disturbed.writes, "values fewer were written than by the undisturbed run"),
        (
            int(disturbed.exit_code != undisturbed.exit_code),
            "exit code is another than that of the undisturbed run",
        ),
    ]
    return [f"{count} {what}" for count, what in said if count]


def as_table(disturbed: Outcome, undisturbed: Outcome) -> str:
    """Both runs side by side."""
    names = ("exit_code", "starts", "kills", "stops", "faults", "writes", "twice", "seconds")
    lines = [f"{'':<12}{'undisturbed':>14}{'disturbed':>14}"]
    for name in names:
        values = (f"{getattr(each, name):>14,.0f}" for each in (undisturbed, disturbed))
        lines.append(f"{name:<12}{''.join(values)}")
    lines.append(f"{'differing':<12}{'':>14}{differing(disturbed, undisturbed):>14,}")
    return "\n".join(lines)


@click.command()
@click.option("--rows", type=click.IntRange(1, 10_000), default=300, show_default=True)
@click.option(
    "--faults", type=click.FloatRange(0, 60), default=30.0, show_default=True, help="Percent of calls."
)
@click.option("--kills", type=click.IntRange(0, 100), default=10, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Of all chance.")
def main(rows: int, faults: float, kills: int, seed: int) -> None:
    """Disturb a run, and compare. Ends with 1 where anything differs."""
    chance = random.Random(seed)  # noqa: S311 - the same moments each time
    behaviour = Behaviour(seed=seed, latency=LATENCY, faults=mixed_faults(faults))
    with tempfile.TemporaryDirectory(prefix="sspr-torture-") as folder:
        calm = carry_out(Scene(Path(folder) / "calm", rows, shipped), Behaviour(), 0, BETWEEN, chance)
        wild = carry_out(Scene(Path(folder) / "wild", rows, shipped), behaviour, kills, BETWEEN, chance)
    click.echo(as_table(wild, calm))
    wrong = complaints(wild, calm)
    click.echo("; ".join(wrong) or "The same end, and nothing written twice.")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
