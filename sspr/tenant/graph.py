"""The typed calls to Microsoft Graph that the job uses. Thread-safe; blocking; v1.0 only."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

from sspr.model import Account, Answer, Fault, Methods, Organization, Roster, Traffic, Write
from sspr.settings import TenantSettings
from sspr.tenant import accounts, odata, parse, permissions, roster, writes
from sspr.tenant.authorities import authority
from sspr.tenant.batch import MAX_ITEMS, Request
from sspr.tenant.dispatch import IN_FLIGHT, Dispatch, Ending, Job, Line
from sspr.tenant.errors import PermissionMissing, TenantRefused
from sspr.tenant.health import Health
from sspr.tenant.identity import Identity, identity
from sspr.tenant.outcomes import Outcome
from sspr.tenant.pacing import OnWait, Pacer, Standings, nothing
from sspr.tenant.quotas import WRITE, Cost, Quota, Scope
from sspr.tenant.signin import SignIn
from sspr.tenant.traffic import Meter
from sspr.tenant.transport import ClientMaker, Connections, Transport, direct_for, tls_for
from sspr.tenant.waiting import Clock, Pause, Sleep

log = logging.getLogger("sspr.tenant")
K = TypeVar("K")

# Resource units: learn.microsoft.com, graph/throttling-limits. A list of users costs 2, by id 1; $select and a $top
# below 20 take one off each, never below 1; transitive members 5. What is not on that list is taken for 2.
_ONE: Cost = {Quota.UNITS: 1}
_TWO: Cost = {Quota.UNITS: 2}
_MEMBERS: Cost = {Quota.UNITS: 5}
_METHODS: Cost = {Quota.METHOD_READS: 1}

MOST_USERS_OF_NOTE = 500  # more make no difference to any quota

_POLICY = "/policies/authorizationPolicy"
_ORGANIZATION = "/organization?$select=id,displayName,verifiedDomains,onPremisesSyncEnabled,createdDateTime"
_NO_PREMIUM = "AadPremiumLicenseRequired"  # role eligibility without Entra ID P2


class Tenant:
    """One signed-in connection to one tenant. Use as a context manager, or call `close`.

    Reads are asked again until they are answered or our patience ends (`TenantUnavailable`). Every call may raise the
    errors drawn in `sspr.tenant.errors`, all of them `SsprError`s whose text is for a person.
    """

    def __init__(self, line: Line, connections: Connections, settings: TenantSettings) -> None:
        self.settings = settings
        self._line = line
        self._connections = connections
        self._lock = threading.Lock()
        self._proven: set[str] = set()  # kinds of read that were allowed at least once
        self._methods_by_kind = False
        self._users: set[str] = set()

    @classmethod
    def connect(
        cls,
        settings: TenantSettings,
        standings: Standings,
        *,
        batch_size: int = MAX_ITEMS,
        in_flight: int = IN_FLIGHT,
        clock: Clock = time.time,
        sleep: Sleep = time.sleep,
        cancelled: threading.Event | None = None,
        on_wait: OnWait = nothing,
        chance: Callable[[], float] = random.random,
        make_client: ClientMaker | None = None,
    ) -> Tenant:
        """Signs in and returns the tenant. Raises what `SignIn.connect` raises.

        `batch_size`: 1 to 20 items; `in_flight`: requests at once. `clock`: seconds since the epoch. `cancelled`: when
        set, every wait ends with `Interrupted`. `on_wait(seconds, why)`: told once when Microsoft asks for a pause or
        stays away, from any thread. `make_client` makes the httpx clients; by default they trust `ca_file` besides
        the usual ones.
        """
        if not 1 <= batch_size <= MAX_ITEMS:
            raise ValueError(f"a batch takes 1 to {MAX_ITEMS} items, not {batch_size}")
        pause = Pause(clock, sleep, cancelled)
        connections = Connections(make_client or tls_for(settings.ca_file))
        try:
            direct = make_client or direct_for(settings.ca_file)
            signin = SignIn(settings, authority(settings, connections, direct, pause), pause, chance=chance)
            signin.connect()
        except BaseException:
            connections.close()
            raise
        meter = Meter(clock)
        scope = Scope(settings.graph, settings.tenant_id, settings.client_id)
        line = Line(
            transport=Transport(connections, f"{settings.graph}/{odata.VERSION}", signin.token, meter, clock),
            signin=signin,
            pacer=Pacer(standings, scope, pause, on_wait=on_wait),
            health=Health(clock, chance),
            meter=meter,
            pause=pause,
            batch_size=batch_size,
            in_flight=in_flight,
            chance=chance,
        )
        return cls(line, connections, settings)

    def close(self) -> None:
        """Closes the connections."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def traffic(self) -> Traffic:
        """What was asked of Graph so far; a copy."""
        return self._line.meter.snapshot()

    # --- the tenant ----------------------------------------------------------------------------------------------

    def organization(self) -> Organization:
        """The tenant's id, name and verified domains, and how many methods a reset asks its administrators for."""
        body = self._single(
            "read the organization", permissions.READ_ORGANIZATION, Request("GET", _ORGANIZATION), _ONE
        )
        found = parse.organization(body)
        if found is None:
            raise TenantRefused(
                "show the organization", Fault(200, "limited_information", "the answer is empty")
            )
        return found

    def feature(self) -> bool:
        """Whether administrators may use self-service password reset, as set; a change takes up to 60 minutes to act.

        learn.microsoft.com, graph/api/resources/authorizationpolicy, allowedToUseSSPR.
        """
        body = self._single(
            "read the self-service flag", permissions.READ_POLICY, Request("GET", _POLICY), _TWO
        )
        allowed = body.get("allowedToUseSSPR") if isinstance(body, Mapping) else None
        if not isinstance(allowed, bool):
            fault = Fault(200, "limited_information", "allowedToUseSSPR is not in the answer")
            raise TenantRefused("show the authorization policy", fault)
        return allowed

    def set_feature(self, enabled: bool) -> None:
        """Sets the flag for the whole tenant. Setting it twice does no harm, so it is tried again like a read."""
        request = Request("PATCH", _POLICY, {"allowedToUseSSPR": enabled})
        self._single("change the self-service flag", permissions.WRITE_POLICY, request, WRITE)

    def administrators(self) -> Roster | None:
        """All users that hold a directory role, at any scope, through a group, or eligible for it; and who among them
        is Global Administrator.

        None where the application may not read role assignments, or who is eligible for one (Privileged Identity
        Management), or the members of a group that holds one: nobody is called no administrator on half the
        knowledge. Without the licence for it nobody is eligible.
        """
        assigned = self._roles(roster.ASSIGNMENTS)
        eligible = self._roles(roster.ELIGIBLE)
        if isinstance(eligible, Fault) and eligible.code == _NO_PREMIUM:
            eligible = []
        if isinstance(assigned, Fault) or isinstance(eligible, Fault):
            log.debug(
                "who holds a role is not known: %s, %s",
                accounts.refusal(assigned),
                accounts.refusal(eligible),
            )
            return None
        holders = roster.principals([*assigned, *eligible])
        members = self._list({group: roster.members_path(group) for group in holders.groups}, _MEMBERS)
        unread = [listed for listed in members.values() if isinstance(listed, Fault)]
        if unread:
            log.debug("the members of %d groups are not known: %s", len(unread), accounts.refusal(unread[0]))
            return None
        listed = {group: users for group, users in members.items() if not isinstance(users, Fault)}
        return roster.roster(holders, listed)

    def _roles(self, path: str) -> list[Mapping[str, object]] | Fault:
        """A listing of roles in pages as large as there are; in Graph's own, where it does not take that."""
        listed = self._list({"": f"{path}&$top=999"}, _TWO, batched=False)[""]
        if isinstance(listed, Fault) and listed.status == 400 and listed.code != _NO_PREMIUM:
            return self._list({"": path}, _TWO, batched=False)[""]
        return listed

    # --- accounts ------------------------------------------------------------------------------------------------

    def accounts_by_upn(self, upns: Sequence[str]) -> dict[str, Account | Fault | None]:
        """The accounts of the given userPrincipalNames, matched ignoring case; None where there is none.

        15 names a filter and 20 filters a batch: 300 accounts in one HTTP request. What does not fit a filter, or
        what a filter refuses, is read by its path. The keys are the given strings.
        """
        unique = {upn.lower(): upn for upn in upns}
        groups = list(
            odata.groups_for_in(
                (upn for upn in unique.values() if odata.fits_filter(upn)), parse.ACCOUNT_SELECT
            )
        )
        found: dict[str, Account | Fault | None] = {}
        singly = [upn for upn in unique.values() if not odata.fits_filter(upn)]
        paths = {
            number: odata.users_named(group, parse.ACCOUNT_SELECT) for number, group in enumerate(groups)
        }
        for number, listed in self._list(paths, _ONE).items():
            if isinstance(listed, Fault) and listed.status == 400:
                singly.extend(groups[number])  # one name that Graph does not like spoils the filter of all
            else:
                matched = accounts.matched(groups[number], listed)
                found.update(matched)
                # Of one that is shown without its name nobody knows which it is: by its path each tells for itself.
                singly += [upn for upn in groups[number] if matched[upn.lower()] is accounts.LIMITED]
        found.update((upn.lower(), account) for upn, account in self._accounts(singly).items())
        self._allowed("users", "read users", permissions.READ_USERS, found.values())
        self._know(found.values())
        return {upn: found[upn.lower()] for upn in upns}

    def _know(self, found: Iterable[Account | Fault | None]) -> None:
        """The more users are known, the larger the tenant's quota of resource units surely is."""
        with self._lock:
            if len(self._users) <= MOST_USERS_OF_NOTE:
                self._users.update(account.id for account in found if isinstance(account, Account))
                self._line.pacer.know_users(len(self._users))

    def accounts_by_id(self, ids: Iterable[str]) -> dict[str, Account | Fault | None]:
        """The accounts of the given object ids, for reading back: by id, without an index that lags more."""
        found = self._accounts(ids)
        self._allowed("users", "read users", permissions.READ_USERS, found.values())
        return found

    def accounts_again(self, names: Mapping[str, str]) -> dict[str, Account | Fault | None]:
        """The accounts of object ids → userPrincipalNames, for a first look back: 15 of them in one resource unit. What
        is not found by its name, or is another account by now, is read by its id.
        """
        by_name = self.accounts_by_upn(list(names.values()))
        found = {key: by_name[name] for key, name in names.items()}
        others = [key for key, seen in found.items() if not (isinstance(seen, Account) and seen.id == key)]
        return {**found, **(self.accounts_by_id(others) if others else {})}

    def _accounts(self, names: Iterable[str]) -> dict[str, Account | Fault | None]:
        paths = {name: odata.query(odata.user(name), select=parse.ACCOUNT_SELECT) for name in names}
        return {name: accounts.account(body) for name, body in self._get(paths, _ONE).items()}

    def methods(self, ids: Iterable[str]) -> dict[str, Methods | Fault]:
        """The registered methods of the given object ids.

        All kinds in one call each; where that is not allowed at all, emails and phones by two calls each, and then
        `Methods.complete` is False.
        """
        wanted = list(dict.fromkeys(ids))
        if not self._methods_by_kind:
            found = self._methods_listed(wanted, "methods", complete=True)
            if not self._denied("methods", found.values()):
                return found
            self._methods_by_kind = True
        emails = self._methods_listed(wanted, "emailMethods", complete=False)
        self._allowed("emailMethods", "read email methods", permissions.READ_EMAIL_METHODS, emails.values())
        phones = self._methods_listed(wanted, "phoneMethods", complete=False)
        self._allowed("phoneMethods", "read phone methods", permissions.READ_PHONE_METHODS, phones.values())
        return {each: parse.merged(emails[each], phones[each]) for each in wanted}

    def _methods_listed(
        self, ids: Iterable[str], collection: str, *, complete: bool
    ) -> dict[str, Methods | Fault]:
        paths = {each: f"{odata.user(each)}/authentication/{collection}" for each in ids}
        return {
            each: listed if isinstance(listed, Fault) else parse.methods(listed, complete=complete)
            for each, listed in self._list(paths, _METHODS).items()
        }

    # --- writes --------------------------------------------------------------------------------------------------

    def write(
        self,
        changes: Sequence[Write],
        before_send: Callable[[Sequence[Write]], None],
        on_answers: Callable[[Sequence[Answer]], None],
    ) -> None:
        """Sends writes of distinct accounts in batches, and tells the fate of each exactly once.

        `before_send(items)` is called right before each HTTP request goes out, for each attempt; `on_answers` as soon
        as fates are known. Both are called from worker threads, one call at a time. A write is sent again only where
        it was certainly not applied (throttled, concurrent change, token expired, no connection); what may have been
        applied is UNKNOWN at once, and is the caller's to read first. After an error (of a callback too) no further
        batch goes out, those in flight end and are told, and the error is raised; a write not told of by then was
        never sent or was certainly not applied, unless the error was `on_answers`' own.
        """
        if len({write.account_id for write in changes}) < len(changes):
            raise ValueError("two writes to one account in one call")
        jobs = [
            Job(write, writes.request(write), writes.COSTS[write.change.kind], writes=True)
            for write in changes
        ]
        jobs.sort(
            key=lambda job: job.key.change.kind
        )  # full batches: those of one batch draw on the same quotas

        def told(endings: Sequence[Ending[Write]]) -> None:
            on_answers([_answer(ending) for ending in endings])

        Dispatch(self._line, resend_broken=False, before_send=before_send, on_endings=told).run(jobs)

    # --- permissions ---------------------------------------------------------------------------------------------

    @property
    def identity(self) -> Identity:
        """Who is signed in, by what the token says of itself. Only a hint."""
        return identity(self._line.signin.claims())

    def permission_hint(self) -> frozenset[str] | None:
        """The permissions that the token names; None where it cannot be read. Only a hint."""
        return self.identity.permissions

    def _denied(self, kind: str, results: Iterable[object]) -> bool:
        """Whether a kind of read was refused for all, and has never been allowed before."""
        seen = list(results)
        refused = [isinstance(result, Fault) and accounts.forbidden(result) for result in seen]
        with self._lock:
            if seen and not all(isinstance(result, Fault) for result in seen):
                self._proven.add(kind)
            return bool(seen) and all(refused) and kind not in self._proven

    def _allowed(self, kind: str, what: str, needed: tuple[str, ...], results: Iterable[object]) -> None:
        seen = list(results)
        if self._denied(kind, seen):
            request_id = next((result.request_id for result in seen if isinstance(result, Fault)), "")
            raise PermissionMissing(what, needed[:2], request_id=request_id)

    # --- requests ------------------------------------------------------------------------------------------------

    def look(self, path: str, cost: Cost) -> object:
        """The body of one read by itself, or its `Fault`: for whoever asks what is allowed, and wants no exception."""
        return self._get({"": path}, cost, batched=False)[""]

    def _single(self, what: str, needed: tuple[str, ...], request: Request, cost: Cost) -> object:
        """One request by itself. Raises `PermissionMissing` on 403 and `TenantRefused` on another refusal."""
        endings = self._endings([Job("", request, cost, writes=request.method != "GET")], batched=False)
        ending = endings[""]
        if ending.outcome is Outcome.OK and ending.reply is not None:
            return ending.reply.body
        fault = ending.fault
        if fault.status == 403 and fault.code != "Authorization_IdentityNotFound":
            raise PermissionMissing(what, needed[:2], request_id=fault.request_id)
        raise TenantRefused(what, fault)

    def _endings(self, jobs: Sequence[Job[K]], *, batched: bool) -> dict[K, Ending[K]]:
        found: dict[K, Ending[K]] = {}

        def keep(endings: Sequence[Ending[K]]) -> None:
            found.update((ending.key, ending) for ending in endings)

        Dispatch(self._line, resend_broken=True, batched=batched, on_endings=keep).run(jobs)
        return found

    def _get(self, paths: Mapping[K, str], cost: Cost, *, batched: bool = True) -> dict[K, object]:
        """The body of each address, or its `Fault`."""
        jobs = [Job(key, Request("GET", path), cost) for key, path in paths.items()]
        endings = self._endings(jobs, batched=batched)
        return {key: _body(endings[key]) for key in paths}  # in the order asked

    def _list(
        self, paths: Mapping[K, str], cost: Cost, *, batched: bool = True
    ) -> dict[K, list[Mapping[str, object]] | Fault]:
        """All objects of each collection, its pages followed to the end (a page may be empty); or its `Fault`."""
        found: dict[K, list[Mapping[str, object]] | Fault] = {key: [] for key in paths}
        while paths:
            more: dict[K, str] = {}
            for key, body in self._get(paths, cost, batched=batched).items():
                listed = found[key]
                if isinstance(body, Fault):
                    found[key] = body
                elif isinstance(listed, list):
                    listed.extend(parse.objects(body))
                    link = parse.text(body.get("@odata.nextLink")) if isinstance(body, Mapping) else ""
                    if link:
                        more[key] = odata.relative(link)
            paths = more
        return found


def _body(ending: Ending[K]) -> object:
    return ending.reply.body if ending.outcome is Outcome.OK and ending.reply is not None else ending.fault


def _answer(ending: Ending[Write]) -> Answer:
    fate = writes.FATES[ending.outcome]
    return Answer(ending.key.key, fate, None if ending.outcome is Outcome.OK else ending.fault)
