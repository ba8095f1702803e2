"""Prefect as a host of the job: where its API is, where the flows are, and a run carried out as a flow run there.

Nothing here imports Prefect before a function that needs it is called: the import costs more than a second,
and the environment must be set first.
"""

from __future__ import annotations

import importlib
import os
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import sspr
from sspr.errors import CannotStart, Stopped
from sspr.input.urls import is_url

if TYPE_CHECKING:
    from sspr.job import Job

# Set before the first import of prefect, and only where the person has not set it otherwise. Telemetry is on by
# default and says so on the terminal of a closed network.
QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}

# What `flows/automation.yaml` looks for: flow runs of this tag, with heartbeats this often. prefect.yaml says the same.
TAG = "sspr"
HEARTBEAT_SECONDS = "30"


def api_configured(environment: Mapping[str, str] = os.environ) -> str | None:
    """The address of the Prefect API that is configured, None where none is. Prefect is not imported.

    `PREFECT_API_URL`, else the active profile (docs.prefect.io, concepts/settings-and-profiles): the one that
    `PREFECT_PROFILE` or `active` names in `PREFECT_PROFILES_PATH`, by default `$PREFECT_HOME/profiles.toml`.
    A profile without an address means a temporary server, which this command does not use.
    """
    if url := environment.get("PREFECT_API_URL", "").strip():
        return url
    home = Path(environment.get("PREFECT_HOME") or "~/.prefect").expanduser()
    path = Path(environment.get("PREFECT_PROFILES_PATH") or home / "profiles.toml").expanduser()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise CannotStart(
            f"Prefect's profiles in {path} cannot be read. Mend the file, or set PREFECT_API_URL."
        ) from None
    profile = table.get("profiles", {}).get(environment.get("PREFECT_PROFILE") or table.get("active"), {})
    return str(profile.get("PREFECT_API_URL") or "").strip() or None


def project_folder() -> Path:
    """The folder that holds `flows/`, `tasks/` and `prefect.yaml`: the checkout, or what a wheel carries of it."""
    package = Path(sspr.__file__).resolve().parent
    for folder in (package.parent, package / "_project"):
        if (folder / "flows" / "onboard.py").is_file() and (folder / "prefect.yaml").is_file():
            return folder
    raise CannotStart(
        "The flows that Prefect runs were not found beside the package. Install sspr-onboarding anew."
    )


def run_as_flow(
    job: Job, api: str, *, approve: Callable[[], bool | None] | None = None, verbose: bool = False
) -> None:
    """Carries out an opened run as the flow `onboard` or `undo`, in this process, seen at the Prefect API `api`.

    The flow's parameters are the run's own, without contact data; what else was asked for stands in the ledger.
    `approve` is asked between the plan and the first write. Raises `CannotStart` where the API cannot be reached or
    does not let us in, and the `SsprError` that stopped the run otherwise.
    """
    # Prefect looks for its settings in more places than we do: both must mean the same server.
    os.environ["PREFECT_API_URL"] = api
    os.environ["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] = HEARTBEAT_SECONDS
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if not verbose:
        # The level of the console, not of the logger: the run's log in the UI stays whole.
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    folder = str(project_folder())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = "undo" if job.options.undoes else "onboard"
    flow = getattr(importlib.import_module(f"flows.{name}"), name)
    hosting = importlib.import_module("tasks.hosting")
    _ask_for_api(api)
    work = hosting.Hosted(job, approve)
    parameters = parameters_of(job)
    if "approval" in parameters and approve:  # should the command die, a retry in its stead asks too
        parameters["approval"] = "required"
    with hosting.lend(work), importlib.import_module("prefect").tags(TAG):
        state = flow(**parameters, return_state=True)
    if work.error is not None:
        raise work.error
    if not state.is_completed():
        raise Stopped("Prefect ended the run before it was done. `sspr resume` goes on with it.")


def _ask_for_api(api: str) -> None:
    """Raises `CannotStart` where no Prefect API that lets us in answers at `api`."""
    from prefect.client.orchestration import get_client

    try:
        with get_client(sync_client=True) as client:
            client.api_version()
    except Exception as error:  # noqa: BLE001 - whatever is behind it, the person's next step is the same
        raise CannotStart(
            f"No Prefect API answered at {_without_user(api)} ({type(error).__name__}), which PREFECT_API_URL or the "
            "active Prefect profile names. Start that server, or run without Prefect: PREFECT_API_URL= "
            "PREFECT_PROFILE=ephemeral sspr …"
        ) from None


def _without_user(url: str) -> str:
    """The address without a user and password that may stand in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def parameters_of(job: Job) -> dict[str, Any]:
    """The flow's parameters for an opened run. They are stored as they are, and hold no contact data."""
    record, options = job.record, job.options
    if options.undoes:
        return {"run_id": options.undoes, "tenant": record.tenant}
    return {
        "files": [source.name if is_url(source.name) else source.path for source in job.run.sources()],
        "tenant": record.tenant,
        "default_country": options.default_country,
        "target": record.target.value,
        "enable_feature": options.enable_feature,
        "approval": "none",
        "max_failures": options.max_failures,
        "out": record.out,
    }
