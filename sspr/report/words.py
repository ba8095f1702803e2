"""The sentences that every form of the report shares. No account, no contact data.

They are made from the content of `report.json` alone, so that an old report can be told again.
"""

from __future__ import annotations

from sspr.report.content import DISABLED, FLAG_OFF, NOT_APPLIED, TOO_FEW_METHODS, Report

# learn.microsoft.com: graph/api/authorizationpolicy-update (allowedToUseSSPR), entra/identity/authentication/
# concept-sspr-policy (default on; up to 60 minutes; without it no administrator can reset).
FLAG_MEANING = (
    'The flag "administrators may use self-service password reset" (allowedToUseSSPR) concerns administrators '
    "only; other users have a policy of their own. A change takes up to 60 minutes to take effect. "
    "Published security baselines want it off."
)

# learn.microsoft.com: entra/identity/authentication/howto-sspr-authenticationdata (5 October 2026); message
# MC1325414 as it is summarised elsewhere (9 November 2026); concept-sms-voice-retirement (1 February 2027), and for
# Global Administrators MC1426371 as it is summarised elsewhere (1 July 2027); concept-authentication-methods (one
# registration serves reset and multifactor authentication alike).
WHY_METHODS = (
    "Since autumn 2026 a self-service reset accepts only registered authentication methods: an address or a "
    "number that stands only in the user's properties (otherMails, mobilePhone) no longer opens the door. "
    "Microsoft's documentation names 5 October 2026 for this; summaries of its message MC1325414 name "
    "9 November 2026."
)
METHODS_CAVEAT = (
    "A method registered through Microsoft Graph needs no confirmation by the person. Microsoft documents that a "
    "reset uses it, but does not say in so many words that it counts as registered by that person. "
    "A mobile phone that is registered also serves as a factor of multifactor authentication: a mistyped number is a "
    "stranger's. "
    "From 1 February 2027 (Global Administrators: 1 July 2027) Microsoft no longer sends text messages and voice calls "
    "itself: a mobile phone then counts only where the tenant has a telephony provider of its own."
)
CONTACT_ONLY = (
    "This run wrote contact properties only (target: contact). They serve notifications and the directory; "
    "by themselves they make nobody able to reset a password."
)

# learn.microsoft.com: entra/identity/authentication/concept-sspr-policy (two gates, and when it is one).
_GATES = {
    1: "This tenant has no domain of its own and is not synchronized, so Microsoft asks its administrators for one "
    "method at a reset (one gate): one would do today. Ready means two all the same, because two are asked for as soon "
    "as a domain is added or synchronization begins.",
    2: "Microsoft asks the administrators of this tenant for two methods at a reset (two gates).",
}

STATUS_MEANINGS = {
    "updated": "written, and read back as written",
    "unchanged": "the tenant held these values already; nothing was written",
    "planned": "would be written",
    "valid": "fit to be applied",
    "rejected": "the row is at fault; nothing was sent for it",
    "failed": "the tenant refused the change, or it could not be confirmed",
    "pending": "the run stopped before this row",
}

OBSTACLE_MEANINGS = {
    NOT_APPLIED: "the row was rejected, failed, or was not reached",
    DISABLED: "the account is disabled",
    TOO_FEW_METHODS: "fewer than two methods are registered that the administrators' policy accepts "
    "(email, mobile phone, authenticator app)",
    FLAG_OFF: "the flag is off",
}

_READ_ONLY = {
    "check": ("valid", "rejected"),
    "plan": ("planned", "unchanged", "rejected"),
}
# Warnings of a row of which an undo left a part as it was.
_LEFT_BY_UNDO = ("changed_since_plan", "synced_from_on_premises")
_WRITING = ("updated", "unchanged", "rejected", "failed")


def total(report: Report) -> int:
    """The rows of a report."""
    return sum(report["counts"].values())


def number(count: int, one: str, many: str = "") -> str:
    """`1 row`, `1,200 rows`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def shown_statuses(report: Report) -> list[str]:
    """The statuses worth showing: those that the command can lead to, and whatever else occurred."""
    usual = _READ_ONLY.get(report["command"], _WRITING)
    counts = report["counts"]
    return [status for status in counts if status in usual or counts[status]]


def flag_word(enabled: bool | None) -> str:
    """`on`, `off` or `not asked`."""
    return {True: "on", False: "off", None: "not asked"}[enabled]


def flag_sentence(report: Report) -> str:
    """What became of the flag: `The flag is on (it was off before).`"""
    before, after = report["feature"]["enabled_before"], report["feature"]["enabled_after"]
    if after is None:
        return "The flag was not asked." if before is None else "The flag was not read again at the end."
    was = "" if before in (None, after) else f" (it was {flag_word(before)} before)"
    consequence = "" if after else ": no administrator can reset a password until it is on"
    return f"The flag is {flag_word(after)}{was}{consequence}."


def gates_sentence(report: Report) -> str:
    """How many methods a reset asks for in this tenant; empty where that was not read."""
    return _GATES.get(report.get("gates") or 0, "")


def needing_a_person(report: Report) -> int:
    """Rows that only a person can take further."""
    return report["counts"]["rejected"] + report["counts"]["failed"]


def headline(report: Report) -> str:
    """The verdict in one sentence."""
    counts, ready, rows = report["counts"], report["ready"], total(report)
    known = ready["yes"] + ready["no"]
    if not rows:
        return "No row was read."
    if report["command"] == "check":
        return f"{counts['valid']:,} of {number(rows, 'row')} can be applied."
    if report["command"] == "plan" and not report["stopped_because"]:
        held = f"; {counts['unchanged']:,} hold these values already" if counts["unchanged"] else ""
        return f"{number(counts['planned'], 'administrator')} would be updated{held}."
    if report["command"] == "undo":
        in_part = max(report["warnings"].get(code, 0) for code in _LEFT_BY_UNDO)
        back = counts["updated"] + counts["unchanged"] - in_part
        then = f"before the run {report['undoes']}" if report.get("undoes") else "before"
        return f"{back:,} of {number(rows, 'administrator')} hold again what they held {then}."
    if not known:
        return (
            f"It is not known which of {number(rows, 'administrator')} can reset their password without help."
        )
    if report["feature"]["enabled_after"] is False and not ready["yes"]:
        return "No administrator can reset their password without help: the flag is off."
    return f"{ready['yes']:,} of {number(rows, 'administrator')} can now reset their password without help."


def details(report: Report) -> list[str]:
    """What the headline leaves open: what stopped, who is not ready and why, what waits for a person."""
    counts, ready = report["counts"], report["ready"]
    sentences = []
    if report["stopped_because"]:
        pending = counts["pending"]
        left = f" {number(pending, 'row was', 'rows were')} not reached." if pending else ""
        because = report["stopped_because"].rstrip(".")
        # A plan that a person did not approve is whole: there is nothing to go on with.
        whole = report["command"] == "plan" and not counts["pending"]
        again = "" if whole else f" `sspr resume {report['run_id']}` goes on."
        sentences.append(f"The run stopped before its end: {because}.{left}{again}")
    if ready["no"]:
        why = [f"{count:,} because {OBSTACLE_MEANINGS[name]}" for name, count in report["not_ready"].items()]
        sentences.append(f"{_yes_too(report)}{ready['no']:,} cannot: {'; '.join(why)}.")
    if ready["unknown"] and ready["yes"] + ready["no"]:
        sentences.append(f"For {ready['unknown']:,} it is not known: nothing was read.")
    if counts["rejected"]:
        files = " and ".join(report["rejected"])
        sentences.append(
            f"{number(counts['rejected'], 'row needs', 'rows need')} mending: "
            f"correct {files} and give it back as input."
        )
    if counts["failed"]:
        sentences.append(
            f"{number(counts['failed'], 'row')} failed in the tenant: the message in results.csv says why."
        )
    if report["target"] == "contact" and report["command"] not in ("check", "undo"):
        sentences.append(CONTACT_ONLY)
    return sentences


def _yes_too(report: Report) -> str:
    said = report["command"] not in _READ_ONLY and report["command"] != "undo"
    return "" if said else f"Able to reset without help: {report['ready']['yes']:,}; "


def one_line(report: Report) -> str:
    """The counts as a final state shows them: `412 updated, 80 unchanged, 8 rejected, 0 failed; flag on`."""
    counts = ", ".join(f"{report['counts'][status]} {status}" for status in shown_statuses(report))
    after = report["feature"]["enabled_after"]
    return counts if after is None else f"{counts}; flag {flag_word(after)}"
