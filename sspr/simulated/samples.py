"""Ready tenants: administrators by the thousand, or rehearsal accounts for a given list of user principal names.

Everything is drawn from the seed and the user principal name: the same call gives the same tenant.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sspr.simulated import permissions
from sspr.simulated.builtin_roles import BUILT_IN, GLOBAL, HELPDESK, PRIVILEGED_AUTHENTICATION, USER
from sspr.simulated.state import (
    Account,
    App,
    Assignment,
    Domain,
    Eligibility,
    Group,
    License,
    Phone,
    SmsSignIn,
    State,
)

DOMAIN = "contoso.onmicrosoft.com"
_NAMESPACE = uuid.UUID("5b1f0c1e-6c39-4d0f-8f5e-2f4a0f6a9d11")
_GIVEN = (
    "Adele",
    "Amara",
    "Chidi",
    "Elena",
    "Farid",
    "Grady",
    "Hanna",
    "Ingrid",
    "Joni",
    "Kenji",
    "Lidia",
    "Mateo",
    "Nestor",
    "Olu",
    "Patti",
    "Quentin",
    "Rana",
    "Sofie",
    "Tariq",
    "Ulla",
    "Vera",
    "Wei",
    "Yusuf",
    "Zoe",
)
_FAMILY = (
    "Archie",
    "Brun",
    "Cohen",
    "Dlamini",
    "Eriksen",
    "Fischer",
    "Gruber",
    "Holloway",
    "Ito",
    "Johansson",
    "Keller",
    "Lopez",
    "Moreau",
    "Nwosu",
    "Okafor",
    "Perez",
    "Rossi",
    "Sato",
    "Tanaka",
    "Ueda",
    "Vance",
    "Young",
)
# Country, code, how a mobile number begins and how many digits follow.
_MOBILES = (
    ("US", "1", "425738", 4),
    ("GB", "44", "74001", 5),
    ("DE", "49", "15123", 6),
    ("FR", "33", "6123", 5),
    ("NL", "31", "6123", 5),
    ("SE", "46", "70123", 4),
    ("IN", "91", "98765", 5),
    ("AU", "61", "4123", 5),
    ("BR", "55", "119876", 5),
    ("JP", "81", "90123", 5),
)
_ROLES = (
    GLOBAL,
    USER,
    HELPDESK,
    *sorted(
        role
        for role, name in BUILT_IN.items()
        if name.split()[0] in ("Exchange", "SharePoint", "Teams", "Security", "Intune", "Billing")
    ),
)
_GROUP_ROLE = USER


@dataclass(frozen=True, slots=True)
class Variety:
    """Shares (0 to 1) of accounts that are not plain. ``group_held``: the role comes through a group; ``eligible``:
    as a PIM eligibility. ``contacts``: hold another alternate address and mobile number already; ``methods``:
    have registered an email and a phone method themselves; ``authenticators``: have Microsoft Authenticator;
    ``sms_sign_in``: may sign in by text message, and do where they have registered a phone.
    """

    synced: float = 0.0
    disabled: float = 0.0
    guests: float = 0.0
    non_admins: float = 0.0
    group_held: float = 0.0
    eligible: float = 0.0
    contacts: float = 0.0
    methods: float = 0.0
    authenticators: float = 0.0
    sms_sign_in: float = 0.0


PLAIN = Variety()
MIXED = Variety(
    synced=0.1,
    disabled=0.04,
    guests=0.03,
    non_admins=0.05,
    group_held=0.08,
    eligible=0.06,
    contacts=0.25,
    methods=0.2,
    authenticators=0.4,
)


def application(
    seed: int = 0,
    *,
    permissions: tuple[str, ...] = permissions.USUAL,
    directory_roles: tuple[str, ...] = (PRIVILEGED_AUTHENTICATION,),
    certificates: tuple[str, ...] = (),
) -> App:
    """An app registration that may do all that sspr does, unless told otherwise, with one client secret."""
    chance = random.Random(f"{seed}:secret")
    return App(
        client_id=_id(seed, "app"),
        object_id=_id(seed, "service principal"),
        certificates=certificates,
        secrets=("simulated~" + "".join(chance.choices("abcdefghjkmnpqrstuvwxyz23456789", k=30)),),
        permissions=permissions,
        directory_roles=directory_roles,
    )


def empty(
    seed: int = 0, *, app: App | None = None, licence: License = "P2", domains: Iterable[str] = ()
) -> State:
    """A tenant without accounts: an initial domain, ``domains`` beside it, one application."""
    names = dict.fromkeys((DOMAIN, *(name.casefold() for name in domains)))
    return State(
        tenant_id=_id(seed, "tenant"),
        display_name="Contoso (simulated)",
        apps=(app or application(seed),),
        domains=tuple(Domain(name, is_default=name == DOMAIN, is_initial=name == DOMAIN) for name in names),
        license=licence,
        groups=(Group(_id(seed, "group"), "Administrators by group"),),
        assignments=(Assignment(_id(seed, "group assignment"), _id(seed, "group"), _GROUP_ROLE),),
    )


def administrators(
    n: int,
    seed: int = 0,
    *,
    variety: Variety = PLAIN,
    domain: str = DOMAIN,
    app: App | None = None,
    licence: License = "P2",
) -> State:
    """``n`` accounts admin0001@… and so on, administrators unless ``variety`` says otherwise."""
    width = max(4, len(str(n)))
    state = empty(seed, app=app, licence=licence, domains=(domain,))
    add_missing(
        state, (f"admin{number:0{width}d}@{domain}" for number in range(1, n + 1)), seed, variety=variety
    )
    return state


def accounts_for(
    upns: Iterable[str],
    seed: int = 0,
    *,
    variety: Variety = PLAIN,
    app: App | None = None,
    absent: Iterable[str] = (),
) -> State:
    """A rehearsal tenant that knows each of these user principal names, except those in ``absent``."""
    wanted = list(upns)
    domains = sorted({upn.rpartition("@")[2] for upn in wanted if "@" in upn and "#" not in upn})
    state = empty(seed, app=app, domains=domains)
    state.absent = frozenset(upn.casefold() for upn in absent)
    add_missing(state, wanted, seed, variety=variety)
    return state


def add_missing(state: State, upns: Iterable[str], seed: int = 0, *, variety: Variety = PLAIN) -> list[str]:
    """Adds an account for each user principal name that the tenant does not know and that is not to stay absent.
    Gives the ids of the new accounts.
    """
    added, assignments, eligibilities, held = (
        [],
        list(state.assignments),
        list(state.eligibilities),
        list[str](),
    )
    for upn in upns:
        if not upn or upn.casefold() in state.absent or state.account(upn) is not None:
            continue
        chance = random.Random(f"{seed}:{upn.casefold()}")
        account = _account(upn, seed, chance, variety)
        state.put(account)
        added.append(account.id)
        if chance.random() < variety.non_admins:
            continue
        role, kind = chance.choice(_ROLES), chance.random()
        if kind < variety.group_held:
            held.append(account.id)
        elif kind < variety.group_held + variety.eligible:
            eligibilities.append(Eligibility(_id(seed, f"eligibility {account.id}"), account.id, role))
        else:
            assignments.append(Assignment(_id(seed, f"assignment {account.id}"), account.id, role))
    state.assignments, state.eligibilities = tuple(assignments), tuple(eligibilities)
    if held and state.groups:
        first, *rest = state.groups
        state.groups = (replace(first, members=(*first.members, *held)), *rest)
    state.synced_from_on_premises |= any(state.accounts[key].synced for key in added)
    return added


def _account(upn: str, seed: int, chance: random.Random, variety: Variety) -> Account:
    given, family = chance.choice(_GIVEN), chance.choice(_FAMILY)
    country, code, start, digits = chance.choice(_MOBILES)
    numbers = [f"+{code} {start}{chance.randrange(10**digits):0{digits}d}" for _ in range(2)]
    addresses = [
        f"{given}.{family}{chance.randrange(1000)}@{domain}".lower()
        for domain in ("fabrikam.com", "adatum.com")
    ]
    contacts, methods = chance.random() < variety.contacts, chance.random() < variety.methods
    guest = "#EXT#" in upn.upper() or chance.random() < variety.guests
    # Drawn by itself, so that a share of it leaves everything else of the tenant as it is without.
    by_itself = random.Random(f"{seed}:sms:{upn.casefold()}").random() if variety.sms_sign_in else 1.0
    signs_in_by_sms = by_itself < variety.sms_sign_in
    sms: SmsSignIn = "ready" if signs_in_by_sms else "notAllowedByPolicy"
    return Account(
        id=_id(seed, upn.casefold()),
        upn=upn,
        display_name=f"{given} {family}",
        given_name=given,
        surname=family,
        mail=None if guest else upn,
        proxy_addresses=() if guest else (f"SMTP:{upn}",),
        usage_location=country,
        mobile_phone=numbers[0] if contacts else None,
        other_mails=(addresses[0],) if contacts else (),
        phones=(Phone("mobile", numbers[1], sms),) if methods else (),
        sms_sign_in_allowed=signs_in_by_sms,
        email_method=addresses[1] if methods else None,
        synced=True if chance.random() < variety.synced else None,
        enabled=chance.random() >= variety.disabled,
        guest=guest,
        authenticators=("Phone",) if chance.random() < variety.authenticators else (),
    )


def _id(seed: int, name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{seed}:{name}"))
