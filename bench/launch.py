"""Runs a command and notes what it took: `python -I -S bench/launch.py RESULT.json COMMAND...`

A process of its own, because Linux counts the memory of whoever starts a program into that program's peak: the
benchmark holds pandas and a tenant, this holds nothing.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

_EVERY = 0.1  # seconds between looks at the memory


def main() -> int:
    """Writes `started` (epoch seconds), `wall`, `cpu` (seconds), `peak`, `tree` (MiB) to the file named first."""
    result, *command = sys.argv[1:]
    started, before = time.time(), time.perf_counter()
    process = subprocess.Popen(command)
    ended, most = threading.Event(), [0.0]
    watch = threading.Thread(target=_watch, args=(process.pid, ended, most))
    watch.start()
    code = process.wait()
    wall = time.perf_counter() - before
    ended.set()
    watch.join()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    taken = {
        "started": started,
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": peak,
        "tree": max(peak, most[0]),
    }
    Path(result).write_text(json.dumps(taken), encoding="utf-8")
    return code


def _watch(pid: int, ended: threading.Event, most: list[float]) -> None:
    """Notes the most memory that the process and its children hold together; where /proc does not tell, nothing."""
    while not ended.wait(_EVERY):
        most[0] = max(most[0], sum(map(_memory, _family(pid))))


def _family(pid: int) -> list[int]:
    family = [pid]
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
            family += _family(int(child))
    return family


def _memory(pid: int) -> float:
    """MiB; memory that several processes share is counted in parts."""
    with suppress(OSError):
        found = re.search(r"Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii"))
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


if __name__ == "__main__":
    sys.exit(main())
