"""Runs at the same time, and runs started again: by real processes that are stopped, and killed, in the middle."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from sspr.errors import Busy, Stopped
from sspr.job import Host, Job, JobRequest
from sspr.ledger import Ledger, leases
from sspr.ledger.schema import lease
from sspr.model import Target
from sspr.settings import Settings
from sspr.simulated.server import SimulatedTenant
from sspr.stages.context import Options
from sspr.stages.opening import GOES_ON_WITHIN_SECONDS
from tests.fakes.tenants import HEADER, double_writes, read_results, settings_for, wanted, write_input
from tests.job.conftest import Serve

ADMINS = 12
PATIENCE = 120.0


@dataclass
class Gate:
    """Stops the process that sends the first write, which is applied: for good, or until it is let go on."""

    ends: signal.Signals = signal.SIGSTOP
    process: subprocess.Popen[str] | None = None
    known: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)

    def __call__(self, method: str, url: str, *_: object) -> None:
        if method in {"PATCH", "POST"} and "/users/" in url and not self.reached.is_set():
            assert self.known.wait(PATIENCE)
            assert self.process is not None
            self.process.send_signal(self.ends)
            self.reached.set()

    def stop(self, process: subprocess.Popen[str]) -> subprocess.Popen[str]:
        """Returns the process once it has sent its first write and was stopped."""
        self.process = process
        self.known.set()
        assert self.reached.wait(PATIENCE)
        return process

    def open(self) -> None:
        """Lets it go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


@dataclass
class Scene:
    """A tenant, and processes of the command against it."""

    server: SimulatedTenant
    folder: Path
    project: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def upns(self) -> list[str]:
        """All administrators."""
        return [account.upn for account in self.server.state.accounts.values()]

    def rows(self, name: str, chosen: slice = slice(None)) -> Path:
        """A file of some of the administrators, each with the values that are theirs in every file."""
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(HEADER)
            writer.writerows([(upn, *wanted(number)) for number, upn in enumerate(self.upns, 1)][chosen])
        return path

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        """The command, in this folder."""
        config = ["--config", str(self.folder / "tenants.toml"), "--yes"]
        process = subprocess.Popen(
            [sys.executable, "-m", "sspr", *map(str, words), *config],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.project)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, *words: str | Path) -> tuple[int, str]:
        """The command's exit code and what it said."""
        return ended(self.start(*words))

    def holds_what_is_wanted(self) -> bool:
        """Every administrator has the values of the files, each written once."""
        held = [
            (account.other_mails, account.mobile_phone) for account in self.server.state.accounts.values()
        ]
        return double_writes(self.server) == [] and held == [
            ((wanted(number)[0],), wanted(number)[1]) for number in range(1, ADMINS + 1)
        ]


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and what was said."""
    output, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, output + errors


def run_id(said: str) -> str:
    """The run of which a command speaks."""
    return next(line for line in said.splitlines() if line.startswith("run id: ")).removeprefix("run id: ")


def statuses(folder: Path) -> list[str]:
    """What became of the rows."""
    return [row["status"] for row in read_results(folder)]


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def scene(gate: Gate, serve: Serve, tmp_path: Path, project: Path) -> Iterator[Scene]:
    server = serve(admins=ADMINS, on_exchange=gate)
    settings_for(server, tmp_path)
    scene = Scene(server, tmp_path, project)
    yield scene
    for process in scene.started:
        process.kill()
        process.communicate()


# -- at the same time ---------------------------------------------------------------------------------------------


def test_two_runs_on_the_same_administrators_do_not_both_write(scene: Scene, gate: Gate) -> None:
    first = gate.stop(scene.start("run", scene.rows("one.csv"), "--out", "one"))
    code, said = scene.run("run", scene.rows("two.csv", slice(5, None)), "--out", "two")
    assert code == 2
    assert f"by process {first.pid} on " in said
    assert f"is working on {ADMINS - 5} of these administrators. Wait for its end" in said
    gate.open()
    assert ended(first)[0] == 0
    assert scene.run("resume", "two")[0] == 0
    assert statuses(scene.folder / "two") == ["unchanged"] * (ADMINS - 5)
    assert scene.holds_what_is_wanted()


def test_with_wait_the_second_run_goes_on_once_the_first_has_ended(scene: Scene, gate: Gate) -> None:
    first = gate.stop(scene.start("run", scene.rows("one.csv", slice(8)), "--out", "one"))
    second = scene.start("run", scene.rows("two.csv", slice(5, None)), "--out", "two", "--wait")
    assert second.stderr is not None
    assert any("Waiting for it to end." in line for line in second.stderr)
    gate.open()
    assert ended(first)[0] == 0
    assert ended(second)[0] == 0
    assert statuses(scene.folder / "two") == ["unchanged"] * 3 + ["updated"] * 4
    assert scene.holds_what_is_wanted()


def test_runs_on_different_administrators_work_side_by_side(scene: Scene, gate: Gate) -> None:
    first = gate.stop(scene.start("run", scene.rows("one.csv", slice(6)), "--out", "one"))
    assert scene.run("run", scene.rows("two.csv", slice(6, None)), "--out", "two")[0] == 0
    gate.open()
    assert ended(first)[0] == 0
    assert statuses(scene.folder / "one") + statuses(scene.folder / "two") == ["updated"] * ADMINS
    assert scene.holds_what_is_wanted()


def test_the_same_command_a_second_time_says_that_the_run_is_being_worked_on(
    scene: Scene, gate: Gate
) -> None:
    file = scene.rows("one.csv")
    first = gate.stop(scene.start("run", file, "--out", "one"))
    code, said = scene.run("run", file, "--out", "one")
    assert code == 2
    assert f"The run {run_id(said)} is being worked on by process {first.pid} on " in said
    gate.open()
    code, said_first = ended(first)
    assert (code, run_id(said_first)) == (0, run_id(said))
    assert statuses(scene.folder / "one") == ["updated"] * ADMINS


def test_the_same_command_that_waits_comes_to_the_same_end(scene: Scene, gate: Gate) -> None:
    file = scene.rows("one.csv")
    first = gate.stop(scene.start("run", file, "--out", "one"))
    second = scene.start("run", file, "--out", "one", "--wait")
    assert second.stderr is not None
    assert any("Waiting for it to end." in line for line in second.stderr)
    gate.open()
    assert (ended(first)[0], ended(second)[0]) == (0, 0)
    assert statuses(scene.folder / "one") == ["updated"] * ADMINS
    assert scene.holds_what_is_wanted()


def test_administrators_of_a_run_that_was_killed_are_free_at_once(scene: Scene, gate: Gate) -> None:
    gate.ends = signal.SIGKILL
    first = gate.stop(scene.start("run", scene.rows("one.csv"), "--out", "one"))
    assert ended(first)[0] == -signal.SIGKILL
    assert scene.run("run", scene.rows("two.csv"), "--out", "two")[0] == 0
    assert scene.holds_what_is_wanted()
    assert statuses(scene.folder / "two") == ["updated"] * ADMINS


# -- started again ------------------------------------------------------------------------------------------------


def test_a_command_given_again_after_a_kill_goes_on_with_its_run(scene: Scene, gate: Gate) -> None:
    file = scene.rows("one.csv")
    gate.ends = signal.SIGKILL
    first = gate.stop(scene.start("run", file, "--out", "one"))
    code, killed = ended(first)
    assert code == -signal.SIGKILL
    code, said = scene.run("run", file, "--out", "one")
    assert (code, run_id(said)) == (0, run_id(killed))
    assert f"Takes up run {run_id(killed)}, begun " in said
    assert statuses(scene.folder / "one") == ["updated"] * ADMINS
    assert scene.holds_what_is_wanted()
    code, said = scene.run("run", file, "--out", "one")
    assert code == 0
    assert run_id(said) != run_id(killed)
    assert statuses(scene.folder / "one") == ["unchanged"] * ADMINS


@dataclass
class Asking:
    """Asks for runs of one file, and tells whether an earlier one was taken up."""

    ledger: Ledger
    folder: Path
    settings: Settings = field(default_factory=Settings)
    request: JobRequest = field(init=False)

    def __post_init__(self) -> None:
        file = write_input(self.folder / "in.csv", ["ava@contoso.com"])
        self.request = JobRequest("run", (str(file),), "simulated", out=self.folder / "out")

    def begin(self, now: float = 1000.0, **different: object) -> Job:
        """The job for the request, with what is different this time."""
        request = replace(self.request, **different)  # type: ignore[arg-type]
        return Job.begin(self.ledger, self.settings, request, Host(clock=lambda: now))


@pytest.fixture
def asking(ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asking:
    monkeypatch.chdir(tmp_path)
    return Asking(ledger, tmp_path)


def judge(job: Job) -> Job:
    """The files are read, and no more."""
    job.take(next(job.planning()))
    return job


Step = Callable[[Job, Asking], object]
ENDED: Step = lambda job, _: job.run.update(ended=True)  # noqa: E731
WAITING: Step = lambda job, _: job.note({}, question="f00")  # noqa: E731
CHANGED: Step = lambda _, asking: write_input(asking.folder / "in.csv", ["zoe@contoso.com"])  # noqa: E731
NOTHING: Step = lambda *_: None  # noqa: E731


@pytest.mark.parametrize(
    ("meanwhile", "different"),
    [
        (ENDED, {}),
        (WAITING, {}),
        (CHANGED, {}),
        (NOTHING, {"options": Options(enable_feature=True)}),
        (NOTHING, {"target": Target.CONTACT}),
        (NOTHING, {"command": "plan"}),
        (NOTHING, {"anew": True}),
        (NOTHING, {"now": 1000.0 + GOES_ON_WITHIN_SECONDS + 1}),
    ],
)
def test_what_is_not_the_same_or_has_ended_is_a_run_of_its_own(
    meanwhile: Step, different: dict[str, object], asking: Asking
) -> None:
    first = judge(asking.begin())
    meanwhile(first, asking)
    assert asking.begin(**different).id != first.id  # type: ignore[arg-type]


def test_a_run_on_another_tenant_is_another(asking: Asking, serve: Serve, tmp_path: Path) -> None:
    asking.settings = settings_for(serve(admins=1), tmp_path)
    tenant = asking.settings.tenants["simulated"]
    asking.settings = msgspec.structs.replace(
        asking.settings, tenants={"simulated": tenant, "contoso": tenant}
    )
    first = judge(asking.begin())
    assert asking.begin(tenant="contoso").id != first.id
    assert asking.begin().id == first.id


def test_a_run_that_waits_for_an_answer_is_left_alone_and_named(asking: Asking) -> None:
    first = judge(asking.begin())
    first.note({}, question="f00")
    assert asking.begin().told == [
        f"Run {first.id}, asked for the same, waits for approval; this is another run."
    ]


def test_a_run_whose_plan_was_approved_is_taken_up(asking: Asking) -> None:
    first = judge(asking.begin())
    first.note({}, approved=True, digest="abc", approver="Ava")
    again = asking.begin()
    assert (again.id, again.options.approved) == (first.id, True)


@pytest.mark.parametrize("judged", [True, False])
def test_the_same_words_take_up_the_run_that_has_not_ended(judged: bool, asking: Asking) -> None:
    first = asking.begin()
    if judged:
        judge(first)
    again = asking.begin(now=1000.0 + GOES_ON_WITHIN_SECONDS - 1)
    assert again.id == first.id
    assert again.told[0].startswith(
        f"Takes up run {first.id}, begun 1970-01-01 00:16 UTC, which had not ended"
    )


def test_a_file_of_the_same_name_and_bytes_is_the_same_wherever_it_lies(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = judge(asking.begin(files=("in.csv",)))
    elsewhere = asking.folder / "elsewhere"
    elsewhere.mkdir()
    (asking.folder / "in.csv").rename(elsewhere / "in.csv")
    monkeypatch.chdir(elsewhere)
    assert asking.begin(files=("in.csv",)).id == first.id


def test_standard_input_is_known_again_by_its_bytes_and_its_copy_is_not_kept(
    asking: Asking, monkeypatch: pytest.MonkeyPatch, clean_environment: Path
) -> None:
    def piped(upn: str) -> None:
        text = f"user_principal_name,alternate_email,mobile_phone\n{upn},a@fabrikam.com,+1 2065550100\n"
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    piped("ava@contoso.com")
    first = judge(asking.begin(files=("-",)))
    piped("ava@contoso.com")
    assert asking.begin(files=("-",)).id == first.id
    assert list((clean_environment / "standard-input").iterdir()) == []
    piped("zoe@contoso.com")
    assert asking.begin(files=("-",)).id != first.id


@pytest.mark.parametrize("out", ["elsewhere", None])
def test_the_output_of_a_run_that_is_taken_up_goes_where_it_is_wanted_now(
    out: str | None, asking: Asking
) -> None:
    first = judge(asking.begin(out=Path("one")))
    again = asking.begin(out=out and Path(out))
    assert again.id == first.id
    with again.held():
        assert again.folder == asking.folder / (out or "one")


# -- a hold that is lost ------------------------------------------------------------------------------------------


def test_a_job_that_lost_its_run_sends_nothing_more_and_leaves_the_report_to_the_other(
    asking: Asking, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "RENEW_SECONDS", 0.01)
    cancelled = threading.Event()
    job = Job.begin(ledger, asking.settings, asking.request, Host(cancelled=cancelled))
    with job.held():
        with ledger._engine.begin() as connection:
            connection.execute(sa.update(lease).values(holder="another"))
        assert cancelled.wait(PATIENCE)
        with pytest.raises(Stopped) as stopped:
            judge(job)
        with pytest.raises(Stopped, match=f"Another process has taken up the run {job.id}"):
            job.close(stopped.value)
    assert job.run.record().finished_at is None
    assert list(job.folder.iterdir()) == []


def test_a_job_is_held_as_it_stands_by_then(asking: Asking) -> None:
    """It was loaded before another process went on with it."""
    early, other = asking.begin(), asking.begin()
    judge(other)
    with early.held():
        assert next(step.name for step in early.planning()) != "check"
        with pytest.raises(Busy, match="is being worked on by process"), other.held():
            pytest.fail("two hold one run")


def test_a_refused_run_is_resumed_by_name_or_without(asking: Asking, ledger: Ledger) -> None:
    """It had not begun, and has not ended."""
    job = judge(asking.begin())
    job.close(Busy("Run X is working on 1 of these administrators.", "Wait for its end."))
    assert (job.record.ended, job.record.exit_code) == (False, 2)
    assert ledger.last_open_run() == job.id
