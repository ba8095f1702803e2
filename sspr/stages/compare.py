"""The plan: rows held against what the tenant holds, a chunk at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sspr import plan
from sspr.contacts import sms
from sspr.contacts.account import judge_account
from sspr.ledger import Compared, RowRecord, RowState
from sspr.model import Account, Change, ChangeKind, Contact, Fault, Finding, Methods
from sspr.stages import undo
from sspr.stages.context import Chunk, Context
from sspr.stages.limits import stop_where_nothing_is_shown
from sspr.stages.messages import fault_reason
from sspr.tenant.errors import PermissionMissing
from sspr.tenant.permissions import READ_METHODS, READ_USERS


def compare(context: Context, chunk: Chunk) -> None:
    """Compares the chunk's rows that no one has compared yet, and notes what each needs."""
    rows = context.run.rows(chunk.first, chunk.last, [RowState.READ])
    if not rows:
        return
    context.run.record_compared(_outcomes(context, rows), context.clock())


def compare_again(context: Context, rows: Sequence[RowRecord]) -> None:
    """Compares PLANNED rows anew, right before they are written: the tenant may have moved since.

    A row whose plan a person approved is not planned anew behind their back: it fails as `changed_since_plan`.
    """
    if not rows:
        return
    planned: dict[int, list[Change]] = {row.seq: [] for row in rows}
    for record in context.run.changes(rows[0].seq, rows[-1].seq):
        if record.seq in planned:
            planned[record.seq].append(record.change)
    ids = {row.seq: row.account_id for row in rows}  # a name may have passed on to another account
    outcomes = []
    as_planned = undo.as_planned if context.origin else _as_planned
    for outcome in _outcomes(context, rows):
        same = outcome.account is None or outcome.account.id == ids[outcome.seq]
        if context.options.approved and not (same and as_planned(outcome, planned[outcome.seq])):
            moved = (Finding("changed_since_plan"),)
            outcomes.append(replace(outcome, state=RowState.FAILED, reasons=moved, changes=()))
        else:
            outcomes.append(outcome)
    context.run.record_compared(outcomes, context.clock())


def read_accounts(context: Context, upns: Sequence[str]) -> dict[str, Account | Fault | None]:
    """The accounts of these user principal names with their registered methods and whether they hold a role."""
    return _completed(context, context.tenant.accounts_by_upn(upns) if upns else {})


def _completed(
    context: Context, found: Mapping[str, Account | Fault | None]
) -> dict[str, Account | Fault | None]:
    """Accounts with their registered methods and whether they hold a role."""
    stop_where_nothing_is_shown(found.values(), "read users", READ_USERS)
    ids = [account.id for account in found.values() if isinstance(account, Account)]
    methods = read_methods(context, ids)
    roster = context.administrators if ids else None
    complete: dict[str, Account | Fault | None] = {}
    for upn, account in found.items():
        if not isinstance(account, Account):
            complete[upn] = account
            continue
        held = methods.get(account.id)
        if isinstance(held, Fault) and context.target.methods:
            complete[upn] = held
            continue
        complete[upn] = replace(
            account,
            methods=None if isinstance(held, Fault) else held,
            administrator=None if roster is None else account.id in roster.administrators,
            global_administrator=None if roster is None else account.id in roster.global_administrators,
        )
    return complete


def read_methods(context: Context, ids: Sequence[str]) -> Mapping[str, Methods | Fault]:
    """The registered methods by account id; none where the application may not read any and none are to be written."""
    try:
        found = context.tenant.methods(ids) if ids else {}
        if context.target.methods:
            stop_where_nothing_is_shown(found.values(), "read registered methods", READ_METHODS)
    except PermissionMissing:
        if context.target.methods:
            raise
        return {}
    return found


def contact_of(row: RowRecord) -> Contact:
    """What the row asks for, as the ledger keeps it."""
    return Contact(row.upn, row.email, row.phone)


def compare_one(context: Context, row: RowRecord, account: Account) -> plan.Comparison:
    """The changes of one row against an account just read."""
    return plan.compare(
        contact_of(row), account, context.target, replace_methods=context.options.replace_methods
    )


def _outcomes(context: Context, rows: Sequence[RowRecord]) -> list[Compared]:
    """What is to be done for each row, in their order."""
    if context.origin is None:
        accounts = read_accounts(context, [row.upn for row in rows])
        return [_outcome(context, row, accounts[row.upn]) for row in rows]
    wrote = undo.written(context.origin, rows[0].seq, rows[-1].seq)
    # By id, without an index that lags: it is the very account that was written, whatever its name is by now.
    ids = list(dict.fromkeys(wrote[row.seq].account_id for row in rows if row.seq in wrote))
    accounts = _completed(context, context.tenant.accounts_by_id(ids) if ids else {})
    return [_put_back(context, row, wrote.get(row.seq), accounts) for row in rows]


def _put_back(
    context: Context,
    row: RowRecord,
    wrote: undo.Wrote | None,
    accounts: Mapping[str, Account | Fault | None],
) -> Compared:
    if wrote is None:
        return Compared(row.seq, RowState.UNCHANGED, None)
    account = accounts[wrote.account_id]
    if isinstance(account, Account):
        return undo.outcome(context, row, wrote, account)
    reason = fault_reason(account) if account else Finding("user_not_found")
    return Compared(row.seq, RowState.FAILED, None, (reason,), (), str(account or ""))


def _outcome(context: Context, row: RowRecord, account: Account | Fault | None) -> Compared:
    if account is None:
        return Compared(row.seq, RowState.REJECTED, None, (Finding("user_not_found"),), _own_warnings(row))
    if isinstance(account, Fault):
        return Compared(
            row.seq, RowState.FAILED, None, (fault_reason(account),), _own_warnings(row), str(account)
        )
    comparison = compare_one(context, row, account)
    judged = judge_account(contact_of(row), account, context.organization.domains, context.target)
    reasons, warnings = context.split((*judged, *comparison.findings))
    more_reasons, more_warnings = context.split(
        _of_texts(context, account, () if reasons else comparison.changes)
    )
    reasons, warnings = (*reasons, *more_reasons), (*_own_warnings(row), *warnings, *more_warnings)
    if reasons:
        return Compared(row.seq, RowState.REJECTED, account, reasons, warnings)
    if not comparison.changes:
        return Compared(row.seq, RowState.UNCHANGED, account, (), warnings)
    return Compared(row.seq, RowState.PLANNED, account, (), warnings, "", comparison.changes)


def _of_texts(context: Context, account: Account, changes: Sequence[Change]) -> tuple[Finding, ...]:
    """What is to be said of text messages to the account's mobile phone, once the changes are made."""
    held = account.methods
    if held is None:
        return ()
    replaces = any(change.kind is ChangeKind.PHONE_METHOD for change in changes)
    found = sms.before_writing(held, replaces=replaces)
    if plan.rests_on_texts(plan.registered(held, changes)):
        found += sms.texts_end(account.global_administrator, context.texting, complete=held.complete)
    return found


# What comparing says itself, anew each time; all other warnings of a row came from its file.
_SAID_HERE = frozenset(
    {
        "email_same_account",
        "email_tenant_domain",
        "user_disabled",
        "user_is_guest",
        "not_an_administrator",
        "synced_from_on_premises",
        "email_replaces",
        "phone_replaces",
        "email_method_differs",
        "phone_method_differs",
        "sms_sign_in",
        "sms_ends",
    }
)


def _own_warnings(row: RowRecord) -> tuple[Finding, ...]:
    return tuple(finding for finding in row.warnings if finding.code not in _SAID_HERE)


def _as_planned(outcome: Compared, planned: Sequence[Change]) -> bool:
    """Whether a new comparison comes to the same writes from the same values, or finds them made already."""
    if outcome.state is RowState.UNCHANGED:
        return True
    if outcome.state is not RowState.PLANNED or outcome.account is None:
        return False
    account = outcome.account
    same = all(plan.unmoved(change, account) or plan.shows(change, account) for change in planned)
    # What was not to be written, because the account held it already, is not written now that it does not.
    return same and undo.as_planned(outcome, planned)
