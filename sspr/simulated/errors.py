"""Graph's errors: codes, messages and bodies in one place.

Shape: learn.microsoft.com, "Microsoft Graph error responses". Codes of directory objects as Microsoft Graph answers
them; where Microsoft documents none, the docs page of the simulated tenant says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from sspr.simulated.faults import RetryAfterForm

Json = dict[str, Any]

DEFAULT_CODES = {
    400: ("BadRequest", "The request is malformed or incorrect."),
    401: ("InvalidAuthenticationToken", "Access token validation failure."),
    403: ("Authorization_RequestDenied", "Insufficient privileges to complete the operation."),
    404: ("Request_ResourceNotFound", "Resource does not exist."),
    409: (
        "Directory_ConcurrencyViolation",
        "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.",
    ),
    412: ("PreconditionFailed", "A condition of the request is not met."),
    429: ("TooManyRequests", "Please retry again later."),
    500: ("InternalServerError", "The server encountered an internal error."),
    502: ("BadGateway", "Bad gateway."),
    503: ("ServiceUnavailable", "The service is temporarily unavailable."),
    504: ("GatewayTimeout", "The gateway did not receive a response in time."),
}


class GraphError(Exception):
    """A refusal. ``headers`` are added to the answer's own."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        inner: Json | None = None,
        details: Iterable[str] = (),
        nested: bool = False,
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message
        self.headers, self.inner, self.nested = dict(headers or {}), inner or {}, nested
        self.details = [{"code": each, "message": message} for each in details]

    def body(self, now: float, request_id: str, client_request_id: str) -> Json:
        """The JSON body; ids and date stand in innerError, as Graph puts them."""
        inner = {
            **self.inner,
            "date": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request_id,
            "client-request-id": client_request_id,
        }
        body: Json = {"error": {"code": self.code, "message": self.message, "innerError": inner}}
        if self.details:
            body["error"]["details"] = self.details
        return {"error": body} if self.nested else body


def plain(status: int, code: str | None = None, message: str | None = None, **more: Any) -> GraphError:
    """An error by its status, with Graph's usual code and message unless given."""
    usual = DEFAULT_CODES.get(status, ("UnknownError", "Unknown error."))
    return GraphError(status, code or usual[0], message or usual[1], **more)


def bad_request(message: str, code: str = "Request_BadRequest") -> GraphError:
    """400."""
    return GraphError(400, code, message)


def invalid_value(name: str) -> GraphError:
    """400: the value of a property of a user is refused; the text names the property, never the value."""
    return bad_request(f"Invalid value specified for property '{name}' of resource 'User'.")


def mastered_on_premises() -> GraphError:
    """400: the property is read-only because the on-premises directory is its master."""
    return bad_request(
        "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects "
        "currently undergoing migration."
    )


def not_found(key: str) -> GraphError:
    """404: Graph quotes the key that was asked for."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{key}' does not exist or one of its queried reference-property objects are not present.",
    )


def no_method(key: str) -> GraphError:
    """404 of the authentication methods service."""
    return GraphError(404, "resourceNotFound", f"The requested authentication method '{key}' was not found.")


def denied() -> GraphError:
    """403: permission or directory role is missing; Graph does not say which."""
    return plain(403)


def unauthenticated(message: str, **headers: str) -> GraphError:
    """401, with the challenge header that Graph sends."""
    return GraphError(
        401,
        "InvalidAuthenticationToken",
        message,
        headers={
            "WWW-Authenticate": 'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/'
            'authorize", client_id="00000003-0000-0000-c000-000000000000"',
            **headers,
        },
    )


def no_segment(segment: str) -> GraphError:
    """400: the path names nothing that Graph v1.0 knows."""
    return bad_request(f"Resource not found for the segment '{segment}'.", "BadRequest")


def unsupported_query(message: str) -> GraphError:
    """400: a query option that the directory does not support."""
    return bad_request(message, "Request_UnsupportedQuery")


def not_simulated(what: str) -> GraphError:
    """501: Graph may well do this, the simulated tenant does not; never passed off as Graph's own refusal."""
    return GraphError(501, "NotSimulated", f"The simulated tenant does not know {what}.")


def retry_after(seconds: float, form: RetryAfterForm, now: float) -> dict[str, str]:
    """The Retry-After header for a wait, in the asked form. Whole seconds and dates are rounded up."""
    if form == "absent":
        return {}
    if form == "fraction":
        return {"Retry-After": f"{max(seconds, 0.001):.3f}"}
    whole = max(1, int(-(-seconds // 1)))
    if form == "date":
        # An HTTP date has whole seconds: one more, so that it never lies before the true end.
        at = datetime.fromtimestamp(int(now) + whole + 1, UTC)
        return {"Retry-After": format_datetime(at, usegmt=True)}
    return {"Retry-After": str(whole)}
