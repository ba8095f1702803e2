"""Files as people send them: what is read, and what is refused in a sentence that helps."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sspr.errors import CannotStart
from sspr.input.blocks import Dialect
from sspr.input.errors import InputError
from sspr.input.table import ReadOptions, Table, open_table

HEADER = "user_principal_name,alternate_email,mobile_phone"
JANE = "jane@contoso.com,jane@fabrikam.com,+44 7911123456"
FIELDS = {
    "user_principal_name": "jane@contoso.com",
    "alternate_email": "jane@fabrikam.com",
    "mobile_phone": "+44 7911123456",
}


def _open(folder: Path, content: str | bytes, **options: object) -> Table:
    path = folder / "admins.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_table(path, "admins.csv", ReadOptions(**options))  # type: ignore[arg-type]


def _refusal(folder: Path, content: str | bytes, **options: object) -> str:
    with pytest.raises(InputError) as error:
        _open(folder, content, **options)
    return str(error.value)


def _zip(*names: str, **contents: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, contents.get(name, HEADER))
    return file.getvalue()


def _ole(part: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + part.encode("utf-16-le") + bytes(500)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("said", ["", "sep={}\r\n", '"sep={}"\n'])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_dialects(tmp_path: Path, delimiter: str, bom: bytes, said: str, end: str) -> None:
    text = f"{HEADER},note{end}{JANE},München{end}".replace(",", delimiter)
    table = _open(tmp_path, bom + said.format(delimiter).encode() + text.encode())
    assert table.source.delimiter == delimiter
    assert table.source.encoding == ("utf-8-sig" if bom else "utf-8")
    (row,) = table.rows()
    assert row.fields == {**FIELDS, "note": "München"}
    assert row.line == (3 if said else 2)


def test_the_source_tells_what_was_read(tmp_path: Path) -> None:
    content = f"employee_id,{HEADER},Cost Center\n7,{JANE},IT\n"
    source = _open(tmp_path, content).source
    assert source.name == "admins.csv"
    assert source.sha256 == hashlib.sha256(content.encode()).hexdigest()
    assert source.header == ("employee_id", *HEADER.split(","), "Cost Center")
    assert source.columns == {
        "employee_id": 0,
        "user_principal_name": 1,
        "alternate_email": 2,
        "mobile_phone": 3,
    }


def test_every_cell_is_text(tmp_path: Path) -> None:
    table = _open(tmp_path, f"{HEADER},country,employee_id\n{JANE},NA,007\n{JANE},null,1e5\n")
    assert [(row.fields["country"], row.fields["employee_id"]) for row in table.rows()] == [
        ("NA", "007"),
        ("null", "1e5"),
    ]


def test_the_delimiter_is_that_of_the_header_not_the_frequent_one(tmp_path: Path) -> None:
    table = _open(tmp_path, f"{HEADER},note\n{JANE},a;b;c;d;e;f\n{JANE},g;h;i;j;k;l\n")
    assert [row.fields["note"] for row in table.rows()] == ["a;b;c;d;e;f", "g;h;i;j;k;l"]


def test_lines_are_physical(tmp_path: Path) -> None:
    table = _open(tmp_path, f'\n{HEADER},note\n{JANE},"a\nb\n\nc"\n\n,,,\n{JANE},d\n')
    assert [(row.line, row.fields["note"]) for row in table.rows()] == [(3, "a\nb\n\nc"), (9, "d")]


def test_a_row_that_does_not_fit_is_a_row_with_a_reason_and_shifts_nothing(tmp_path: Path) -> None:
    table = _open(
        tmp_path, f'{HEADER},note\n{JANE}\n{JANE},a,b\n{JANE},"a"b\n{JANE},c,,\n{JANE},"open\n{JANE},d\n'
    )
    assert [(row.line, row.malformed, row.fields.get("note")) for row in table.rows()] == [
        (2, "3 cells, the header has 4", None),
        (3, "5 cells, the header has 4", None),
        (4, "a quote stands inside a cell", None),
        (5, "6 cells, the header has 4", None),
        (6, "a quote is opened and not closed", None),
        (7, None, "d"),
    ]
    assert [row.cells[0] for row in table.rows()] == ["jane@contoso.com"] * 6
    assert next(iter(table.rows())).fields == {}


@pytest.mark.parametrize(
    "header",
    [
        "User_Principal_Name;ALTERNATE EMAIL;Mobile.Phone",
        " user principal name ;alternate_email;\u200bmobile_phone",
        "ｕser_principal_name;alternate\u00a0email;mobile__phone",
    ],
)
def test_headers_are_compared_folded_and_kept_as_written(tmp_path: Path, header: str) -> None:
    table = _open(tmp_path, f"{header}\n{JANE}\n".replace(",", ";"))
    assert table.source.header == tuple(header.split(";"))
    assert next(iter(table.rows())).fields == FIELDS


def test_a_byte_order_mark_in_the_first_header_is_dropped(tmp_path: Path) -> None:
    for mark in ("\ufeff\ufeff", "ï»¿"):
        assert _open(tmp_path, f"{mark}{HEADER}\n{JANE}\n").source.header[0] == "user_principal_name"


def test_the_mapping_goes_before_the_names(tmp_path: Path) -> None:
    content = (
        "UPN,Private Mail,mobile_phone,Handy\njane@contoso.com,jane@fabrikam.com,office,+44 7911123456\n"
    )
    mapping = {"upn": "user_principal_name", "Private mail": "alternate_email", "Handy": "mobile_phone"}
    table = _open(tmp_path, content, mapping=mapping)
    (row,) = table.rows()
    assert row.fields == FIELDS
    assert row.cells[2] == "office"


@pytest.mark.parametrize(
    "header",
    [
        "password",
        "Initial password [passwordProfile] Required",
        "Password [Required]",
        "Passwort",
        "Mot de passe",
        "PWD",
    ],
)
def test_passwords_are_never_kept(tmp_path: Path, header: str) -> None:
    content = f"{header},{HEADER},note\nhunter2,{JANE},a\n,hunter2,{JANE},b\nhunter2,{JANE}\n"
    table = _open(tmp_path, content)
    assert table.source.header == (*HEADER.split(","), "note")
    assert table.source.notes[-1] == f'The password column "{header}" is not kept.'
    rows = list(table.rows())
    assert [row.malformed is None for row in rows] == [True, False, False]
    assert rows[0].fields == {**FIELDS, "note": "a"}
    assert all("hunter2" not in cell for row in rows for cell in row.cells)


def test_a_column_about_passwords_is_no_password(tmp_path: Path) -> None:
    names = ("Password never expires", "Last password change time stamp", "Strong password required")
    table = _open(tmp_path, f"{HEADER},{','.join(names)}\n{JANE},True,2026-01-01,True\n")
    assert table.source.header[3:] == names


def test_our_own_rejected_file_reads_back(tmp_path: Path) -> None:
    header = f"{HEADER},note,sspr_reason,sspr_message"
    table = _open(
        tmp_path, f"{header}\njane@contoso.com,'+x@y.org,'+44 7911123456,''=a,phone_invalid,Mend.\n"
    )
    assert table.source.header == (*HEADER.split(","), "note")
    (row,) = table.rows()
    assert row.cells == ("jane@contoso.com", "+x@y.org", "+44 7911123456", "'=a")


def test_a_foreign_file_keeps_its_apostrophes(tmp_path: Path) -> None:
    (row,) = _open(tmp_path, f"{HEADER},note\n{JANE},'=a\n").rows()
    assert row.fields["note"] == "'=a"


TYPES = "[Content_Types].xml"


@pytest.mark.parametrize(
    ("content", "kind", "advice"),
    [
        (_zip(TYPES, "xl/workbook.bin"), "an Excel binary workbook (.xlsb)", "save it as"),
        (_zip(TYPES, "word/document.xml"), "a Word document", "spreadsheet"),
        (_zip(TYPES, "ppt/presentation.xml"), "a PowerPoint presentation", "spreadsheet"),
        (
            _zip("mimetype", mimetype="application/vnd.oasis.opendocument.spreadsheet"),
            "an OpenDocument spreadsheet (.ods)",
            "CSV (UTF-8)",
        ),
        (_zip("mimetype", mimetype="application/vnd.oasis.opendocument.text"), "an OpenDocument file", "CSV"),
        (_zip("Index/Document.iwa"), "a Numbers or Pages document", "CSV (UTF-8)"),
        (_zip("a.csv"), "a zip archive of 1 file,", "Unpack it first"),
        (_zip("a.csv", "b.csv", "c/"), "a zip archive of 2 files,", "Unpack it first"),
        (_zip(), "a zip archive of 0 files,", "Unpack it first"),
        (_zip(TYPES, "xl/workbook.xml")[:-30], "damaged or cut off", "Fetch it again"),
        (_ole("Workbook"), "an Excel 97-2003 workbook (.xls)", '"Excel Workbook" (.xlsx)'),
        (_ole("EncryptedPackage"), "protected by a password", "remove the password"),
        (_ole("WordDocument"), "a Word 97-2003 document", "spreadsheet"),
        (_ole("__substg1.0_0037001F"), "an Outlook message", "attached"),
        (_ole("Unheard"), "an old Office document", "spreadsheet"),
        (b"%PDF-1.7\n", "a PDF document", "ask for the table itself"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image", "ask for"),
        (b"\xff\xd8\xff\xe0", "a JPEG image", "ask for"),
        (b"GIF89a", "a GIF image", "ask for"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "a WebP image", "ask for"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC image", "ask for"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "a video", "wrong file"),
        (b"BM\x36\0\x0c\0\0\0\0\0\x36\0\0\0\x28\0\0\0", "a BMP image", "ask for"),
        (b"II*\0\x08\0\0\0", "a TIFF image", "ask for"),
        (b"\x1f\x8b\x08\0", "a gzip archive", "Unpack"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "a 7-Zip archive", "Unpack"),
        (b"a.csv" + bytes(252) + b"ustar\x0000", "a tar archive", "Unpack"),
        (b"PAR1\x15\4", "a Parquet file", "as CSV"),
        (b"{\\rtf1\\ansi", "a rich text document", "spreadsheet"),
        (b"<!DOCTYPE html><html>", "a web page", "save it as"),
        (b"\xef\xbb\xbf <html><table>", "a web page", "save it as"),
        ("<html><table>".encode("utf-16"), "a web page", "save it as"),
        (b"<?xml version='1.0'?>\n<!DOCTYPE html><html>", "a web page", "save it as"),
        (
            b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n<Workbook xmlns="x">',
            "an XML spreadsheet of Excel 2003",
            '"Excel Workbook" (.xlsx)',
        ),
        (b"<?xml version='1.0'?><users/>", "an XML document", "as CSV"),
        (b'[{"user_principal_name": 1}]', "a JSON document", "as CSV"),
        (b'{"value": []}', "a JSON document", "as CSV"),
        (b"BEGIN:VCARD\r\nVERSION:3.0\r\n", "an address card (vCard)", "as CSV"),
        (b"version: 1\n\ndn: cn=Jane,dc=contoso\nmail: x\n", "an LDIF file", "as CSV"),
        (b"dn:: Y249SmFuZQ==\nmail: x\n", "an LDIF file", "as CSV"),
        (b"From: Jane\r\nSubject: list,\r\n of us\r\nMIME-Version: 1.0\r\n", "an e-mail message", "attached"),
        (b"-----BEGIN CERTIFICATE-----\n", "a key, a certificate", "wrong file"),
        (b"#!/bin/sh\n", "a script", "wrong file"),
        (b"[InternetShortcut]\r\nURL=https://x\r\n", "a shortcut to a web page", "Download"),
        (b"abc\0\x01\x02\0\0def\xff", "a binary file", "wrong file"),
    ],
)
def test_what_is_no_table_is_called_what_it_is(
    tmp_path: Path, content: bytes, kind: str, advice: str
) -> None:
    told = _refusal(tmp_path, content)
    assert kind in told
    assert advice in told
    assert told.startswith("admins.csv is ")


@pytest.mark.parametrize("first", ["PK", "BM", "dn", "From", "MZ", "Obj", "ORC", "BMI:", "version"])
def test_a_header_that_begins_as_another_format_does_is_a_header(tmp_path: Path, first: str) -> None:
    table = _open(tmp_path, f"{first},{HEADER}\nx,{JANE}\n")
    assert table.source.header[0] == first


def test_a_zero_byte_spoils_its_row_and_not_the_file(tmp_path: Path) -> None:
    table = _open(tmp_path, f"{HEADER}\n{JANE}\nj\0ane,x,y\n{JANE}\n")
    assert [row.malformed for row in table.rows()] == [None, "a zero byte stands in it", None]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_cells_in_single_quotes(tmp_path: Path, delimiter: str) -> None:
    rows = ["'user_principal_name','alternate_email','mobile_phone','note'"]
    rows.append("'jane@contoso.com','jane@fabrikam.com','+44 7911123456','John''s, or; whose'")
    text = "\r\n".join(row.replace("','", f"'{delimiter}'") for row in rows)
    table = _open(tmp_path, text)
    assert table.dialect == Dialect(delimiter, "'")
    (row,) = table.rows()
    assert row.fields == {**FIELDS, "note": "John's, or; whose"}


def test_an_apostrophe_in_a_cell_quotes_nothing(tmp_path: Path) -> None:
    (row,) = _open(tmp_path, f"{HEADER},note\n{JANE},'it's\n").rows()
    assert row.fields["note"] == "'it's"


@pytest.mark.parametrize("character", ["\u2028", "\x0b", "\x0c", "\x1c", "\x85"])
def test_what_is_no_line_end_in_a_file_ends_no_line(tmp_path: Path, character: str) -> None:
    table = _open(tmp_path, f"{HEADER},note\n{JANE},a{character}b\n{JANE},c\n")
    assert [(row.line, row.fields["note"]) for row in table.rows()] == [(2, f"a{character}b"), (3, "c")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (f"{HEADER}\n", "no rows"),
        (f"{HEADER}\n,,\n\n", "no rows"),
        (
            "user_principal_name,Private Mail\nx,y\n",
            'alternate_email and mobile_phone. Found: "user_principal_name", "Private Mail"',
        ),
        (f"{HEADER},Mobile Phone\n{JANE},1\n", "2 times (columns 3 and 4)"),
        (f"{HEADER},country,Country\n{JANE},a,b\n", "2 times"),
        (f'"{HEADER}\n{JANE}\n', "the header on line 1 cannot be read"),
    ],
)
def test_what_stops_a_file(tmp_path: Path, content: str | bytes, told: str) -> None:
    assert told in _refusal(tmp_path, content)


def test_a_repeated_column_that_decides_nothing_is_no_fault(tmp_path: Path) -> None:
    (row,) = _open(tmp_path, f"{HEADER},note,note\n{JANE},first,second\n").rows()
    assert row.fields["note"] == "first"
    assert row.cells[3:] == ("first", "second")


def test_a_file_without_header_is_told_so_without_its_data(tmp_path: Path) -> None:
    told = _refusal(tmp_path, f"{JANE}\n{JANE}\n")
    assert "seems to hold data" in told
    for secret in ("jane", "fabrikam", "7911"):
        assert secret not in told


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ({"Private": "alternate_email"}, 'no column "Private"'),
        ({"note": "alternative"}, "no column 'alternative'"),
        ({"password": "note"}, "never read"),
        ({"note": "country", "password": "note"}, "never read"),
        ({"note": "country", "mobile_phone": "country"}, "two headers for country"),
    ],
)
def test_a_mapping_that_fits_nothing(tmp_path: Path, mapping: dict[str, str], told: str) -> None:
    assert told in _refusal(tmp_path, f"{HEADER},note,password\n{JANE},a,b\n", mapping=mapping)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    too_long = tmp_path / ("x" * 5000)
    refusals = (
        (tmp_path / "none.csv", "There is no file"),
        (tmp_path, "is a folder"),
        (too_long, "cannot be read"),
        (Path("/dev/null"), "is a pipe or a device"),
        (tmp_path / "a\0b", "cannot be a file's name"),
    )
    for path, told in refusals:
        with pytest.raises(CannotStart, match=told):
            open_table(path, path.name, ReadOptions())


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"\xff\xfe", b"a,b\n\xff", HEADER.encode(), b'"', b"sep=;\n", b"sep=\n"]
)
def test_refusals_are_one_or_two_sentences_that_name_the_file(tmp_path: Path, content: bytes) -> None:
    told = _refusal(tmp_path, content)
    assert "admins.csv" in told
    assert "\n" not in told
    assert len(told) < 400


@given(
    content=st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=200).map(lambda tail: f"{HEADER}\n{JANE}\n".encode() + tail),
    )
)
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        rows = list(open_table(path, "any.csv", ReadOptions()).rows())
    except InputError:
        return
    assert rows
    assert all((row.malformed is None) == bool(row.fields) for row in rows)


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    table = _open(tmp_path, f"{HEADER}\n{JANE}\n")
    path = tmp_path / "admins.csv"
    path.write_bytes(path.read_bytes() + b"\xff")
    with pytest.raises(InputError, match="changed or removed"):
        list(table.rows())
    path.unlink()
    with pytest.raises(InputError, match="changed or removed"):
        list(table.rows())


def test_a_separator_too_many_is_seen_where_the_last_cell_is_blank(tmp_path: Path) -> None:
    """`Pemberton, Oliver` without quotes: the cells behind it stand one column too far to the right."""
    header = "user_principal_name,display_name,Work Mobile,mobile_phone,Old Email,alternate_email,note"
    row = "b@contoso.com,Pemberton, Oliver,+447400555002,+447400123002,old2@gmail.com,b.home@gmail.com,"
    (only,) = _open(tmp_path, f"{header}\n{row}\n").rows()
    assert only.malformed == "8 cells, the header has 7"


def test_a_value_behind_the_last_named_column_is_seen(tmp_path: Path) -> None:
    """What Excel makes of such a row when it saves the file again: every line as wide as the widest."""
    header = "user_principal_name,display_name,Work Mobile,mobile_phone,Old Email,alternate_email,"
    good = "a@contoso.com,Ann,+447400555001,+447400123001,old@gmail.com,a.home@gmail.com,"
    bad = "b@contoso.com,Pemberton, Oliver,+447400555002,+447400123002,old2@gmail.com,b.home@gmail.com"
    rows = list(_open(tmp_path, f"{header}\n{good}\n{bad}\n").rows())
    assert [row.malformed for row in rows] == [None, "a value stands behind the last column that has a name"]


def test_a_line_in_one_pair_of_quotes_is_called_that(tmp_path: Path) -> None:
    _, second = _open(tmp_path, f'{HEADER}\n{JANE}\n"{JANE}"\n').rows()
    assert second.malformed == "the whole line is in one pair of quotes"


@pytest.mark.parametrize(
    ("rows", "fits"),
    [
        ([f"{JANE},a,", f"{JANE},b,"], [True, True]),
        ([f"{JANE},a,,,", f"{JANE},b,,,", f"{JANE},c,,"], [False, False, False]),  # no habit
        ([f"{JANE},a,"], [False]),  # one row is no habit
        ([f"{JANE},a,", f"{JANE},b,", *[f"{JANE},c,"] * 20, f"{JANE},d"], [True] * 22 + [True]),
        ([f"{JANE}, Oliver,", f"{JANE}, Anna,"], [False, False]),  # Pemberton, Oliver
        ([f"{JANE},a,x", f"{JANE},b,"], [False, False]),
    ],
)
def test_separators_behind_every_row_shift_nothing(tmp_path: Path, rows: list[str], fits: list[bool]) -> None:
    table = _open(tmp_path, "\n".join((f"{HEADER},note", *rows)) + "\n")
    assert [row.malformed is None for row in table.rows()] == fits


def test_a_cell_split_in_two_is_seen_where_the_last_columns_are_blank(tmp_path: Path) -> None:
    header = f"{HEADER},name,a,b,"
    rows = list(_open(tmp_path, f"{header}\n{JANE},Ann,,,\n{JANE},Pemberton, Oliver,,\n").rows())
    assert [row.malformed for row in rows] == [
        None,
        "a cell begins with a space, as where a cell was split in two",
    ]


@pytest.mark.parametrize("spoil", [b"\xff\xff\xff\xff", b"\0\0\0\0"])
def test_an_archive_that_cannot_be_unpacked_is_refused(tmp_path: Path, spoil: bytes) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet" * 20)
    content = file.getvalue()
    start = content.index(b"mimetype") + len("mimetype")
    assert "not a CSV file" in _refusal(tmp_path, content[:start] + spoil + content[start + len(spoil) :])
