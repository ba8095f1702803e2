"""What the sign-in service's refusals mean, and what to do about each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sspr.masking import mask_text
from sspr.tenant.errors import SignInRefused

_SECRET = (
    "Make a new client secret in the app registration and put its value, not its id, where secret_env says."
)
_CERTIFICATE = (
    "Upload the certificate of certificate_file to the app registration, or name the one that is there."
)
_APP = "Check client_id and tenant_id: the application must exist in that tenant, with admin consent."
TENANT = "Check tenant_id, and that cloud is the one the tenant belongs to."
_CONSENT = "Let an administrator grant consent to the application's permissions."
_POLICY = "A Conditional Access policy or security default stops it: exclude this application or allow this network."
_FEDERATED = (
    "Add a federated credential to the app registration whose issuer, subject and audience are those of the token in "
    "federated_token_file."
)
_CODE = "The code was not entered in time, or not as shown: start again."
AGAIN = "The person's sign-in has ended or was revoked: sspr resume, or the command started anew, asks for it again."

# learn.microsoft.com, entra/identity-platform/reference-error-codes. The codes only choose the help text.
ADVICE: Mapping[int, str] = {
    7000215: _SECRET,
    7000222: "The client secret has expired. " + _SECRET,
    70002: _SECRET,
    7000218: "The application does not let people sign in by a code: under Authentication, allow public client flows.",
    700016: _APP,
    700011: _APP,
    70001: "The application is disabled or not in this tenant. " + _APP,
    7000112: "The application is disabled: an administrator can enable it under Enterprise applications.",
    700027: _CERTIFICATE,
    50012: _CERTIFICATE,
    700030: _CERTIFICATE,
    700024: "The proof is out of date: check this machine's clock, and that federated_token_file is kept renewed.",
    70021: _FEDERATED,
    700211: _FEDERATED,
    700212: _FEDERATED,
    700213: _FEDERATED,
    90002: TENANT,
    900382: TENANT,
    900432: TENANT,
    90038: TENANT,
    50059: TENANT,
    50128: TENANT,
    9001023: TENANT,
    500011: "The address of Graph is not known there: check graph_url and cloud.",
    70011: "The address of Graph is not known there: check graph_url and cloud.",
    65001: _CONSENT,
    90094: _CONSENT,
    650056: _CONSENT,
    53003: _POLICY,
    530035: _POLICY,
    50076: _POLICY,
    50079: _POLICY,
    50173: AGAIN,
    70043: AGAIN,
    70018: _CODE,
    70019: _CODE,
    50196: "Too many sign-ins in a short time: wait some minutes.",
}
_RETRIABLE = frozenset({90006, 90012, 90024, 90033, 90055, 90090})
_OTHER_RESOURCE = frozenset({500011, 70011})
# Words of OAuth 2.0 and OpenID Connect for a refresh token that does not do any more: the person is asked for.
_PERSON_NEEDED = frozenset({"invalid_grant", "interaction_required", "login_required", "consent_required"})


def passing(answer: Mapping[str, Any]) -> bool:
    """Whether an error answer says that the service fails for the moment."""
    return bool(_RETRIABLE & _codes(answer)) or answer.get("error") == "temporarily_unavailable"


def other_resource(answer: Mapping[str, Any]) -> bool:
    """Whether an error answer says that there is no such resource."""
    return bool(_OTHER_RESOURCE & _codes(answer))


def person_needed(answer: Mapping[str, Any]) -> bool:
    """Whether an error answer says that no token comes without the person."""
    return answer.get("error") in _PERSON_NEEDED


def refused(answer: Mapping[str, Any], advice: str | None = None) -> SignInRefused:
    """The sentence for an error answer of the token endpoint; `advice` in place of the one that its code chooses."""
    codes = sorted(_codes(answer))
    known = next((code for code in codes if code in ADVICE), None)
    code = known or (codes[0] if codes else None)
    name = f"AADSTS{code}" if code else mask_text(str(answer.get("error", "no reason given")))[:60]
    # Of a code without a sentence of ours, Microsoft's first line: it names neither secrets nor people.
    told = mask_text(str(answer.get("error_description", "")).partition("\n")[0].strip())[:200]
    advice = advice or (ADVICE[known] if known else f"It said: {told}" if told else _APP)
    return SignInRefused(name, advice, str(answer.get("trace_id", ""))[:64])


def _codes(answer: Mapping[str, Any]) -> frozenset[int]:
    listed = answer.get("error_codes")
    codes = {code for code in listed if isinstance(code, int)} if isinstance(listed, list) else set()
    codes.update(int(code) for code in re.findall(r"AADSTS(\d+)", str(answer.get("error_description", ""))))
    return frozenset(codes)
