"""A Prefect server and a process worker of one's own, on loopback, that end with the block they are used in."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from sspr.cli.prefect_host import QUIET
from sspr.errors import CannotStart, Stopped

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun, State

POOL = "sspr"
# A new database is migrated first: 13 s on two cores, more on a busy machine.
SERVER_PATIENCE = 120.0
# A worker that is ended takes its flow run's process with it; one that does not end in this time is killed.
ENDING_PATIENCE = 10.0


class LocalPrefect:
    """A server with its database, logs and settings below `folder`, and a worker for the pool `sspr`.

    Leaving the block ends both and their children, unless `keep`. Prefect's settings of the person who started
    it (profiles, `PREFECT_*`) have no part in it.
    """

    def __init__(self, folder: Path, *, keep: bool = False) -> None:
        self.folder = folder
        self.keep = keep
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = f"{self.url}/api"
        self._open = ExitStack()
        self._client: SyncPrefectClient | None = None
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        if not self.keep:
            self.stop()

    def start(self) -> None:
        """Starts the server and returns when it answers. Raises `CannotStart` where it ends or does not answer."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = self.environment()
        del environment["PREFECT_API_URL"]
        # The UI does not learn the port from --port: without this it asks the default one.
        environment["PREFECT_SERVER_UI_API_URL"] = self.api
        arguments = ["server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        server = self._start(arguments, environment, "server.log")
        until = time.monotonic() + SERVER_PATIENCE
        while not self._answers():
            if server.poll() is not None or time.monotonic() > until:
                raise CannotStart(
                    f"The local Prefect server did not start; {self.folder / 'server.log'} says why."
                )
            time.sleep(0.1)

    def start_worker(self, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Starts a worker; what `environment` holds reaches the flow runs, and Prefect's database never."""
        arguments = ["worker", "start", "--pool", POOL, "--name", "local"]
        return self._start(arguments, {**self.environment(), **(environment or {})}, "worker.log")

    def make_pool(self) -> None:
        """Makes the work pool `sspr` of type process, as `prefect work-pool create sspr --type process` does."""
        client = self.client
        from prefect.client.schemas.actions import WorkPoolCreate
        from prefect.workers.process import ProcessWorker

        template = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))

    def deploy(self, project: Path) -> None:
        """Deploys what `prefect.yaml` in `project` names. Raises `CannotStart` where that fails."""
        arguments = ["--no-prompt", "deploy", "--all"]
        with (self.folder / "deploy.log").open("ab") as log:
            process = _in_own_group(
                [sys.executable, "-m", "prefect", *arguments], self.environment(), log, project
            )
            self._processes.append(process)
            failed = process.wait()
        self._processes.remove(process)
        if failed:
            raise CannotStart(f"`prefect deploy --all` failed; {self.folder / 'deploy.log'} says why.")

    def create_run(
        self,
        deployment: str,
        parameters: Mapping[str, Any],
        before: Callable[[str], object] = lambda _flow_run_id: None,
    ) -> FlowRun:
        """A run of `deployment` (`onboard/onboard`) for the worker; `before` is given its id before it may start."""
        client = self.client
        from prefect.states import Scheduled

        found = client.read_deployment_by_name(deployment)
        # Not due yet: no worker can take it before `before` is done with it.
        later: State[Any] = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(days=1))
        flow_run = client.create_flow_run_from_deployment(found.id, parameters=dict(parameters), state=later)
        before(str(flow_run.id))
        client.set_flow_run_state(flow_run.id, Scheduled(), force=True)
        return flow_run

    def wait(
        self, flow_run: FlowRun, patience: float, look: Callable[[FlowRun], None] = lambda _seen: None
    ) -> FlowRun:
        """The flow run as it ended; `look` is given each sight of it until then.

        Raises `Stopped` where it has not ended within `patience` seconds, or where server or worker have.
        """
        client = self.client
        until = time.monotonic() + patience
        while True:
            seen = client.read_flow_run(flow_run.id)
            look(seen)
            if seen.state is not None and seen.state.is_final():
                return seen
            if time.monotonic() > until or any(process.poll() is not None for process in self._processes):
                raise Stopped(
                    f"The flow run did not end. See {self.folder / 'worker.log'}, and {self.page(flow_run)}."
                )
            time.sleep(0.25)

    def page(self, flow_run: FlowRun) -> str:
        """The address of the flow run in Prefect's UI."""
        return f"{self.url}/runs/flow-run/{flow_run.id}"

    @property
    def client(self) -> SyncPrefectClient:
        """A client of this server's API, whatever server the environment names; closed when the block is left."""
        if self._client is None:
            for name, value in QUIET.items():
                os.environ.setdefault(name, value)
            from prefect.client.orchestration import SyncPrefectClient

            self._client = self._open.enter_context(SyncPrefectClient(self.api))
        return self._client

    def environment(self) -> dict[str, str]:
        """The environment of Prefect's processes: that of this one without its `PREFECT_*`, and this server."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        return {
            **inherited,
            **QUIET,
            "PREFECT_HOME": str(self.folder),
            "PREFECT_API_URL": self.api,
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_CLI_COLORS": "false",
            # The worker's console is a file; without this its last lines are lost when it is ended.
            "PYTHONUNBUFFERED": "1",
        }

    def stop(self) -> None:
        """Ends the worker, then the server, each with its children."""
        while self._processes:
            _end(self._processes.pop())

    def how_to_stop(self) -> Sequence[str]:
        """The commands that end what `keep` left up."""
        pids = [process.pid for process in reversed(self._processes) if process.poll() is None]
        template = "taskkill /PID {} /T /F" if sys.platform == "win32" else "kill -- -{}"
        return [template.format(pid) for pid in pids]

    def remove(self) -> None:
        """Removes the database and the logs; to be called after `stop`."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.api}/health", timeout=2) as answer:  # noqa: S310 - our own loopback URL
                return bool(answer.status == 200)
        except OSError:
            return False

    def _start(
        self, arguments: Sequence[str], environment: Mapping[str, str], log: str
    ) -> subprocess.Popen[bytes]:
        with (self.folder / log).open("ab") as output:
            process = _in_own_group([sys.executable, "-m", "prefect", *arguments], environment, output)
        self._processes.append(process)
        return process


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _in_own_group(
    command: Sequence[str], environment: Mapping[str, str], output: IO[bytes], folder: Path | None = None
) -> subprocess.Popen[bytes]:
    """In a group of its own: Ctrl-C reaches us alone, and we end it with its children, in order."""
    # The constant exists on Windows only.
    flags = int(getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0))
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=sys.platform != "win32",
        creationflags=flags,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/PID", str(process.pid), "/T", "/F"], capture_output=True, check=False)  # noqa: S603, S607
        process.wait()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(ENDING_PATIENCE)
    # The group outlives its leader where a child ignored the signal.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
