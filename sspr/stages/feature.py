"""The tenant-wide flag: administrators may use self-service password reset."""

from __future__ import annotations

from collections.abc import Callable

from sspr.errors import Stopped
from sspr.stages.context import Context
from sspr.tenant.errors import PermissionMissing
from sspr.tenant.graph import Tenant

# How long a change of the policy is awaited in reads. Its effect takes longer: up to 60 minutes
# (learn.microsoft.com, entra/identity/authentication/concept-sspr-policy).
PATIENCE_SECONDS = 60.0
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)


def set_feature(
    tenant: Tenant, wanted: bool, clock: Callable[[], float], sleep: Callable[[float], None]
) -> bool:
    """Makes the flag `wanted`; writes only where it differs, and reads it back. Returns what it was before.

    Raises `Stopped` where no read shows the change.
    """
    before = tenant.feature()
    if before is wanted:
        return before
    tenant.set_feature(wanted)
    started, looks = clock(), 0
    while tenant.feature() is not wanted:
        if clock() - started > PATIENCE_SECONDS:
            raise Stopped(
                "The tenant accepted the change of the flag, but no read shows it yet. Look again later."
            )
        sleep(PAUSES[min(looks, len(PAUSES) - 1)])
        looks += 1
    return before


def look_at_flag(context: Context, *, needed: bool) -> None:
    """Notes the flag in the run: what it was at the first look, what it is at this one.

    Where the application may not read it, it stays unknown, unless it is `needed`: a run that writes verifies it.
    """
    try:
        shown = context.tenant.feature()
    except PermissionMissing:
        if needed:
            raise
        return
    _note(context, shown, shown)


def turn_flag(context: Context, wanted: bool) -> None:
    """Turns the flag on or off if it is not so yet, reads it back, and notes both."""
    _note(context, set_feature(context.tenant, wanted, context.clock, context.sleep), wanted)


def _note(context: Context, before: bool, after: bool) -> None:
    if context.run.record().feature_before is None:
        context.run.update(feature_before=before)
    context.run.update(feature_after=after)
