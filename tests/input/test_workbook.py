"""Workbooks: the text of every cell as its owner sees it, and no row lost or invented."""

from __future__ import annotations

import datetime as dt
import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.utils.datetime import MAC_EPOCH

from sspr.input.cell_text import cell_text
from sspr.input.errors import InputError
from sspr.input.table import ReadOptions, Table, open_table

HEADER = ("user_principal_name", "alternate_email", "mobile_phone", "note")
JANE = ("jane@contoso.com", "jane@fabrikam.com", "+44 7911123456")


def _saved(workbook: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def _workbook(*rows: Sequence[object], change: Callable[[Any], object] | None = None) -> bytes:
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = "Admins"
    for row in rows:
        sheet.append(list(row))
    if change is not None:
        change(sheet)
    return _saved(workbook)


def _with_notes(*notes: object, change: Callable[[Any], object] | None = None) -> bytes:
    return _workbook(HEADER, *((*JANE, note) for note in notes), change=change)


def _altered(content: bytes, changes: Mapping[str, Callable[[str], str] | None]) -> bytes:
    """The workbook with parts changed, or left out."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            change = changes.get(name, str)
            if change is not None:
                new.writestr(name, change(old.read(name).decode()))
    return file.getvalue()


def _sheet(content: bytes, old: str, new: str) -> bytes:
    def change(xml: str) -> str:
        assert re.search(old, xml)
        return re.sub(old, new, xml, count=1)

    return _altered(content, {"xl/worksheets/sheet1.xml": change})


def _shared(content: bytes) -> bytes:
    """The workbook with its texts where Excel puts them: in a part of their own, once each."""
    texts: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        return f't="s"><v>{texts.setdefault(match[1], len(texts))}</v>'

    def move(xml: str) -> str:
        return re.sub(r't="inlineStr"><is>(.*?)</is>', number, xml, flags=re.DOTALL)

    def list_part(xml: str) -> str:
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
        override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/>'
        return xml.replace("</Types>", override + "</Types>")

    def relate(xml: str) -> str:
        kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
        relation = f'<Relationship Id="rIdX" Type="{kind}" Target="sharedStrings.xml"/>'
        return xml.replace("</Relationships>", relation + "</Relationships>")

    parts = {
        "xl/worksheets/sheet1.xml": move,
        "[Content_Types].xml": list_part,
        "xl/_rels/workbook.xml.rels": relate,
    }
    moved = _altered(content, parts)
    file = io.BytesIO(moved)
    with zipfile.ZipFile(file, "a") as archive:
        items = "".join(f"<si>{text}</si>" for text in texts)
        namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{namespace}">{items}</sst>')
    return file.getvalue()


def _open(folder: Path, content: bytes, name: str = "admins.xlsx") -> Table:
    path = folder / name
    path.write_bytes(content)
    return open_table(path, name, ReadOptions())


def _notes(folder: Path, content: bytes) -> list[str]:
    return [row.fields["note"] for row in _open(folder, content).rows()]


def _refusal(folder: Path, content: bytes) -> str:
    with pytest.raises(InputError) as error:
        list(_open(folder, content).rows())
    assert "admins.xlsx" in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", ["admins.xlsx", "admins.xlsm", "admins.csv", "admins"])
def test_a_workbook_is_read_whatever_its_name(tmp_path: Path, name: str) -> None:
    table = _open(tmp_path, _with_notes("x"), name)
    assert (table.source.encoding, table.source.delimiter, table.source.notes[:-2]) == ("xlsx", ",", ())
    assert table.source.header == HEADER
    (row,) = table.rows()
    assert (row.line, row.cells, row.malformed) == (2, (*JANE, "x"), None)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("+44 7911123456", "+44 7911123456"),
        ("00447911123456", "00447911123456"),
        ("=+44", "=+44"),
        ("'x", "'x"),
        (" a\nb ", " a\nb "),
        ("山田 \U0001f600", "山田 \U0001f600"),
        ("<&>\"'", "<&>\"'"),
        (447911123456, "447911123456"),
        (447911123456.0, "447911123456"),
        (7911123456, "7911123456"),
        (0, "0"),
        (-5, "-5"),
        (0.1, "0.1"),
        (1e20, "100000000000000000000"),
        (1.5e-7, "0.00000015"),
        (True, "TRUE"),
        (False, "FALSE"),
        ("#N/A", "#N/A"),
        (dt.date(2026, 11, 23), "2026-11-23"),
        (dt.datetime(2026, 11, 23, 14, 5, 6), "2026-11-23 14:05:06"),  # noqa: DTZ001
        (dt.time(7, 30), "07:30:00"),
        (CellRichText("Jane ", TextBlock(InlineFont(b=True), "Doe")), "Jane Doe"),
        (None, ""),
    ],
)
def test_the_text_of_a_cell(tmp_path: Path, value: object, text: str) -> None:
    def change(sheet: Any) -> None:
        if text.startswith("=+"):
            sheet["D2"].data_type = "s"

    content = _with_notes(value, change=change)
    assert _notes(tmp_path, content) == [text]
    assert _notes(tmp_path, _shared(content)) == [text]


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (7911123456, "00000000000", "07911123456"),
        (7911123456, "00000 000000", "07911 123456"),
        (2015550123, "(000) 000-0000", "(201) 555-0123"),
        (2015550123, "###-###-####", "201-555-0123"),
        (2015550123, r"000\-0000", "201555-0123"),
        (447911123456, '"+"0', "+447911123456"),
        (447911123456, r"\+#", "+447911123456"),
        (447911123456, "+00 0000 000000", "+44 7911 123456"),
        (7, "00000;-0;0", "00007"),
        (0, "0", "0"),
        (0, "#", ""),
        (447911123456, "General", "447911123456"),
        (447911123456, "@", "447911123456"),
        (447911123456, "0.00E+00", "447911123456"),
        (447911123456, "#,##0", "447911123456"),
        (4.47911123456e11, "0", "447911123456"),
        (4.479e11, "General", "447900000000"),
        (447911123456, "0.00", "447911123456"),
        (0.25, "0%", "0.25"),
        (7911123456, "[<=9999999]###\\-####;\\(###\\)\\ ###\\-####", "7911123456"),
        (7911123456, '"Handy: "0', "Handy: 7911123456"),
        (-7, "00000", "-7"),
        (45000, "dd/mm/yyyy", "2023-03-15"),
        (45000.5, "[$-409]m/d/yy h:mm AM/PM;@", "2023-03-15 12:00:00"),
        (1, "yyyy-mm-dd", "1900-01-01"),
        (0.25, "hh:mm", "06:00:00"),
        (447911123456, "yyyy-mm-dd", "447911123456"),
        (12345678901234500000, "", "12345678901234500000"),
    ],
)
def test_a_number_is_what_its_owner_sees_and_never_rounded(value: float, code: str, text: str) -> None:
    assert cell_text(value, code) == text


def test_days_since_1904() -> None:
    assert cell_text(43538, "yyyy-mm-dd", MAC_EPOCH) == "2023-03-15"


@given(st.integers(0, 10**15), st.sampled_from(["", "0", "000000", "00 00", "#,##0", "General", "@", "0.00"]))
def test_no_format_changes_the_digits_of_a_number(number: int, code: str) -> None:
    for value in (number, float(number)):
        assert int(re.sub(r"\D", "", cell_text(value, code))) == number


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a_x000D_b", "a\rb"),
        ("_xD83D_", "_xD83D_"),
        ("a_x0000_b", "a_x0000_b"),
        ("user_x0041_", "user_x0041_"),
    ],
)
def test_of_the_escapes_of_the_format_only_the_end_of_a_line_is_read(
    tmp_path: Path, written: str, read: str
) -> None:
    assert _notes(tmp_path, _with_notes(written)) == [read]
    assert _notes(tmp_path, _shared(_with_notes(written))) == [read]


def test_lines_are_the_numbers_of_the_rows(tmp_path: Path) -> None:
    content = _workbook(
        (), ("Report of administrators",), (), HEADER, (*JANE, "a"), (), (None, " "), (*JANE, "b")
    )
    content = _altered(
        content, {"xl/worksheets/sheet1.xml": lambda xml: xml.replace("Report of administrators", "")}
    )
    assert [(row.line, row.fields["note"]) for row in _open(tmp_path, content).rows()] == [(5, "a"), (8, "b")]


def test_rows_and_cells_without_references_stand_one_after_the_other(tmp_path: Path) -> None:
    content = _altered(
        _with_notes("x"), {"xl/worksheets/sheet1.xml": lambda xml: re.sub(r' r="[A-Z]*[0-9]+"', "", xml)}
    )
    assert [(row.line, row.cells) for row in _open(tmp_path, content).rows()] == [(2, (*JANE, "x"))]


def test_blank_cells_keep_their_place(tmp_path: Path) -> None:
    content = _workbook(HEADER, (JANE[0], None, JANE[2], None), (None, None, None, "x"))
    assert [row.cells for row in _open(tmp_path, content).rows()] == [
        (JANE[0], "", JANE[2], ""),
        ("", "", "", "x"),
    ]


def test_a_cell_right_of_the_table_makes_its_row_alone_doubtful(tmp_path: Path) -> None:
    rows = [(*JANE, "x")] * 30 + [(*JANE, "x", None, "stray")]
    table = _open(tmp_path, _workbook(HEADER, *rows))
    assert [row.malformed for row in table.rows()] == [None] * 30 + ["6 cells, the header has 4"]


@pytest.mark.parametrize("written", ["a\0b", "a&#0;b", "a&#xD83D;b"])
def test_what_is_no_character_gets_into_no_cell(tmp_path: Path, written: str) -> None:
    assert "damaged" in _refusal(tmp_path, _sheet(_with_notes("zero"), "zero", written))


def _prefixed(xml: str) -> str:
    return re.sub(r"<(/?)(?=[a-zA-Z])", r"<\1x:", xml).replace("xmlns=", "xmlns:x=")


PARTS = ("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml")


def test_other_writers_name_the_elements_otherwise(tmp_path: Path) -> None:
    content = _altered(_shared(_with_notes(7)), dict.fromkeys(PARTS, _prefixed))
    assert _notes(tmp_path, content) == ["7"]


def test_the_strict_variant_of_the_format_is_refused_by_its_name(tmp_path: Path) -> None:
    def strict(xml: str) -> str:
        return xml.replace(
            "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
            "http://purl.oclc.org/ooxml/spreadsheetml/main",
        ).replace(
            "http://schemas.openxmlformats.org/officeDocument/2006",
            "http://purl.oclc.org/ooxml/officeDocument",
        )

    parts = (*PARTS, "xl/_rels/workbook.xml.rels", "_rels/.rels")
    assert "Strict Open XML" in _refusal(tmp_path, _altered(_with_notes(7), dict.fromkeys(parts, strict)))


def test_what_no_table_needs_may_be_odd(tmp_path: Path) -> None:
    content = _altered(
        _with_notes(7),
        {
            "xl/styles.xml": lambda xml: re.sub(r"<fill>.*?</fill>", "<fill><odd/></fill>", xml),
            "xl/worksheets/sheet1.xml": lambda xml: xml.replace(
                "</sheetData>", '</sheetData><pageSetup scale="odd"/><extLst><ext uri="odd"/></extLst>'
            ),
            "docProps/core.xml": lambda _: "odd",
        },
    )
    assert _notes(tmp_path, content) == ["7"]


def test_how_a_text_is_pronounced_is_no_part_of_it(tmp_path: Path) -> None:
    content = _sheet(_with_notes("x"), "<t>x</t>", "<t>山田</t><rPh sb='0' eb='2'><t>ヤマダ</t></rPh>")
    assert _notes(tmp_path, _shared(content)) == ["山田"]
    assert _notes(tmp_path, content) == ["山田"]


@pytest.mark.parametrize(
    "change",
    [
        lambda sheet: sheet.row_dimensions[2].__setattr__("hidden", True),
        lambda sheet: sheet.column_dimensions["D"].__setattr__("hidden", True),
        lambda sheet: sheet.auto_filter.add_filter_column(0, ["nobody"]),
        lambda sheet: sheet.merge_cells("A5:B6"),
    ],
)
def test_what_is_hidden_or_filtered_out_is_read(tmp_path: Path, change: Callable[[Any], object]) -> None:
    assert _notes(tmp_path, _with_notes("a", "b", change=change)) == ["a", "b"]


def test_a_formula_without_value_makes_its_row_alone_doubtful(tmp_path: Path) -> None:
    table = _open(tmp_path, _workbook(HEADER, (*JANE, "=1+1"), (*JANE, "x"), (None, None, None, "=1+1")))
    first, second = table.rows()
    assert "formula in it holds no value" in (first.malformed or "")
    assert second.malformed is None


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('<c r="D2"><f>A1</f><v>447911123456</v></c>', "447911123456"),
        ('<c r="D2" t="str"><f>A1</f><v>+44 x</v></c>', "+44 x"),
        ('<c r="D2" t="str"><f>""</f><v></v></c>', ""),
        ('<c r="D2" t="e"><f>NA()</f><v>#N/A</v></c>', "#N/A"),
        ('<c r="D2" t="b"><v>1</v></c>', "TRUE"),
        ('<c r="D2" t="d"><v>2026-11-23T00:00:00</v></c>', "2026-11-23"),
        ('<c r="D2" t="d"><v>2026-11-23T14:05:06</v></c>', "2026-11-23 14:05:06"),
        ('<c r="D2" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c>', "ab"),
        ('<c r="D2" s="999"><v>5</v></c>', "5"),
        ('<c r="D2" s=""><v>5</v></c>', "5"),
    ],
)
def test_the_stored_value_of_a_cell_counts(tmp_path: Path, cell: str, text: str) -> None:
    table = _open(tmp_path, _sheet(_with_notes("x"), '<c r="D2".*?</c>', cell))
    assert [row.fields["note"] for row in table.rows()] == [text]
    assert table.source.notes[:-2] == ()


def _with_sheets(**sheets: Sequence[Sequence[object]]) -> openpyxl.Workbook:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    return workbook


ADMINS = (HEADER, (*JANE, "x"))


def test_the_sheet_that_is_a_table_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    book = _with_sheets(Read_me=[["Fill in the next sheet"]], Admins=ADMINS, Empty=[], Blank=[HEADER])
    table = _open(tmp_path, _saved(book))
    assert [row.fields["note"] for row in table.rows()] == ["x"]
    assert table.source.notes[:-2] == ('Only the sheet "Admins" was read, not "Read_me", "Blank".',)
    assert table.source.name == "admins.xlsx"


def test_two_sheets_of_administrators_are_not_chosen_between(tmp_path: Path) -> None:
    told = _refusal(tmp_path, _saved(_with_sheets(North=ADMINS, Other=[["x"]], South=ADMINS)))
    assert '"North", "South"' in told
    assert "Other" not in told


def test_a_hidden_sheet_is_not_read_in_secret(tmp_path: Path) -> None:
    book = _with_sheets(Seen=[["nothing"]], Unseen=ADMINS)
    book["Unseen"].sheet_state = "hidden"
    assert 'sheet "Unseen" is hidden' in _refusal(tmp_path, _saved(book))
    book = _with_sheets(Seen=ADMINS, Unseen=ADMINS)
    book["Unseen"].sheet_state = "veryHidden"
    assert _open(tmp_path, _saved(book)).source.notes[:-2] == (
        'Only the sheet "Seen" was read, not "Unseen".',
    )


def test_a_workbook_without_table_says_what_the_likeliest_sheet_lacks(tmp_path: Path) -> None:
    told = _refusal(tmp_path, _saved(_with_sheets(Cover=[["Hello"]], Data=[(*HEADER[:2], "Pager"), JANE])))
    assert 'sheet "Data"' in told
    assert "mobile_phone" in told
    assert "is empty" in _refusal(tmp_path, _saved(_with_sheets(A=[], B=[])))
    assert "no rows" in _refusal(tmp_path, _saved(_with_sheets(A=[HEADER])))


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("<worksheet", f"{BOMB}<worksheet", "damaged or cut off"),
        ('r="3"', 'r="1048577"', "not numbered"),
        ('r="3"', 'r="2"', "not numbered"),
        ('r="3"', 'r="many"', "damaged or cut off"),
        ('r="3"', 'r="999999999999"', "not numbered"),
        ('r="B2"', 'r="AAAAAAAAAAAA2"', "damaged or cut off"),
        ('r="B2"', 'r="C2"', "two cells"),
        ('<c r="B2"', "<c/>" * 16_384 + '<c r="B2"', "more cells than a sheet has columns"),
        ('r="B2"', 'r="A2"', "two cells"),
        ("<v>4</v>", "<v>4000</v>", "not there"),
        ("<v>4</v>", "<v>-1</v>", "not there"),
        ("</sheetData>", "", "damaged or cut off"),
        ("<v>4</v>", "<v>four</v>", "damaged or cut off"),
    ],
)
def test_a_damaged_sheet_is_refused_as_a_whole(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert told in _refusal(tmp_path, _sheet(_shared(_with_notes("a", "b")), old, new))


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml"])
def test_a_missing_part_is_told(tmp_path: Path, part: str) -> None:
    assert "damaged" in _refusal(tmp_path, _altered(_with_notes("a"), {part: None}))


def test_a_workbook_without_styles_is_read(tmp_path: Path) -> None:
    parts = {
        "xl/styles.xml": None,
        "docProps/core.xml": None,
        "xl/_rels/workbook.xml.rels": lambda xml: re.sub(r"<Relationship [^>]*styles[^>]*>", "", xml),
        "[Content_Types].xml": lambda xml: re.sub(r"<Override [^>]*styles[^>]*>", "", xml),
    }
    assert _notes(tmp_path, _altered(_with_notes(7), parts)) == ["7"]


@pytest.mark.parametrize("named", [str.swapcase, lambda name: name.replace("/", "\\")])
def test_parts_are_found_in_any_case_and_by_either_slash(tmp_path: Path, named: Callable[[str], str]) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(_shared(_with_notes("x", 7)))) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(named(name), old.read(name))
    assert _notes(tmp_path, file.getvalue()) == ["x", "7"]


@pytest.mark.parametrize("place", [0.3, 0.6, 0.9])
def test_a_workbook_that_is_cut_off_is_refused(tmp_path: Path, place: float) -> None:
    content = _with_notes(*(f"note {number}" for number in range(500)))
    assert "damaged or cut off" in _refusal(tmp_path, content[: int(len(content) * place)])


def test_what_unpacks_to_more_than_a_table_has_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sspr.input.workbook._LARGEST", 1 << 16)
    assert "more than any table has" in _refusal(tmp_path, _with_notes(*["x"] * 2000))


def test_what_is_packed_as_no_table_is_packed_is_refused(tmp_path: Path) -> None:
    file = io.BytesIO(_with_notes("x"))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/more.xml", b"<c/>" * (3 << 20))
    assert "more than any table has" in _refusal(tmp_path, file.getvalue())


def test_the_reader_of_workbooks_is_not_loaded_before_there_is_one() -> None:
    code = "import sspr.input.table, sys; sys.exit('openpyxl' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_sheet_that_claims_to_be_huge_is_read_as_it_is(tmp_path: Path) -> None:
    content = _sheet(_with_notes("a"), '<dimension ref="[^"]*"', '<dimension ref="A1:XFD1048576"')
    assert _notes(tmp_path, content) == ["a"]


CELL = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=8).filter(
        lambda text: not text.startswith("=") and "_x" not in text
    ),
    st.integers(-(10**15), 10**15),
    st.booleans(),
    st.none(),
)


@given(st.lists(st.lists(CELL, min_size=1, max_size=5), min_size=1, max_size=6))
def test_every_cell_reads_as_openpyxl_reads_it_at_leisure(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[object]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.xlsx"
    content = _workbook((*HEADER, *"abcde"), *((*JANE, "", *row) for row in rows))
    path.write_bytes(_shared(content) if len(rows) % 2 else content)
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    table = open_table(path, "any.xlsx", ReadOptions())
    for row in table.rows():
        values = [cell.value for cell in sheet[row.line]]
        expected = [
            "" if value is None else str(value).upper() if isinstance(value, bool) else str(value)
            for value in values
        ]
        assert row.malformed is None
        assert list(row.cells) == (expected + [""] * 20)[: len(row.cells)]
