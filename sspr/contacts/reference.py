"""`docs/reason-codes.md`, printed from the table: `python -m sspr.contacts.reference > docs/reason-codes.md`."""

from __future__ import annotations

import sys
from collections.abc import Callable

from sspr.contacts.table import CODES, Code, Loss

_HEAD = """\
# Reason codes

Printed from `sspr/contacts/table.py`. Each code that stands in the columns `reason` and `warnings` of
`results.csv` is one of these; the column `message` says the same in words.

An *error* rejects the row (the codes said of the run make it `failed`), a *warn* is shown and the row goes on.
A `[policy]` table in `tenants.toml` changes a code to `error`, `warn` or `ignore`:

```toml
[policy]
not_an_administrator = "error"   # write to administrators only
phone_missing = "warn"           # a row without a mobile phone goes on with its email alone
```

A value that was refused is never written, whatever the policy says: softening such a code lets the rest of
the row go on, and a row of which nothing is left is rejected all the same. The codes marked *always error* cannot be
softened, because nothing could be written where they are said.
`synced_from_on_premises` is a warning where the target includes methods.

## All codes

| code | column | default | what is wrong |
|---|---|---|---|
"""


def _of_account(code: Code) -> bool:
    return code.code.startswith("user_") or code.code in ("not_an_administrator", "synced_from_on_premises")


_GROUPS: tuple[tuple[str, Callable[[Code], bool]], ...] = (
    ("The account column", lambda code: code.column == "user_principal_name" and not _of_account(code)),
    ("The alternate email", lambda code: code.column == "alternate_email"),
    ("The mobile phone", lambda code: code.column == "mobile_phone"),
    ("The account, as the tenant knows it", _of_account),
    ("The line, and the run", lambda code: not code.column),
)


def render() -> str:
    """The page, as Markdown with a line feed at its end."""
    parts = [_HEAD, *map(_line, CODES)]
    for title, belongs in _GROUPS:
        parts.append(f"\n## {title}\n")
        parts.extend(_entry(code) for code in CODES if belongs(code))
    return "".join(parts)


def _default(code: Code) -> str:
    return "always error" if code.loss is Loss.ROW else str(code.severity)


def _line(code: Code) -> str:
    column = f"`{code.column}`" if code.column else ""
    return f"| [`{code.code}`](#{code.code}) | {column} | {_default(code)} | {code.text} |\n"


def _entry(code: Code) -> str:
    by_default = "" if code.loss is Loss.ROW else " by default"
    return (
        f"\n### `{code.code}`\n\n{code.text} *({_default(code)}{by_default})*\n\n"
        f"- Why: {code.why}\n- What to do: {code.mend}\n- Source: {code.source}\n"
    )


if __name__ == "__main__":
    sys.stdout.write(render())
