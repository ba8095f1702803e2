"""Who is signed in, by what the token says of itself. Pure.

Tokens for Graph are opaque by contract (learn.microsoft.com, entra/identity-platform/access-tokens), so that all of it
is a hint: what the directory shows, and what a call answers, goes before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sspr.tenant.parse import text, texts


@dataclass(frozen=True, slots=True)
class Identity:
    """`object_id`: of the service principal, or of the person who signed in (`person`). `permissions`, `roles`: those
    of Graph by name and directory roles by template id; None where the token does not say. `managed`: a managed
    identity, which has no app registration.
    """

    client_id: str = ""
    object_id: str = ""
    permissions: frozenset[str] | None = None
    roles: frozenset[str] | None = None
    person: bool = False
    managed: bool = False


def identity(claims: Mapping[str, object]) -> Identity:
    """learn.microsoft.com, entra/identity-platform/access-token-claims-reference: `appid`, `oid`, `roles` (application
    permissions), `scp` (delegated ones), `wids` (tenant-wide roles), `idtyp`.

    A token of an application is issued even where nothing was granted; then it has no `roles`
    (entra/identity-platform/v2-oauth2-client-creds-grant-flow).
    """
    delegated = text(claims.get("scp"))
    return Identity(
        client_id=text(claims.get("appid")) or text(claims.get("azp")),
        object_id=text(claims.get("oid")),
        permissions=_permissions(claims, delegated),
        roles=frozenset(texts(claims["wids"])) if isinstance(claims.get("wids"), list) else None,
        person=bool(delegated),
        managed=bool(text(claims.get("xms_mirid"))),
    )


def _permissions(claims: Mapping[str, object], delegated: str) -> frozenset[str] | None:
    if delegated:
        return frozenset(delegated.split())
    if isinstance(claims.get("roles"), list):
        return frozenset(texts(claims["roles"]))
    return frozenset() if claims.get("idtyp") == "app" else None
