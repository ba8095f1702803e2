"""What is said of the mobile number beside its form: SMS sign-in, and the end of Microsoft's text messages. Pure.

Where a user may sign in by text message, Microsoft tries to make a mobile number that is registered a sign-in name as
well (learn.microsoft.com, graph/api/resources/phoneauthenticationmethod). A run leaves that as it found it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sspr.model import Finding, Methods

# learn.microsoft.com, entra/identity/authentication/concept-sms-voice-retirement: the public cloud first. The later
# date is that of Global Administrators, as summaries of Microsoft's message MC1426371 have it.
TEXTS_END = date(2027, 2, 1)
TEXTS_END_FOR_GLOBAL_ADMINISTRATORS = date(2027, 7, 1)

# States of SMS sign-in, in Microsoft's words.
ON = "ready"
NOT_UNIQUE = "phoneNumberNotUnique"

TURNED_OFF = Finding("sms_sign_in", "registering the number turned it on; the run turned it off again")
STAYS_ON = Finding("sms_sign_in", "it was on and is left on, for the new number")
LOST = Finding("sms_sign_in", "it was on, and with the new number it is not")
TAKEN = Finding("sms_sign_in", "the number is not unique: another account signs in with it")


@dataclass(frozen=True, slots=True)
class Texting:
    """What decides whether text messages reach a number. `today`: the date in UTC; `dated`: whether the published dates
    are those of the tenant's cloud; `provider`: the tenant has a telephony provider of its own, which goes on sending.
    """

    today: date
    dated: bool = True
    provider: bool = False


def texts_end(global_administrator: bool | None, texting: Texting, *, complete: bool) -> tuple[Finding, ...]:
    """What is said of an account whose reset rests on text messages: until when Microsoft sends them.

    Where the role is not known, the earlier date. `complete`: all registered methods could be read.
    """
    if texting.provider:
        return ()
    when = _when(global_administrator is True, texting)
    unseen = "" if complete else "; whether an authenticator app is registered could not be read"
    return (Finding("sms_ends", f"{when}{unseen}"),)


def _when(of_global_administrator: bool, texting: Texting) -> str:
    if not texting.dated:
        return "the end is announced, its date for this cloud is not known"
    end = TEXTS_END_FOR_GLOBAL_ADMINISTRATORS if of_global_administrator else TEXTS_END
    whom = ", the date for Global Administrators" if of_global_administrator else ""
    verb = "they ended" if texting.today >= end else "they end"
    return f"{verb} on {end.day} {end:%B %Y}{whom}"


def before_writing(held: Methods, *, replaces: bool) -> tuple[Finding, ...]:
    """What is said of SMS sign-in before anything is written. `replaces`: another number is to take the held one's
    place.
    """
    if replaces:
        return (STAYS_ON,) if held.sms_sign_in == ON else ()
    return (TAKEN,) if held.sms_sign_in == NOT_UNIQUE else ()


def turned_on(before: str, now: Methods) -> bool:
    """Whether SMS sign-in is on and was not, by its state `before`, when the run wrote the number."""
    return now.sms_sign_in == ON and before != ON


def after_writing(before: str, now: Methods, *, turned_off: bool) -> tuple[Finding, ...]:
    """What is said of SMS sign-in once a number that the run wrote was read back. `before`: its state before that;
    `turned_off`: the run put it back.
    """
    if turned_off:
        return (TURNED_OFF,)
    if now.sms_sign_in == NOT_UNIQUE:
        return (TAKEN,)
    return (LOST,) if before == ON and now.sms_sign_in != ON else ()
