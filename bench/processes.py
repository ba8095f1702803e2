"""Commands in processes of their own, as on a machine where the product is installed, and what each took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
LAUNCHER = Path(__file__).with_name("launch.py")
SECRET = "BENCH_CLIENT_SECRET"


@dataclass(frozen=True, slots=True)
class Ended:
    """`started`: epoch seconds; `wall` and `cpu` in seconds; in MiB the most memory held: `peak` by one process, `tree`
    by it and its children together.
    """

    started: float
    wall: float
    cpu: float
    peak: float
    tree: float
    said: str

    def report(self) -> dict[str, Any]:
        """What a command with `--json` said."""
        report: dict[str, Any] = json.loads(self.said)
        return report


@dataclass(frozen=True, slots=True)
class Place:
    """A folder for everything that the commands write, and the environment in which they run."""

    folder: Path

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """None of the caller's settings of sspr, Prefect and Python. `home`: where the ledger lies.

        Bytecode is kept in a cache below `folder`: an installed product has its own, whatever
        PYTHONDONTWRITEBYTECODE says here, and the checkout stays as it is.
        """
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "PREFECT_", "SSPR_"))
        }
        return {
            **inherited,
            "PYTHONPATH": str(PROJECT),
            "PYTHONPYCACHEPREFIX": str(self.folder / "bytecode"),
            "SSPR_HOME": str(home),
            "PREFECT_HOME": str(self.folder / "no-profiles"),
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            **more,
        }

    def python(
        self, arguments: Sequence[str], environment: dict[str, str], may_end_with: Collection[int] = (0,)
    ) -> Ended:
        """Runs this interpreter. Raises RuntimeError, with the end of what was said, on another exit code."""
        result = self.folder / "taken.json"
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(LAUNCHER), str(result), sys.executable, *arguments],
            env=environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in may_end_with:
            raise RuntimeError(
                f"{' '.join(arguments)} ended with {done.returncode}: {done.stdout[-800:]}{done.stderr[-800:]}"
            )
        return Ended(**json.loads(result.read_text(encoding="utf-8")), said=done.stdout)

    def sspr(self, arguments: Sequence[str], environment: dict[str, str]) -> Ended:
        """Runs the command; that rows need a person (exit code 1) is no failure."""
        return self.python(["-m", "sspr", *arguments], environment, may_end_with=(0, 1))
