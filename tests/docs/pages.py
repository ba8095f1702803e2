"""The pages of the documentation, and what tests take out of them: fenced blocks, tables, headings, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PAGES = (PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md")))

_FENCE = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (?P<text>.+)$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: what kind its fence names, its text, and its page."""

    page: Path
    kind: str
    text: str


def page(name: str) -> str:
    """The text of a page, by its path from the root of the project."""
    return (PROJECT / name).read_text(encoding="utf-8")


def blocks(*kinds: str) -> list[Block]:
    """All fenced blocks of these kinds ("": a fence that names none)."""
    found = ((path, match) for path in PAGES for match in _FENCE.finditer(path.read_text(encoding="utf-8")))
    return [Block(path, match["kind"], match["text"]) for path, match in found if match["kind"] in kinds]


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", text)


def code_spans(text: str) -> list[str]:
    """What stands between backticks in the running text."""
    return _CODE.findall(prose(text))


def links(text: str) -> list[str]:
    """The targets of all links of a page."""
    return [match["target"] for match in _LINK.finditer(prose(text))]


def headings(text: str) -> list[str]:
    """The headings of a page, without their marks."""
    return [match["text"] for match in _HEADING.finditer(prose(text))]


def anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of the headings."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings(text)}


def table(text: str, first: str) -> list[list[str]]:
    """The rows of the tables whose first header cell is `first`, without header and rule."""
    rows: list[list[str]] = []
    for lines in _tables(text):
        cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
        if cells[0][0] == first:
            rows += cells[2:]
    return rows


def _tables(text: str) -> Iterator[list[str]]:
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            lines.append(line)
        elif lines:
            yield lines
            lines = []
