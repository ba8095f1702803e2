"""The end of a row that was written: how it ended, what it is told, and what the account held before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sspr import plan
from sspr.contacts import sms
from sspr.contacts.codes import Severity
from sspr.ledger import ChangeRecord, ChangeState, Finished, RowRecord, RowState
from sspr.model import Account, Change, ChangeKind, Fault, Finding, Methods
from sspr.stages.context import Context

_WORDS = {
    ChangeState.CONFIRMED: "written and read back",
    ChangeState.DROPPED: "left as it was",
    ChangeState.LOST: "not written, or not seen",
}
_DIFFERS = {ChangeKind.EMAIL_METHOD: "email_method_differs", ChangeKind.PHONE_METHOD: "phone_method_differs"}

States = Mapping[ChangeKind, ChangeState]


def end(
    context: Context,
    row: RowRecord,
    account: Account | Fault | None,
    records: Sequence[ChangeRecord],
    states: States,
    said: Sequence[Finding | None],
) -> Finished:
    """The end of a row none of whose writes is open. `states` and `said`: of each write, where it stands and why it was
    given up or lost, in the order of `records`.
    """
    found = list(zip(states.values(), said, strict=True))
    lost = [finding for state, finding in found if state is ChangeState.LOST and finding]
    dropped = [finding for state, finding in found if state is ChangeState.DROPPED and finding]
    held = account if isinstance(account, Account) else None
    warned = {known.code for known in row.warnings}
    replaced = () if context.origin else _replaced(records, states)
    warnings = (
        *(finding for finding in (*dropped, *replaced) if finding.code not in warned),
        *_of_sms_sign_in(context, row, held, records, states),
    )
    before = _before(row, records, states)
    if not lost:
        state = RowState.UPDATED if ChangeState.CONFIRMED in states.values() else RowState.UNCHANGED
        return Finished(row.seq, state, held, (), warnings, _left_on_premises(records, states), before)
    faults = {
        str(record.fault)
        for record in records
        if record.fault and states[record.change.kind] is ChangeState.LOST
    }
    parts = [f"{kind.value.replace('_', ' ')}: {_WORDS[state]}" for kind, state in states.items()]
    message = ". ".join(["; ".join(parts), *sorted(faults)])
    return Finished(row.seq, RowState.FAILED, held, tuple(dict.fromkeys(lost)), warnings, message, before)


def sms_sign_in_off(
    records: Sequence[ChangeRecord], states: States, account: Account | Fault | None
) -> Change | None:
    """The write that puts SMS sign-in back to off, where registering the number has turned it on.

    Asked at every look, so that a process that takes the row up plans it where another could not. (In China, where
    SMS sign-in cannot be turned off so, no methods are written.)
    """
    if ChangeKind.SMS_SIGN_IN in states or not isinstance(account, Account) or account.methods is None:
        return None
    wrote = _number_written(records, states)
    if wrote is None or not sms.turned_on(_sms_before(wrote), account.methods):
        return None
    return plan.sms_sign_in_off(account.methods)


def may_be_applied(record: ChangeRecord) -> bool:
    """Whether the run made this write, or may have: it was sent, and not refused at its only sending."""
    refused = record.fault is not None and 400 <= record.fault.status < 500
    return record.state is not ChangeState.DROPPED and record.attempts > (1 if refused else 0)


def _number_written(records: Sequence[ChangeRecord], states: States) -> ChangeRecord | None:
    """The write by which this run registered the mobile number, once a read has shown it.

    One that was refused, and yet the number is there: the person registered it meanwhile. After a sending whose fate
    is not known a refusal says nothing.
    """
    if states.get(ChangeKind.PHONE_METHOD) is not ChangeState.CONFIRMED:
        return None
    record = next(record for record in records if record.change.kind is ChangeKind.PHONE_METHOD)
    return record if may_be_applied(record) else None


def _sms_before(wrote: ChangeRecord) -> str:
    """The state in which SMS sign-in is left: that of before, or, where an undo puts a number back, that number's."""
    sides = wrote.change.after.get("smsSignInState"), wrote.change.before.get("smsSignInState")
    return str(sides[0] or sides[1] or "")


def _of_sms_sign_in(
    context: Context, row: RowRecord, account: Account | None, records: Sequence[ChangeRecord], states: States
) -> tuple[Finding, ...]:
    """What became of SMS sign-in where the run wrote the number; nothing that the row says already."""
    wrote = _number_written(records, states)
    if account is None or account.methods is None or wrote is None:
        return ()
    turned_off = states.get(ChangeKind.SMS_SIGN_IN) is ChangeState.CONFIRMED
    said = sms.after_writing(_sms_before(wrote), account.methods, turned_off=turned_off)
    shown = context.policy.severity("sms_sign_in", context.target) is not Severity.IGNORE
    return tuple(finding for finding in said if shown and finding not in row.warnings)


def _replaced(records: Sequence[ChangeRecord], states: States) -> list[Finding]:
    """What is said of methods in whose place another was put."""
    return [
        Finding(_DIFFERS[record.change.kind], "replaced")
        for record in records
        if record.change.kind in _DIFFERS
        and record.change.method_id
        and states[record.change.kind] is ChangeState.CONFIRMED
    ]


def _before(row: RowRecord, records: Sequence[ChangeRecord], states: States) -> Account | None:
    """The account before this run wrote to it, as the last plan of each write has it: the account may have moved after
    the comparison. None where nothing is known better than then.
    """
    account = row.before
    if account is None:
        return None
    methods = account.methods or Methods()
    for record in records:
        if states[record.change.kind] is not ChangeState.CONFIRMED:
            continue
        held = record.change.before
        if record.change.kind is ChangeKind.EMAIL_METHOD:
            methods = replace(methods, email=str(held["emailAddress"] or ""))
        elif record.change.kind is ChangeKind.PHONE_METHOD:
            methods = replace(methods, mobile_phone=str(held["phoneNumber"] or ""))
        elif record.change.kind is ChangeKind.CONTACT:
            account = _contact_before(account, held)
    known = replace(account, methods=methods if account.methods is not None else None)
    return None if known == row.before else known


def _contact_before(account: Account, held: Mapping[str, object]) -> Account:
    mails, phone = held.get("otherMails"), held.get("mobilePhone")
    if isinstance(mails, list):
        account = replace(account, other_mails=tuple(map(str, mails)))
    return replace(account, mobile_phone=str(phone or "")) if "mobilePhone" in held else account


def _left_on_premises(records: Sequence[ChangeRecord], states: States) -> str:
    """The sentence for contact properties that were given up because they are mastered on premises."""
    if states.get(ChangeKind.CONTACT) is not ChangeState.DROPPED:
        return ""
    names = [
        name for record in records if record.change.kind is ChangeKind.CONTACT for name in record.change.after
    ]
    return f"Left as mastered on premises: {', '.join(names)}."
