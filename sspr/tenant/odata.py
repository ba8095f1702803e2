"""Values → addresses, relative to the root of the API as JSON batching wants them. Pure.

learn.microsoft.com, graph/query-parameters and graph/api/user-get: a single quote in a value is doubled, then the
whole is percent-encoded; `#` in the name of a guest is `%23`; a name that begins with `$` is addressed by
`/users('…')`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote, urlsplit

# learn.microsoft.com, graph/query-parameters, known issues: an `in` takes 15 values unless the query is an advanced
# one (whose index may lag); `eq` compares at most 120 characters.
MAX_IN = 15
MAX_FILTER_VALUE = 120
# No limit is documented for plain queries; the one of advanced queries is a safe length for every proxy on the way.
MAX_ADDRESS = 2048
VERSION = "v1.0"
_SAFE = "/,:$()@"


def literal(value: str) -> str:
    """A string as an OData literal, not yet percent-encoded: `o'neil` → `'o''neil'`."""
    return "'" + value.replace("'", "''") + "'"


def segment(value: str) -> str:
    """A value as one segment of a path: everything but letters, digits and `-._~` encoded."""
    return quote(value, safe="")


def query(path: str, **options: str | int) -> str:
    """`path` with OData options: `query("/users", filter="…", top=5)` → `/users?$filter=…&$top=5`."""
    # quote, not urlencode: in a query of Graph a space is %20, and a plus sign is a plus sign.
    pairs = [f"${name}={quote(str(value), safe=_SAFE)}" for name, value in options.items()]
    return f"{path}?{'&'.join(pairs)}" if pairs else path


def user(id_or_upn: str) -> str:
    """The path of a user by object id or userPrincipalName."""
    if id_or_upn.startswith("$"):
        return f"/users({quote(literal(id_or_upn), safe='')})"
    return f"/users/{segment(id_or_upn)}"


def users_named(upns: Sequence[str], select: str) -> str:
    """The address that lists the users of the given names."""
    values = ",".join(literal(upn) for upn in upns)
    return query("/users", filter=f"userPrincipalName in ({values})", select=select, top=MAX_IN)


def groups_for_in(upns: Iterable[str], select: str) -> Iterator[list[str]]:
    """Names in groups that fit one `in` filter and one address of bounded length. Each name fits by itself."""
    room = MAX_ADDRESS - len(users_named([], select))
    group: list[str] = []
    used = 0
    for upn in upns:
        length = len(quote(literal(upn), safe=_SAFE)) + 1
        if group and (len(group) == MAX_IN or used + length > room):
            yield group
            group, used = [], 0
        group.append(upn)
        used += length
    if group:
        yield group


def fits_filter(upn: str) -> bool:
    """Whether a name may be compared in a filter; otherwise it is read by its path."""
    return len(upn) <= MAX_FILTER_VALUE


def relative(link: str) -> str:
    """An `@odata.nextLink` as an address for a batch: what follows the version in its path.

    The host is dropped on purpose: a token is only ever sent to the host that was configured.
    """
    parts = urlsplit(link)
    _, version, rest = parts.path.partition(f"/{VERSION}/")
    path = f"/{rest}" if version else parts.path
    return f"{path}?{parts.query}" if parts.query else path
