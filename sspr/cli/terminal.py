"""What a person sees while a command runs: a live display on a terminal, plain lines in a pipe.

All of it goes to standard error; none of it holds contact data.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import click

_LINE_SECONDS = 5.0

WORDS = {
    "check": "judging the rows",
    "compare": "reading the tenant",
    "apply": "writing in batches",
    "verify": "reading back",
    "settle": "reading back what has not shown yet",
}


class Terminal:
    """Progress and waits. `quiet`: only the first line and errors (`--json`)."""

    def __init__(self, stack: ExitStack, *, quiet: bool, verbose: bool) -> None:
        self._stack = stack
        self._quiet = quiet
        self._live = not quiet and sys.stderr.isatty()
        self._display: Any = None
        self._task: Any = None
        self._said: tuple[str, float] = ("", time.monotonic())
        self.verbose = verbose

    @classmethod
    @contextmanager
    def open(cls, *, quiet: bool = False, verbose: bool = False) -> Iterator[Terminal]:
        """A terminal whose live display ends with the block."""
        with ExitStack() as stack:
            yield cls(stack, quiet=quiet, verbose=verbose)

    def say(self, text: str) -> None:
        """A line for the person, unless they asked for the report alone."""
        if not self._quiet:
            click.echo(text, err=True)

    def progress(self, stage: str, done: int, total: int) -> None:
        """`done` of `total` rows have passed a stage; 0: how many there are is not known yet."""
        if self._quiet:
            return
        words = WORDS.get(stage, stage)
        if self._live:
            self._show(words, done, total)
            return
        before, said_at = self._said
        now = time.monotonic()
        if now - said_at >= _LINE_SECONDS or (total and (before != words or done >= total)):
            self._said = (words, now)
            click.echo(f"{words}: {done} of {total}" if total else f"{words}: {done}", err=True)

    def on_wait(self, seconds: float, why: str) -> None:
        """A calm line: the service asked us to wait."""
        if seconds >= 1.0:
            self.say(
                f"Microsoft asks us to wait {seconds:.0f} s{f' ({why})' if why else ''}; nothing is lost."
            )

    def pause(self) -> None:
        """Takes the live display away, so that a question can be asked."""
        if self._display is not None:
            self._display.stop()
            self._display = None

    end = pause

    def _show(self, words: str, done: int, total: int) -> None:
        if self._display is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description:36}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            self._display = Progress(*columns, console=Console(stderr=True), transient=True)
            self._display.start()
            self._stack.callback(self.pause)
            self._task, self._said = self._display.add_task(words, total=total or None), (words, 0.0)
        if self._said[0] != words:
            self._display.remove_task(self._task)
            self._task, self._said = self._display.add_task(words, total=total or None), (words, 0.0)
        self._display.update(self._task, completed=done, total=total or None)
