"""Which files are meant by what a person names."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sspr.input.errors import InputError
from sspr.input.places import Inputs, Listing, input_files


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _make(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def _nothing(url: str) -> Listing | None:
    raise AssertionError(f"{url} was looked for elsewhere")


def _named(*names: str) -> Inputs:
    return input_files(names, _nothing)


def _shown(*names: str) -> list[str]:
    return [shown for _, shown in _named(*names).files]


def test_files_keep_their_names_and_order(folder: Path) -> None:
    _make("b.csv", "a.anything")
    assert _named("b.csv", "a.anything", "none.csv").files == [
        (folder / "b.csv", "b.csv"),
        (folder / "a.anything", "a.anything"),
        (folder / "none.csv", "none.csv"),
    ]


def test_a_folder_stands_for_the_tables_directly_in_it(folder: Path) -> None:
    _make("in/b.csv", "in/A.CSV", "in/c.tsv", "in/d.Txt", "in/e.xlsx", "in/f.xlsm")
    _make("in/.hidden.csv", "in/~$e.xlsx", "in/notes.md", "in/below/g.csv", "in/folder.csv/h.csv")
    names = ["A.CSV", "b.csv", "c.tsv", "d.Txt", "e.xlsx", "f.xlsm"]
    for given in ("in", "in/", "./in", str(folder / "in")):
        assert _named(given).files == [(folder / "in" / name, str(Path(given) / name)) for name in names]


def test_files_of_one_name_are_told_apart_by_their_folders() -> None:
    _make("north/admins.csv", "south/admins.csv")
    assert _shown("north", "south") == [
        str(Path("north") / "admins.csv"),
        str(Path("south") / "admins.csv"),
    ]


def test_a_file_is_read_once_however_often_it_is_named() -> None:
    _make("in/a.csv", "in/b.csv")
    Path("link.csv").symlink_to("in/b.csv")
    assert _shown("in/b.csv", "in", "./in/a.csv", "link.csv", "-", "-") == [
        "in/b.csv",
        str(Path("in") / "a.csv"),
        "-",
    ]


def test_standard_input_stays_what_it_is() -> None:
    assert _named("-") == Inputs([(None, "-")])


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (["in/notes.md"], "holds no table"),
        (["in/.a.csv", "in/~$a.xlsx"], "holds no table"),
        (["in/results.csv", "in/report.json", "in/rejected.csv"], str(Path("in") / "rejected.csv")),
        (["in/a.csv", "in/old.XLS"], "holds old.XLS, which cannot be read"),
        (["in/a.csv", "in/b.numbers"], "holds b.numbers"),
    ],
)
def test_a_folder_that_is_refused(files: list[str], told: str) -> None:
    _make(*files)
    with pytest.raises(InputError) as error:
        _named("in")
    assert told in str(error.value)
    assert "in" in str(error.value)


def test_names_that_cannot_be_are_left_to_the_reader() -> None:
    assert _shown("x" * 5000, "a\0b") == ["x" * 5000, "a\0b"]


def test_a_home_folder_that_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match="no such home folder"):
        _named("~nobody-of-this-name/a.csv")


def test_what_a_folder_holds_besides_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.csv", "export", ".hidden", "~$a.xlsx"):
        (folder / name).touch()
    assert _named(str(folder), "-", str(folder / "a.csv")).left_out == [
        f"Not read in the folder {folder}: export, sub."
    ]
    (folder / "sub").rmdir()
    (folder / "export").unlink()
    assert _named(str(folder)).left_out == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are text")
def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    name = os.fsdecode(b"b\xe4d.csv")
    (tmp_path / name).touch()
    for given in (str(tmp_path / name), str(tmp_path)):
        with pytest.raises(InputError, match="is no text"):
            _named(given)


@pytest.mark.parametrize("form", ["{}", "file://{}", "file://localhost{}", "FILE://{}"])
def test_a_file_url_is_the_path_in_it(folder: Path, form: str) -> None:
    _make("in/a b.csv")
    there = folder / "in" / "a b.csv"
    for path in ("in", "in/a b.csv" if form == "{}" else "in/a%20b.csv"):
        assert _named(form.format(folder / path)).files == [(there, str(there))]


def test_a_file_url_of_another_machine_is_refused() -> None:
    with pytest.raises(InputError, match="three slashes"):
        _named("file://server/share/a.csv")


STORE = {
    "s3://b/in": Listing(["b.csv", "A.csv", "notes.md", ".x.csv", "c.xlsx"], ["2025"]),
    "s3://b": Listing([], ["in"]),
    "s3://b/old": Listing(["a.xls", "b.csv"]),
    "s3://b/out": Listing(["report.json", "results.csv", "rejected.csv"]),
}


def _look(url: str) -> Listing | None:
    return STORE.get(url.rstrip("/"))


@pytest.mark.parametrize(
    ("url", "files", "left_out"),
    [
        ("s3://b/in/b.csv", ["s3://b/in/b.csv"], []),
        ("S3://b/in/b.csv", ["s3://b/in/b.csv"], []),
        ("s3://b/in/any", ["s3://b/in/any"], []),
        *(
            (
                url,
                ["s3://b/in/A.csv", "s3://b/in/b.csv", "s3://b/in/c.xlsx"],
                [f"Not read in the folder {url}: 2025, notes.md."],
            )
            for url in ("s3://b/in", "s3://b/in/")
        ),
        ("s3://b/in/*.csv", ["s3://b/in/A.csv", "s3://b/in/b.csv"], []),
        ("s3://b/in/b*", ["s3://b/in/b.csv"], []),
    ],
)
def test_a_url_is_a_file_a_folder_or_a_pattern(url: str, files: list[str], left_out: list[str]) -> None:
    assert input_files([url, url], _look) == Inputs([(None, file) for file in files], left_out * 2)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("s3://b", "The folder s3://b/ holds no table"),
        ("s3://b/old", "The folder s3://b/old holds a.xls, which cannot be read"),
        ("s3://b/out", "name the file: s3://b/out/rejected.csv."),
        ("s3://b/in/*.ods", "No file is called like s3://b/in/*.ods."),
        ("s3://b/none/*.csv", "No file is called like s3://b/none/*.csv."),
        ("s3://b/*/a.csv", "* may stand in the last part only"),
    ],
)
def test_a_url_that_names_no_tables_is_refused(url: str, told: str) -> None:
    with pytest.raises(InputError) as error:
        input_files([url], _look)
    assert told in str(error.value)
