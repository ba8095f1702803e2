"""What the pages say of the command: each example parses with the real options, each verb and exit code is told."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence

import click
import pytest

from sspr.cli import main as door
from tests.docs.pages import PAGES, PROJECT, blocks, code_spans, page, table

# `FOO=bar .venv/bin/sspr run …   # a remark`
_LINE = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S* )*(?:\.venv[\\/](?:bin|Scripts)[\\/])?sspr (?P<words>.+)$")
# Verbs that the README says are not there yet.
NOT_YET = ("audit", "explain")


def words_of(line: str) -> list[str] | None:
    """The words after `sspr`, where the line calls it; without a remark, and without what the shell does of it."""
    found = _LINE.match(line.strip())
    return shlex.split(re.split(r"\s+[#>|]", found["words"])[0]) if found else None


def parse(words: Sequence[str]) -> str:
    """The help of the command that these words call. Raises `click.ClickException` where it does not take them."""
    command: click.Command = door.sspr
    context = click.Context(command, info_name="sspr")
    rest = list(words)
    try:
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            name, found, rest = command.resolve_command(context, rest)
            assert found is not None
            command = found
            context = command.make_context(name, list(rest), parent=context)
    except click.exceptions.Exit:  # --help
        pass
    return command.get_help(context)


def examples() -> Iterator[tuple[str, list[str]]]:
    for block in blocks("", "sh", "powershell"):
        for line in block.text.splitlines():
            words = words_of(line)
            if words:
                yield block.page.name, words


def mentions() -> Iterator[tuple[str, list[str]]]:
    """`sspr …` in running text and tables, without what stands for something: `[RUN_ID]`, `FILE...`, `…`."""
    for path in PAGES:
        for span in code_spans(path.read_text(encoding="utf-8")):
            words = words_of(re.sub(r"\[[^\]]*\]+|…", "", span))
            if words and words[0] != "COMMAND":
                yield path.name, words


def _name(value: str | list[str]) -> str:
    return value if isinstance(value, str) else " ".join(value)


def test_there_are_examples() -> None:
    assert len({tuple(words) for _, words in examples()}) > 10


@pytest.mark.parametrize(("where", "words"), list(examples()), ids=_name)
def test_every_example_is_taken_as_it_stands(where: str, words: list[str]) -> None:
    assert parse(words), where


@pytest.mark.parametrize(("where", "words"), list(mentions()), ids=_name)
def test_every_command_in_the_text_has_a_verb_and_options_that_exist(where: str, words: list[str]) -> None:
    options = [word for word in words if word.startswith("--")]
    names = [word for word in words[: 2 if words[0] in {"runs", "feature"} else 1] if word not in options]
    told = parse([*names, "--help"])
    assert [name for name in options if not re.search(rf"{re.escape(name)}\b", told)] == [], where


@pytest.mark.parametrize("words", ["bogus", "run", "run a.csv --wat", "feature on", "run a.csv --target all"])
def test_an_example_that_is_wrong_would_be_found(words: str) -> None:
    with pytest.raises(click.ClickException):
        parse(words.split())


def test_the_readme_lists_every_verb_and_no_other() -> None:
    listed = {
        words[0]
        for row in table(page("README.md"), "command")
        for words in map(words_of, re.findall(r"`(sspr [^`]+)`", row[0]))
        if words
    }
    assert listed == set(door.VERBS)


def test_what_the_readme_calls_missing_is_missing() -> None:
    missing = page("README.md").partition("## What it does not do yet")[2]
    assert [verb for verb in NOT_YET if f"`{verb}`" not in missing] == []
    assert set(NOT_YET).isdisjoint(door.VERBS)


def test_every_exit_code_is_told() -> None:
    codes = [door.DONE, door.NEEDS_A_PERSON, door.COULD_NOT_START, door.STOPPED]
    assert [row[0] for row in table(page("README.md"), "exit code")] == [str(code) for code in codes]


def test_every_option_of_the_reading_and_writing_verbs_is_told_somewhere() -> None:
    told = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
    options = {
        name
        for verb in ("check", "plan", "run")
        for parameter in door.sspr.get_command(click.Context(door.sspr), verb).params  # type: ignore[union-attr]
        for name in parameter.opts
        if name.startswith("--")
    }
    assert [name for name in sorted(options) if name not in told] == []


def test_the_steps_for_windows_are_those_of_the_makefile() -> None:
    recipe = re.findall(r"\$\(BIN\)/(.+)", (PROJECT / "Makefile").read_text(encoding="utf-8"))
    wanted = {
        line.replace(" --quiet --disable-pip-version-check", "")
        for line in recipe
        if not re.match(r"python bench|ruff format \.|ruff check --fix", line)
    }
    windows = "\n".join(block.text for block in blocks("powershell") if block.page.name == "README.md")
    assert set(re.findall(r"^\.venv\\Scripts\\(.+)$", windows, flags=re.MULTILINE)) == wanted


def test_the_targets_of_make_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        match for path in PAGES for match in re.findall(r"\bmake ([a-z]+)\b(?=`|\n)", path.read_text("utf-8"))
    }
    assert {"demo", "test", "bench"} <= named <= targets, os.linesep.join(named - targets)
