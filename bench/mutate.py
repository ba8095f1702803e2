"""Reads damaged files by the thousand: each must be read without a lost row, or refused with a sentence, and in time.

`python bench/mutate.py --files 10000`; a file that does neither is kept, and its number gives it again.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.mutations import SEEDS, mutate, outcome

_SECONDS = 10


class _Hang(BaseException):
    """A file took too long; no handler of errors catches it."""


def main() -> int:
    """Reads the files and prints how each kind fared; 1 where one was neither read nor refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    asked = parser.parse_args()
    signal.signal(signal.SIGALRM, _stop)
    fared: dict[str, Counter[str]] = {name: Counter() for name in SEEDS}
    slowest, faults = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.csv"
        for number in range(asked.first, asked.first + asked.files):
            name = list(SEEDS)[number % len(SEEDS)]
            path.write_bytes(mutate(SEEDS[name], random.Random(number)))  # noqa: S311 - repeatable
            began = time.perf_counter()
            told = _read(path)
            slowest = max(slowest, time.perf_counter() - began)
            fared[name][told.partition(":")[0]] += 1
            if told not in {"read", "refused"}:
                faults += 1
                kept = path.rename(Path(tempfile.gettempdir()) / f"damaged-{number}.csv")
                print(f"file {number} ({name}), kept as {kept}: {told}", file=sys.stderr)
    for name, counts in fared.items():
        print(f"{name:36}", "  ".join(f"{told} {count}" for told, count in sorted(counts.items())))
    total = sum(fared.values(), Counter[str]())
    print(f"{asked.files} files: {dict(sorted(total.items()))}; slowest {slowest:.2f} s; {faults} at fault")
    return 1 if faults else 0


def _read(path: Path) -> str:
    # A loop in C code that does not look for signals is ended hard, with a traceback.
    faulthandler.dump_traceback_later(3 * _SECONDS, exit=True)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS)
    try:
        return outcome(path)
    except _Hang:
        return f"hang: more than {_SECONDS} s"
    except Exception as error:  # noqa: BLE001 - that there is none is what is tried
        return f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise _Hang


if __name__ == "__main__":
    sys.exit(main())
