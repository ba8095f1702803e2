"""Undo: what an earlier run wrote is put back, property by property, where nobody has changed it since. Pure but for
the reading of that run's ledger.

An undo is a run of its own over the same rows: planned, written, read back and resumed like any other. What each row
is to hold again stands in the ledger of the run that is undone, both sides of every write.

    the account holds               what is done
    what that run wrote             the earlier value is put back; where there was none, it is taken away
    the earlier value               nothing
    anything else                   nothing, and `changed_since_plan` is said: somebody has changed it since
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sspr import plan
from sspr.contacts import sms
from sspr.contacts.codes import Severity
from sspr.errors import CannotStart
from sspr.ledger import ChangeRecord, Compared, RowRecord, RowState, RunLedger
from sspr.model import Account, Change, ChangeKind, Finding, Methods
from sspr.stages.context import Context, Options
from sspr.stages.ending import may_be_applied

_READ_AT_ONCE = 2000
_READING = ("check", "plan")
_NAMES = {
    "otherMails": "the alternate email",
    "mobilePhone": "the mobile phone",
    "emailAddress": "the email method",
    "phoneNumber": "the phone method",
}


@dataclass(frozen=True, slots=True)
class Wrote:
    """What the run that is undone wrote to the account of a row, or may have written. `sms_sign_in`: the state in which
    it left SMS sign-in with the number that it registered; empty where that is not known.
    """

    account_id: str
    changes: tuple[Change, ...]
    sms_sign_in: str = ""


@dataclass(slots=True)
class PutBack:
    """What an undo does to one account, and the names of what it leaves as it is."""

    changes: list[Change] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    on_premises: bool = False

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is said of what is left."""
        moved = (Finding("changed_since_plan", ", ".join(_NAMES[name] for name in self.moved)),)
        premises = (Finding("synced_from_on_premises", "its property mobilePhone is left as it is"),)
        return (*(moved if self.moved else ()), *(premises if self.on_premises else ()))


def options_for(origin: RunLedger, tenant: str | None) -> Options:
    """The options of a run that undoes `origin`. `tenant`: the one that the person named, if any.

    Raises `CannotStart` where there is nothing to undo, or it cannot be undone.
    """
    record = origin.record()
    if tenant is not None and tenant != record.tenant:
        raise CannotStart(f"The run {record.id} was one on the tenant {record.tenant}, not on {tenant}.")
    if record.command in _READING:
        raise CannotStart(
            f"The run {record.id} is a {record.command} and wrote nothing: there is nothing to undo."
        )
    if not record.ended:
        raise CannotStart(
            f"The run {record.id} has not come to its end. Wait for it, or go on with it by `sspr resume {record.id}`; "
            "after that it can be undone."
        )
    before, after = record.feature_before, record.feature_after
    turned_on = bool(record.options.get("enable_feature")) and (before, after) == (False, True)
    turned_off = bool(record.options.get("disable_feature")) and (before, after) == (True, False)
    if not (turned_on or turned_off or _wrote_anything(origin)):
        raise CannotStart(f"The run {record.id} wrote nothing: there is nothing to undo.")
    return Options(
        batch_size=int(record.options.get("batch_size", 20)),
        undoes=record.id,
        enable_feature=turned_off,
        disable_feature=turned_on,
    )


def written(origin: RunLedger, first: int, last: int) -> dict[int, Wrote]:
    """What the run wrote for its rows `first` to `last`; rows for which it wrote nothing are not among them."""
    changes: dict[int, list[ChangeRecord]] = {}
    for record in origin.changes(first, last):
        if may_be_applied(record) and record.change.kind is not ChangeKind.SMS_SIGN_IN:
            changes.setdefault(record.seq, []).append(record)
    rows = origin.rows(first, last) if changes else []
    return {
        row.seq: Wrote(
            row.account_id,
            tuple(record.change for record in changes[row.seq]),
            row.now.methods.sms_sign_in if row.now and row.now.methods else "",
        )
        for row in rows
        if row.seq in changes
    }


def outcome(context: Context, row: RowRecord, wrote: Wrote, account: Account) -> Compared:
    """What is to be done for a row, by what its account holds now.

    Where a part cannot be put back, the other parts are, and it is a warning; where nothing can, the row has failed.
    """
    found = put_back(wrote, account)
    if found.changes:
        warnings = (*_disabled(context, account), *found.findings)
        return Compared(row.seq, RowState.PLANNED, account, (), warnings, "", tuple(found.changes))
    state = RowState.FAILED if found.findings else RowState.UNCHANGED
    return Compared(row.seq, state, account, found.findings, _disabled(context, account))


def as_planned(outcome: Compared, planned: Sequence[Change]) -> bool:
    """Whether a new comparison writes nothing but what a person was shown; less is no harm."""
    shown = {(change.kind, name) for change in planned for name in change.after}
    return all((change.kind, name) in shown for change in outcome.changes for name in change.after)


def put_back(wrote: Wrote, account: Account) -> PutBack:
    """The writes by which the account holds again what it held before the run wrote to it."""
    found = PutBack()
    for change in wrote.changes:
        if change.kind is ChangeKind.CONTACT:
            _contact(change, account, found)
        elif change.kind is ChangeKind.EMAIL_METHOD:
            _email(change, account.methods or Methods(), found)
        else:
            _phone(change, account.methods or Methods(), wrote.sms_sign_in, found)
    return found


def _contact(wrote: Change, account: Account, found: PutBack) -> None:
    before: dict[str, object] = {}
    after: dict[str, object] = {}
    for name in wrote.after:
        held: object = list(account.other_mails) if name == "otherMails" else account.mobile_phone or None
        if _same(held, wrote.after[name]):
            # Mastered on premises by now: the property is read-only in the cloud (see `sspr.plan`).
            if name == "mobilePhone" and account.synced:
                found.on_premises = True
                continue
            before[name], after[name] = held, wrote.before[name]
        elif not _same(held, wrote.before[name]):
            found.moved.append(name)
    if after:
        found.changes.append(Change(ChangeKind.CONTACT, before, after))


def _email(wrote: Change, held: Methods, found: PutBack) -> None:
    before, after = wrote.before["emailAddress"] or None, wrote.after["emailAddress"] or None
    if plan.same_address(held.email, str(after or "")):
        sides = {"emailAddress": held.email or None}, {"emailAddress": before}
        found.changes.append(Change(ChangeKind.EMAIL_METHOD, *sides, held.email_id))
    elif not plan.same_address(held.email, str(before or "")):
        found.moved.append("emailAddress")


def _phone(wrote: Change, held: Methods, left: str, found: PutBack) -> None:
    """SMS sign-in belongs to the number. Where somebody has turned it on since, the number is theirs by now; where
    somebody has turned it off, it stays off for the number that is put back.
    """
    now = held.mobile_phone or None
    if _same(now, wrote.after["phoneNumber"] or None):
        if now and left not in ("", sms.ON) and held.sms_sign_in == sms.ON:
            found.moved.append("phoneNumber")
            return
        number = wrote.before["phoneNumber"] or None
        before: dict[str, object] = {"phoneNumber": now}
        after: dict[str, object] = {"phoneNumber": number}
        if held.sms_sign_in:
            before["smsSignInState"] = held.sms_sign_in
        turned_off = left == sms.ON and held.sms_sign_in != sms.ON
        earlier = held.sms_sign_in if turned_off else wrote.before.get("smsSignInState")
        if number and earlier and earlier != held.sms_sign_in:
            after["smsSignInState"] = earlier
        found.changes.append(Change(ChangeKind.PHONE_METHOD, before, after, held.mobile_phone_id))
    elif not _same(now, wrote.before["phoneNumber"] or None):
        found.moved.append("phoneNumber")


def _same(one: object, other: object) -> bool:
    """Whether two values are the same: lists as sets of addresses, numbers by all of their digits. An extension
    counts here: who added one has changed the number.
    """
    if isinstance(one, list) and isinstance(other, list):
        return plan.folded(map(str, one)) == plan.folded(map(str, other))
    return _digits(str(one or "")) == _digits(str(other or ""))


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text)) or text.strip().casefold()


def _disabled(context: Context, account: Account) -> tuple[Finding, ...]:
    shown = context.policy.severity("user_disabled", context.target) is not Severity.IGNORE
    return (Finding("user_disabled"),) if account.enabled is False and shown else ()


def _wrote_anything(origin: RunLedger) -> bool:
    return any(
        may_be_applied(record)
        for first in range(1, origin.last_seq() + 1, _READ_AT_ONCE)
        for record in origin.changes(first, first + _READ_AT_ONCE - 1)
    )
