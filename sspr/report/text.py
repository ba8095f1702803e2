"""The summary of a report for a terminal and for Prefect's artifact. Neither holds an account or contact data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from sspr.masking import mask_text
from sspr.report.content import Report
from sspr.report.words import (
    FLAG_MEANING,
    STATUS_MEANINGS,
    WHY_METHODS,
    details,
    flag_sentence,
    gates_sentence,
    headline,
    number,
    one_line,
    shown_statuses,
    total,
)

__all__ = ["one_line", "summary_lines", "summary_markdown"]


def _nothing(_: str) -> str:
    return ""


def summary_lines(report: Report, masked: bool = True, explain: Callable[[str], str] = _nothing) -> list[str]:
    """The end of a run for a person at a terminal.

    Args:
        report: the content of `report.json`.
        masked: mask what looks like contact data in foreign text (a file's name, the reason of a stop).
        explain: code → what to do about it; empty where there is nothing to say.
    """
    shown = mask_text if masked else str
    how_read = () if report["command"] == "undo" else _how_read(report, shown)
    lines = [*how_read, headline(report), *map(shown, details(report)), ""]
    width = max(len(status) for status in report["counts"])
    lines += [f"  {status:<{width}} {report['counts'][status]:>9,}" for status in shown_statuses(report)]
    lines += _code_lines("Why rows need a person", report["reasons"], explain)
    lines += _code_lines("Warnings (these rows went on)", report["warnings"], explain)
    if report["feature"]["enabled_after"] is not None:
        lines += ["", flag_sentence(report), FLAG_MEANING]
    if report["command"] not in ("check", "undo"):
        lines += [WHY_METHODS]
    if report.get("gates") == 1:  # the exception; that it is two elsewhere is what `ready` says anyway
        lines += [gates_sentence(report)]
    if report["graph"]["requests"]:
        lines += ["", _traffic(report)]
    lines += ["", f"Files in {report['folder']}"]
    lines += [f"  {name:<14} {purpose}" for name, purpose in _files(report, shown)]
    return lines


def _how_read(report: Report, shown: Callable[[str], str]) -> Iterator[str]:
    """What the reader made of each file; nothing of a file about which there is nothing to say."""
    for told, read in zip(report["inputs"], report["read_as"], strict=True):
        if read["notes"]:
            yield f"{shown(told['file'])} ({read['encoding']}):"
            yield from (f"  {shown(note)}" for note in read["notes"])
            yield ""


def _files(report: Report, shown: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    yield "report.html", "the whole report, to read in a browser"
    yield "results.csv", f"what became of each row ({total(report):,})"
    for name in report["rejected"]:
        yield shown(name), "to mend and give back as input"
    yield "report.json", "the figures, for scripts"


def _code_lines(title: str, codes: Mapping[str, int], explain: Callable[[str], str]) -> list[str]:
    if not codes:
        return []
    width = max(map(len, codes))
    lines = (f"  {code:<{width}} {count:>7,}  {explain(code)}".rstrip() for code, count in codes.items())
    return ["", f"{title}:", *lines]


def _traffic(report: Report) -> str:
    graph = report["graph"]
    return (
        f"Asked of Microsoft Graph: {number(graph['requests'], 'request')}, "
        f"{number(graph['batches'], 'batch', 'batches')}, {number(graph['writes'], 'write')}; "
        f"{graph['throttled']:,} throttled, {graph['retried']:,} sent again; {graph['seconds']:,.1f} s of waiting."
    )


def summary_markdown(report: Report, explain: Callable[[str], str] = _nothing) -> str:
    """The end of a run as Prefect's artifact shows it: counts and codes, no account, no contact data."""
    paragraphs = [f"**{headline(report)}**"]
    if said := [mask_text(sentence) for sentence in details(report)]:
        paragraphs.append("\n".join(f"- {sentence}" for sentence in said))
    paragraphs.append(
        _markdown_table(
            ("rows", "status", "meaning"),
            [
                (report["counts"][status], status, STATUS_MEANINGS[status])
                for status in shown_statuses(report)
            ],
        )
    )
    for title, codes in (("Why rows need a person", report["reasons"]), ("Warnings", report["warnings"])):
        if codes:
            rows = [(count, f"`{code}`", explain(code)) for code, count in codes.items()]
            paragraphs += [f"### {title}", _markdown_table(("rows", "code", "what to do"), rows)]
    if report["feature"]["enabled_after"] is not None:
        paragraphs += ["### The flag", f"{flag_sentence(report)} {FLAG_MEANING}"]
    paragraphs.append(WHY_METHODS)
    if report.get("gates") == 1:
        paragraphs.append(gates_sentence(report))
    if report["graph"]["requests"]:
        paragraphs.append(_traffic(report))
    paragraphs.append(
        f"Run `{report['run_id']}`, tenant `{report['tenant']}`, exit code {report['exit_code']}."
    )
    return "\n\n".join(paragraphs) + "\n"


def _markdown_table(head: tuple[str, str, str], rows: list[tuple[int, str, str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|---:|---|---|"]
    lines += [f"| {count:,} | {name} | {text.replace('|', chr(92) + '|')} |" for count, name, text in rows]
    return "\n".join(lines)
