"""`sspr demo --prefect`, as `make demo` runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil

from tests.e2e.stack import PATIENCE


def test_the_demo_ends_well_leaves_its_files_and_no_process(
    project: Path, tmp_path: Path, clean_environment: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sspr", "demo", "--prefect"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(project)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "The run in Prefect's UI: http://127.0.0.1:" in done.stderr
    assert "NeedsPeople: " in done.stderr
    run_id = done.stderr.splitlines()[0].removeprefix("run id: ")
    written = {path.name for path in (tmp_path / "runs" / run_id).iterdir()}
    assert {"results.csv", "rejected.csv", "report.json", "report.html"} <= written
    report = json.loads((tmp_path / "runs" / run_id / "report.json").read_text(encoding="utf-8"))
    assert sum(report["counts"].values()) == report["inputs"][0]["rows"] >= 60
    assert report["counts"]["updated"] > 0
    assert [
        process.pid
        for process in psutil.process_iter()
        if prefect_home(process).startswith(str(clean_environment))
    ] == []


def prefect_home(process: psutil.Process) -> str:
    try:
        return process.environ().get("PREFECT_HOME", "")
    except psutil.Error:
        return ""
