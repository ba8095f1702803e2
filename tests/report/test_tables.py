from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sspr.cells import unguard_cell
from sspr.model import ResultRow, RunSummary, Source, Status, Target, Traffic
from sspr.report.tables import REASON_COLUMNS, RESULT_COLUMNS, UNTOUCHED, guarded
from sspr.report.write import write_reports

Make = Callable[..., ResultRow]
MakeSource = Callable[..., Source]
MakeSummary = Callable[..., RunSummary]


def read(path: Path, delimiter: str = ",") -> list[list[str]]:
    assert path.read_bytes().startswith(b"\xef\xbb\xbf"), (
        "Excel reads a code page without the byte order mark"
    )
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file, delimiter=delimiter))


def rejected_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("rejected*"))


def test_results_hold_one_line_per_row_in_order_under_the_columns_that_scripts_know(
    tmp_path: Path, make_row: Make, make_summary: MakeSummary
) -> None:
    rows = [
        make_row(2, warnings=("phone_replaces", "email_shared"), mobile_phone_before="+1 (206) 555-0100"),
        make_row(3, Status.REJECTED, reasons=("email_invalid", "phone_invalid", "email_invalid")),
    ]
    write_reports(tmp_path, make_summary(rows=(2,)), iter(rows))
    header, *lines = read(tmp_path / "results.csv")
    assert tuple(header) == (*RESULT_COLUMNS, "Department")
    updated, refused = (dict(zip(header, line, strict=True)) for line in lines)
    assert updated == {
        "file": "new-admins.csv",
        "line": "2",
        "user_principal_name": "admin2@contoso.com",
        "status": "updated",
        "reason": "",
        "message": "",
        "warnings": "phone_replaces;email_shared",
        "alternate_email": "person2@fabrikam.com",
        "mobile_phone": "+1 2065550123",
        "alternate_email_before": "",
        "mobile_phone_before": "+1 (206) 555-0100",
        "email_method_before": "",
        "phone_method_before": "",
        "ready": "yes",
        "Department": "Finance",
    }
    assert (refused["line"], refused["reason"]) == ("3", "email_invalid;phone_invalid")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("+1 2065550123", True),
        ("+44 (0)20 7946-0018 x12", True),
        ("person@fabrikam.com;other@fabrikam.com", True),
        ("", True),
        ("+1+cmd|' /C calc'!A0", False),
        ("=1+1@fabrikam.com", False),
        ("@SUM(A1:A9)", False),
        ("-2+3", False),
        ("\tx", False),
        ("\r=1", False),
    ],
)
def test_what_a_spreadsheet_would_run_is_guarded_and_a_phone_is_not(text: str, plain: bool) -> None:
    assert (guarded(text) == text) is plain
    assert plain or unguard_cell(guarded(text)) == text


def test_a_column_of_the_input_does_not_take_a_name_of_ours(
    tmp_path: Path, make_row: Make, make_source: MakeSource, make_summary: MakeSummary
) -> None:
    header = ("Account", "Recovery email", "Mobile", "Status", "status", "", "note", "sspr_reason")
    source = make_source(header=header)
    cells = ("a@contoso.com", "b@fabrikam.com", "+1 2065550123", "active", "old", "x", "=A1", "phone_missing")
    write_reports(tmp_path, make_summary(source), [make_row(cells=cells)])
    (line,) = csv.DictReader(StringIO((tmp_path / "results.csv").read_text(encoding="utf-8-sig")))
    others = {name: cell for name, cell in line.items() if name not in RESULT_COLUMNS}
    assert line["status"] == "updated"
    assert others.pop("note") == "'=A1"
    assert others == {"input_Status": "active", "input_status_2": "old", "input_column_6": "x"}


def test_inputs_of_different_headers_share_the_columns_that_both_have(
    tmp_path: Path, make_row: Make, make_source: MakeSource, make_summary: MakeSummary
) -> None:
    first = make_source("a.csv")
    second = make_source(
        "b.csv", header=("Mobile", "department", "Account", "Site"), columns={"mobile_phone": 0}
    )
    second = replace(second, columns={"mobile_phone": 0, "user_principal_name": 2})
    rows = [make_row(2), make_row(2, source=1, cells=("+1 2065550123", "Sales", "admin@contoso.com", "Oslo"))]
    write_reports(tmp_path, make_summary(first, second, rows=(1, 1)), rows)
    header, *lines = read(tmp_path / "results.csv")
    assert header[len(RESULT_COLUMNS) :] == ["Department", "Site"]
    assert [line[len(RESULT_COLUMNS) :] for line in lines] == [["Finance", ""], ["Sales", "Oslo"]]


def test_a_rejected_row_comes_back_as_it_came_with_its_reason_behind(
    tmp_path: Path, make_row: Make, make_source: MakeSource, make_summary: MakeSummary
) -> None:
    source = make_source(delimiter=";")
    cells = ("admin2@contoso.com", "a; b", "=+44 7911123456", ' "quoted" \r\n')
    write_reports(tmp_path, make_summary(source), [make_row(2, Status.REJECTED, cells=cells)])
    header, line = read(tmp_path / "rejected.csv")
    assert header == [*source.header, *REASON_COLUMNS]
    assert [unguard_cell(cell) for cell in line[:4]] == list(cells)
    assert line[2] != cells[2], "a formula is guarded"
    assert line[4:] == ["phone_invalid", "The number is not a telephone number."]


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        (("a", "b"), ["a", "b", "", "", "row_malformed", "why", UNTOUCHED]),
        (("a", "b", "c", "d", "e", "f"), ["a", "b", "c", "d", "row_malformed", "why", "e", "f"]),
        ((), ["", "", "", "", "row_malformed", "why", UNTOUCHED]),
    ],
)
def test_a_row_that_does_not_fit_its_header_shifts_no_column_and_loses_nothing(
    tmp_path: Path, make_row: Make, make_summary: MakeSummary, cells: tuple[str, ...], line: list[str]
) -> None:
    row = make_row(2, Status.REJECTED, cells=cells, reasons=("row_malformed",), message="why")
    write_reports(tmp_path, make_summary(), [row])
    assert read(tmp_path / "rejected.csv")[1:] == [line]


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        (
            ("a", "b", "c", "d", "phone_invalid", "old"),
            ["a", "b", "c", "d", "row_malformed", "new", UNTOUCHED],
        ),
        (
            ("a", "b", "c", "d", "row_malformed", "old", UNTOUCHED),
            ["a", "b", "c", "d", "row_malformed", "new", UNTOUCHED],
        ),
        (
            ("a", "b", "c", "d", "row_malformed", "old", "e"),
            ["a", "b", "c", "d", "row_malformed", "new", "e"],
        ),
        # A comma came in while mending: which cells are ours is not known, so all of them stay.
        (
            ("a", "b1", " b2", "c", "d", "phone_invalid", "old"),
            ["a", "b1", " b2", "c", "row_malformed", "new", "d", "phone_invalid", "old"],
        ),
    ],
)
def test_a_rejected_file_that_is_given_back_does_not_grow(
    tmp_path: Path,
    make_row: Make,
    make_source: MakeSource,
    make_summary: MakeSummary,
    cells: tuple[str, ...],
    line: list[str],
) -> None:
    source = make_source(header=("Account", "Recovery email", "Mobile", "Department", *REASON_COLUMNS))
    row = make_row(2, Status.REJECTED, cells=cells, reasons=("row_malformed",), message="new")
    write_reports(tmp_path, make_summary(source), [row])
    header, written = read(tmp_path / "rejected.csv")
    assert header == ["Account", "Recovery email", "Mobile", "Department", *REASON_COLUMNS]
    assert written == line


@pytest.mark.parametrize(
    ("names", "same_header", "files"),
    [
        (("a.csv", "b.csv"), True, ["rejected.csv"]),
        (("hr/a.csv", "it/a.csv"), False, ["rejected-a-2.csv", "rejected-a.csv"]),
        (("Ä b?.csv", "-"), False, ["rejected-input.csv", "rejected-Ä_b.csv"]),
        (("https://host.example/x.csv?sig=1", "../..csv"), False, None),
    ],
)
def test_inputs_of_different_headers_get_a_file_each(
    tmp_path: Path,
    make_row: Make,
    make_source: MakeSource,
    make_summary: MakeSummary,
    names: tuple[str, str],
    same_header: bool,
    files: list[str] | None,
) -> None:
    first, second = map(make_source, names)
    if not same_header:
        second = replace(second, header=(*second.header, "Site"))
    rows = [make_row(2, Status.REJECTED), make_row(2, Status.REJECTED, source=1)]
    report = write_reports(tmp_path, make_summary(first, second, rows=(1, 1)), rows)
    written = rejected_files(tmp_path)
    assert sorted(report["rejected"]) == written
    assert len(written) == (1 if same_header else 2)
    assert files is None or written == sorted(files)
    assert sum(len(read(tmp_path / name)) - 1 for name in written) == 2


@pytest.mark.parametrize(("came", "goes"), [("=A1", "'=A1"), ("'=A1", "'=A1"), ("Site", "Site"), ("", "")])
def test_a_header_is_guarded_once(
    tmp_path: Path, make_row: Make, make_source: MakeSource, make_summary: MakeSummary, came: str, goes: str
) -> None:
    source = make_source(header=("Account", "Recovery email", "Mobile", came))
    write_reports(tmp_path, make_summary(source), [make_row(2, Status.REJECTED)])
    assert read(tmp_path / "rejected.csv")[0] == [
        "Account",
        "Recovery email",
        "Mobile",
        goes,
        *REASON_COLUMNS,
    ]


def test_a_rejected_file_of_an_earlier_writing_goes_when_nothing_is_rejected(
    tmp_path: Path, make_row: Make, make_summary: MakeSummary
) -> None:
    write_reports(tmp_path, make_summary(), [make_row(2, Status.REJECTED)])
    (tmp_path / "rejected-b.csv").touch()
    assert rejected_files(tmp_path) == ["rejected-b.csv", "rejected.csv"]
    report = write_reports(tmp_path, make_summary(), [make_row(2)])
    assert (rejected_files(tmp_path), report["rejected"]) == ([], [])


CELL = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
) | st.sampled_from(
    [
        "=1+1",
        "'=1",
        "''x",
        "+1 2065550123",
        "-",
        "@a",
        "\t",
        "\r",
        "\n",
        "\r\n",
        '"',
        ',";',
        "",
        " a ",
        "\ufeff",
    ]
)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.lists(CELL, max_size=7).map(tuple), min_size=1, max_size=6),
    delimiter=st.sampled_from(",;\t|"),
)
def test_every_cell_of_a_rejected_file_reads_back_as_it_came(
    rows: list[tuple[str, ...]], delimiter: str
) -> None:
    header = ("Account", "Recovery email", "Mobile", "Department")
    columns = {"user_principal_name": 0, "alternate_email": 1, "mobile_phone": 2}
    source = Source("a.csv", "0" * 64, "utf-8", delimiter, header, columns)
    results = [
        ResultRow(0, line, cells, "", Status.REJECTED, ("row_malformed",), "", ())
        for line, cells in enumerate(rows, 2)
    ]
    with TemporaryDirectory() as name:
        write_reports(Path(name), _summary_of(source, len(rows)), results)
        read_back = read(Path(name) / "rejected.csv", delimiter)
        if len(read_back[0]) == 1:
            read_back = read(Path(name) / "rejected.csv")
        assert len(read(Path(name) / "rejected.csv")) == len(rows) + 1, "a reader of commas counts as many"
    back = [[unguard_cell(cell) for cell in line] for line in read_back[1:]]
    assert [line[:4] for line in back] == [[*cells[:4], *[""] * (4 - len(cells))] for cells in rows]
    assert [line[6:] for line in back] == [list(cells[4:]) or [UNTOUCHED] for cells in rows]


def _summary_of(source: Source, rows: int) -> RunSummary:
    return RunSummary(
        "r", "check", "contoso", Target.BOTH, "", "", 1, (source,), (rows,), None, None, Traffic()
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_rejected_file_has_the_delimiter_of_its_input(
    tmp_path: Path, make_row: Make, make_source: MakeSource, make_summary: MakeSummary, delimiter: str
) -> None:
    source = make_source(delimiter=delimiter)
    cells = ("admin2@contoso.com", "a, b; c | d", "12", 'say "hi"')
    write_reports(tmp_path, make_summary(source), [make_row(2, Status.REJECTED, cells=cells)])
    header, line = read(tmp_path / "rejected.csv", delimiter)
    assert header == [*source.header, *REASON_COLUMNS]
    assert line[:4] == list(cells)


def test_inputs_of_one_header_and_several_delimiters_share_a_file_of_commas(
    tmp_path: Path, make_row: Make, make_source: MakeSource, make_summary: MakeSummary
) -> None:
    sources = make_source("a.csv"), make_source("b.csv", delimiter=";")
    rows = [make_row(2, Status.REJECTED, source=number) for number in (0, 1)]
    write_reports(tmp_path, make_summary(*sources, rows=(1, 1)), rows)
    assert [len(line) for line in read(tmp_path / "rejected.csv")] == [6, 6, 6]
