"""Several processes judge what one would judge, and none is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from sspr.contacts.codes import Policy
from sspr.errors import Stopped
from sspr.input import blocks
from sspr.input.table import ReadOptions, open_table
from sspr.input.templates import template_path
from sspr.model import Target
from sspr.report.render import Part, Renderer
from sspr.stages import crew
from sspr.stages.check import Check, Rules
from sspr.stages.crew import Crew

ENDLESS = """
import os, sys, time
from sspr.stages import crew
from tests.stages.test_crew import told_and_stuck
crew.WORTH_IT = 0  # no guard: the script must not be run again by each process
crew._processors = lambda: 2
list(crew.Crew(1).map(told_and_stuck, [(sys.argv[1],)] * 2))
"""


def told_and_stuck(folder: str) -> None:
    """Leaves its process id, and waits for good."""
    (Path(folder) / str(os.getpid())).touch()
    signal.pause()


def dies() -> None:
    """What a process does for which there is no memory left."""
    os.kill(os.getpid(), signal.SIGKILL)


def _parts(size: int, tmp_path: Path) -> list[Part]:
    table = open_table(template_path("sample"), "sample.csv", ReadOptions())
    check = Check([table], Rules(Policy(), Target.BOTH), tmp_path, size)
    try:
        check.judge(None)
        return list(check.parts(Renderer(check.sources)))
    finally:
        check.close()


def test_several_processes_come_to_what_one_comes_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks.text_blocks, "__defaults__", (700,))
    monkeypatch.setattr(crew, "_processors", lambda: 2)
    alone, together = _parts(0, tmp_path), _parts(crew.WORTH_IT, tmp_path)
    assert len(alone) > 5
    assert [part.results for part in together] == [part.results for part in alone]
    assert [part.rejected for part in together] == [part.rejected for part in alone]


def test_a_process_that_is_ended_from_outside_stops_the_command_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crew, "_processors", lambda: 2)
    works = Crew(crew.WORTH_IT)
    with pytest.raises(Stopped, match="ended from outside"):
        list(works.map(dies, [()]))
    works.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no kill that cannot be caught")
def test_no_process_outlives_a_command_that_was_killed(tmp_path: Path, project: Path) -> None:
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS, encoding="utf-8")
    told = tmp_path / "told"
    told.mkdir()
    command = subprocess.Popen(
        [sys.executable, str(script), str(told)], env={**os.environ, "PYTHONPATH": str(project)}
    )
    try:
        while len(list(told.iterdir())) < 2:
            assert command.poll() is None
            os.sched_yield()
        workers = [psutil.Process(int(path.name)) for path in told.iterdir()]
    finally:
        command.kill()
        command.wait()
    _, alive = psutil.wait_procs(workers, timeout=60)
    assert alive == []
