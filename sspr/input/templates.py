"""The input templates that come with the project: in a checkout beside the package, installed within it."""

from __future__ import annotations

from pathlib import Path

from sspr.input.errors import InputError

_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (_PACKAGE / "_project" / "input_templates", _PACKAGE.parent / "input_templates")
# The sample of the demo has no profile, its columns being the canonical ones.
SAMPLE = "sample"
# What the simulated tenant of the demo holds; no template of an input.
SAMPLE_ACCOUNTS = "sample-accounts"


def template_folder() -> Path:
    """The folder of the templates. Raises `InputError` where the installation lacks it."""
    for place in _PLACES:
        if place.is_dir():
            return place
    raise InputError("This installation has no input templates. Install sspr-onboarding again.")


def names() -> tuple[str, ...]:
    """The names of the templates, in alphabetical order."""
    return tuple(
        sorted(path.stem for path in template_folder().glob("*.csv") if path.stem != SAMPLE_ACCOUNTS)
    )


def template_path(name: str) -> Path:
    """The file of a template. Raises `InputError` that lists the names where there is none of this name."""
    if name not in names():
        raise InputError(f"There is no template {name!r}. There are {', '.join(names())}.")
    return template_folder() / f"{name}.csv"


def text(name: str) -> str:
    """The text of a template as it is printed, without the byte order mark."""
    return template_path(name).read_text(encoding="utf-8-sig")
