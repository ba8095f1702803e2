"""Runs a command and notes what it took: `python -I -S bench/launch.py RESULT.json COMMAND...`

A process of its own, because Linux counts the memory of whoever starts a program into that program's peak: the
benchmark holds pandas and a tenant, this holds nothing.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path


def main() -> int:
    """Writes `started` (epoch seconds), `wall`, `cpu` (both seconds) and `peak` (MiB) to the file named first."""
    result, *command = sys.argv[1:]
    started, before = time.time(), time.perf_counter()
    code = subprocess.call(command)
    wall = time.perf_counter() - before
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    taken = {"started": started, "wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": peak}
    Path(result).write_text(json.dumps(taken), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
