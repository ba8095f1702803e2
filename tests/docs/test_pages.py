"""Links lead somewhere, configurations load, recipes work, and messages are those that the code has."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import time
import tomllib
from functools import cache
from pathlib import Path

import pytest

from sspr.contacts.codes import Policy
from sspr.errors import CannotStart
from sspr.settings import load_settings
from sspr.tenancy import Tenancy
from sspr.tenant.credentials import certificate
from tests.docs.pages import PAGES, PROJECT, Block, anchors, blocks, headings, links, page

TOML = blocks("toml")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_within_the_project_leads_somewhere(path: Path) -> None:
    broken = []
    for target in links(path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            assert target.startswith("https://"), target
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        found = file.exists() and file.is_relative_to(PROJECT)
        if not found or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    readme = links(page("README.md"))
    assert [path.name for path in PAGES[1:] if f"docs/{path.name}" not in readme] == []


@pytest.mark.parametrize("block", TOML, ids=lambda block: block.page.name)
def test_every_configuration_loads(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "tenants.toml"
    path.write_text(block.text, encoding="utf-8")
    settings = load_settings(path)
    Policy(settings.policy)
    assert tomllib.loads(block.text), block.page.name


def test_the_configurations_of_the_set_up_lack_only_the_credential(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONTOSO_CLIENT_SECRET", "s3cr3t")
    checked = 0
    for number, block in enumerate(TOML):
        path = tmp_path / f"{number}.toml"
        path.write_text(block.text, encoding="utf-8")
        settings = load_settings(path)
        if "contoso" not in settings.tenants:
            continue
        checked += 1
        tenancy = Tenancy(settings, None)  # type: ignore[arg-type] # the ledger is not asked
        if settings.tenants["contoso"].credential == "certificate":
            with pytest.raises(CannotStart, match=r"contoso\.pem"):
                tenancy.check("contoso")
            (tmp_path / "contoso.pem").touch()
        tenancy.check("contoso")
        (tmp_path / "contoso.pem").unlink(missing_ok=True)
    assert checked >= 3


@pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the recipe is one for openssl, which is not here"
)
def test_the_recipe_for_a_certificate_makes_one_that_is_taken(tmp_path: Path) -> None:
    recipes = {block.text for block in blocks("sh") if "openssl" in block.text}
    (recipe,) = recipes  # the same in the README and in the set-up
    subprocess.run(["sh", "-ec", recipe], cwd=tmp_path, check=True, capture_output=True)
    assert certificate(tmp_path / "contoso.pem", time.time()).keys() == {"private_key", "public_certificate"}
    assert (tmp_path / "contoso.pem").stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["contoso.pem", "sspr.crt"]


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.page.name)
def test_every_python_example_imports_what_exists(block: Block) -> None:
    tree = ast.parse(block.text)
    imports: list[ast.stmt] = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports
    exec(compile(ast.Module(imports, []), block.page.name, "exec"), {})


@cache
def _said() -> str:
    """Every text in the code, f-strings with `…` for what they fill in."""
    texts = []
    for path in (PROJECT / "sspr").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values]
                texts.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return "\n".join(texts)


@pytest.mark.parametrize(
    "heading", [each for each in headings(page("docs/troubleshooting.md")) if each.startswith('"')]
)
def test_every_message_in_a_heading_is_one_that_the_code_has(heading: str) -> None:
    pieces = [piece.strip() for piece in heading.strip('"').split("…") if len(piece.strip(" :(.")) > 3]
    assert pieces
    assert [piece for piece in pieces if piece not in _said()] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_tables_are_whole(path: Path) -> None:
    """Each line of a table has as many cells as its header."""
    width = 0
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not (width and cells) or cells == width, f"line {number}"
        width = cells
