"""The project itself: what a wheel holds, what is pinned, what a light command may cost."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CODE = ("sspr", "flows", "tasks")
# Each costs 0.1 to 1.5 s of start-up, and `sspr template` needs none of them.
HEAVY = (
    "prefect",
    "fastapi",
    "pandas",
    "msal",
    "httpx",
    "sqlalchemy",
    "uvicorn",
    "starlette",
    "cryptography",
)


@pytest.fixture(scope="module")
def wheel_names(project: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_a_wheel_puts_nothing_but_sspr_into_site_packages(wheel_names: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel_names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"sspr"}


def test_a_wheel_carries_what_prefect_runs_as_the_checkout_lays_it_out(
    project: Path, wheel_names: list[str]
) -> None:
    carried = {
        name.removeprefix("sspr/_project/") for name in wheel_names if name.startswith("sspr/_project/")
    }
    sources = [path for room in ("flows", "tasks", "input_templates") for path in (project / room).rglob("*")]
    wanted = {
        str(path.relative_to(project))
        for path in sources
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert carried == wanted | {"prefect.yaml"}


def test_every_module_of_the_checkout_is_in_the_wheel(project: Path, wheel_names: list[str]) -> None:
    modules = {str(path.relative_to(project)) for path in (project / "sspr").rglob("*.py")}
    assert modules <= set(wheel_names)


def _pins(project: Path) -> dict[str, str]:
    text = (project / "requirements.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, flags=re.MULTILINE))


def test_the_pins_fulfil_what_the_project_asks_for(project: Path) -> None:
    declared = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [
        Requirement(line) for line in declared["dependencies"] + declared["optional-dependencies"]["dev"]
    ]
    pins = _pins(project)
    assert [str(r) for r in asked if not r.specifier.contains(pins.get(canonicalize_name(r.name), "0"))] == []


def test_every_pin_has_hashes_and_no_index_is_named(project: Path) -> None:
    text = (project / "requirements.txt").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[A-Za-z0-9._-]+==)", text, flags=re.MULTILINE)[1:]
    assert len(entries) > 50
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert re.findall(r"https?://|--(?:extra-)?index-url|--find-links", text) == []


def test_importing_the_command_loads_nothing_heavy() -> None:
    script = f"import sys, sspr.cli.main; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_no_module_of_a_flow_postpones_its_annotations(project: Path) -> None:
    """`flow.serve` cannot build the form of such a flow: every run fails at once (Prefect 3.8.8)."""
    modules = list((project / "flows").rglob("*.py"))
    assert modules
    futures = {
        path.name
        for path in modules
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    }
    assert futures == set()


def test_modules_have_one_subject(project: Path) -> None:
    lengths = {
        path: len(path.read_text("utf-8").splitlines())
        for room in CODE
        for path in (project / room).rglob("*.py")
    }
    assert lengths
    assert [str(path.relative_to(project)) for path, length in lengths.items() if length > 400] == []


def test_every_module_says_what_it_is_for(project: Path) -> None:
    modules = [path for room in CODE for path in (project / room).rglob("*.py")]
    silent = [path for path in modules if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert [str(path.relative_to(project)) for path in silent] == []
