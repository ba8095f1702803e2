"""JSON of Graph → values of `sspr.model`. Pure; a null, an absent or a wrongly typed property never raises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sspr.masking import mask_text
from sspr.model import INITIAL_DOMAIN, Account, Fault, Methods, Organization
from sspr.tenant.batch import Reply

ACCOUNT_SELECT = (
    "id,userPrincipalName,mail,proxyAddresses,otherMails,mobilePhone,"
    "accountEnabled,userType,onPremisesSyncEnabled"
)
# Longer texts are cut: an error message is for a line of a table, and some quote what was sent.
_MAX_MESSAGE = 300
_MOBILE = (
    "3179e48a-750b-4051-897c-87b9720928f7"  # the fixed id of a mobile phone method, the same in all tenants
)
_APP = "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod"
_EMAIL = "#microsoft.graph.emailAuthenticationMethod"
_PHONE = "#microsoft.graph.phoneAuthenticationMethod"


def text(value: object) -> str:
    """A string as it is; anything else, null among it, as the empty string."""
    return value if isinstance(value, str) else ""


def texts(value: object) -> tuple[str, ...]:
    """The strings of a list; of anything else none."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def objects(value: object) -> Iterator[Mapping[str, object]]:
    """The objects of a list, or of the `value` of a collection's answer."""
    if isinstance(value, Mapping):
        value = value.get("value")
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, Mapping))


def account(body: object) -> Account | None:
    """One user; None where what a run needs of it was withheld.

    learn.microsoft.com, graph/permissions-overview, "limited information": without the permission to read an
    object's properties Graph answers with its type and id and null for the rest, and some collections empty. A null
    is not "empty", and an empty list is not sure to be: a user that may be read shows in `otherMails` a list, and in
    `accountEnabled`, which is required when a user is created (graph/api/resources/user), true or false.
    """
    user = body if isinstance(body, Mapping) else {}
    name = text(user.get("userPrincipalName"))
    enabled = user.get("accountEnabled")
    shown = isinstance(user.get("otherMails"), list) and isinstance(enabled, bool)
    if not text(user.get("id")) or not name or not shown:
        return None
    return Account(
        id=text(user.get("id")),
        user_principal_name=name,
        mail=text(user.get("mail")),
        proxy_addresses=texts(user.get("proxyAddresses")),
        other_mails=texts(user.get("otherMails")),
        mobile_phone=text(user.get("mobilePhone")),
        enabled=enabled if isinstance(enabled, bool) else None,
        guest=text(user.get("userType")).lower() == "guest",
        synced=user.get("onPremisesSyncEnabled") is True,
    )


def methods(body: object, *, complete: bool = True) -> Methods:
    """The registered methods from an answer of `/authentication/methods`, or from a list of such objects.

    Of phones only the one of type mobile counts: it alone receives text messages
    (learn.microsoft.com, graph/api/resources/phoneauthenticationmethod).
    """
    email = email_id = phone = phone_id = sms = ""
    app = False
    for method in objects(body):
        kind = text(method.get("@odata.type"))
        if kind == _EMAIL or (not kind and "emailAddress" in method):
            email, email_id = text(method.get("emailAddress")), text(method.get("id"))
        elif kind == _PHONE or (not kind and "phoneNumber" in method):
            if text(method.get("phoneType")) == "mobile" or text(method.get("id")) == _MOBILE:
                phone, phone_id = text(method.get("phoneNumber")), text(method.get("id"))
                sms = text(method.get("smsSignInState"))
        elif kind == _APP:
            app = True
    return Methods(
        email=email, email_id=email_id, mobile_phone=phone, mobile_phone_id=phone_id, authenticator_app=app,
        complete=complete, sms_sign_in=sms,
    )  # fmt: skip


def organization(body: object) -> Organization | None:
    """The tenant from an answer of `/organization`; None where it holds none."""
    for item in objects(body):
        named = (text(domain.get("name")).lower() for domain in objects(item.get("verifiedDomains")))
        domains = frozenset(named) - {""}
        return Organization(
            text(item.get("id")), text(item.get("displayName")), domains, _gates(item, domains)
        )
    return None


def _gates(item: Mapping[str, object], domains: frozenset[str]) -> int:
    """How many methods Microsoft asks administrators of the tenant for at a reset.

    One where the tenant has no domain of its own and is not synchronized; else two, and in the first 30 days of a
    trial one, which cannot be read (learn.microsoft.com, entra/identity/authentication/concept-sspr-policy). Without
    the permission to read all of the organization Graph answers with its domains and null for the rest
    (graph/api/organization-get): only where the date of its making is shown is a null "not synchronized".
    """
    readable = bool(text(item.get("createdDateTime")))
    own = any(not INITIAL_DOMAIN.search(domain) for domain in domains)
    alone = readable and domains and not own and item.get("onPremisesSyncEnabled") is not True
    return 1 if alone else 2


def error_of(body: object) -> Mapping[str, object]:
    """The error object of an answer, unwrapped: some endpoints nest it twice. Empty where there is none."""
    error = body.get("error") if isinstance(body, Mapping) else None
    while isinstance(error, Mapping) and isinstance(error.get("error"), Mapping):
        error = error["error"]
    return error if isinstance(error, Mapping) else {}


def error_codes(body: object) -> frozenset[str]:
    """Every code that an error tells: its own and those of its details and its inner error."""
    error = error_of(body)
    found = [error, _inner(error), *objects(error.get("details"))]
    return frozenset(text(item.get("code")) for item in found) - {""}


def _inner(error: Mapping[str, object]) -> Mapping[str, object]:
    inner = error.get("innerError") or error.get("innererror")
    return inner if isinstance(inner, Mapping) else {}


def fault(reply: Reply) -> Fault:
    """An answer that is no success as a `Fault`; the message masked and cut, the code never empty."""
    error = error_of(reply.body)
    inner = _inner(error)
    details = next((text(item.get("code")) for item in objects(error.get("details"))), "")
    code = text(error.get("code")) or text(inner.get("code")) or details or f"http_{reply.status}"
    message = " ".join(text(error.get("message")).split())
    request_id = text(inner.get("request-id")) or reply.headers.get("request-id", "")
    return Fault(reply.status, mask_text(code)[:100], mask_text(message)[:_MAX_MESSAGE], request_id[:64])


def merged(emails: Methods | Fault, phones: Methods | Fault) -> Methods | Fault:
    """What two listings, one of each kind, tell together: an authenticator app may exist unseen."""
    if isinstance(emails, Fault):
        return emails
    if isinstance(phones, Fault):
        return phones
    return Methods(
        email=emails.email, email_id=emails.email_id, mobile_phone=phones.mobile_phone,
        mobile_phone_id=phones.mobile_phone_id, complete=False, sms_sign_in=phones.sms_sign_in,
    )  # fmt: skip
