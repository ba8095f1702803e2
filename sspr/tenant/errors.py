"""What can go wrong at the seam to Microsoft. All but the internal ones are sentences for a person.

    CannotStart
    ├── CertificateUnreadable    the certificate file is absent, incomplete, expired or not of one pair
    └── TokenFileUnreadable      the file of the federated token is absent or empty
    Stopped
    ├── HostUnreachable          no connection on first contact: name, port, proxy, firewall
    ├── CertificateUntrusted     the server's TLS certificate is not trusted
    ├── SignInRefused            the sign-in service said no; the sentence depends on the AADSTS code
    ├── NoManagedIdentity        this machine has none, or it cannot be asked
    ├── PermissionMissing        Graph said 403 to a whole kind of call
    ├── TenantRefused            Graph refused a request as a whole for another reason
    ├── TenantUnavailable        it kept failing or throttling past our patience
    └── Interrupted              we were asked to stop while waiting
    SendError                    internal: one HTTP request failed below HTTP
    ├── NotSentError             it certainly never reached the service
    ├── NoAnswerError            it was sent, or may have been; what became of it is not known
    └── SignInFailingError       the sign-in service answered, but 429 or 5xx

Messages hold neither contact data nor secrets: they reach terminals, logs and Prefect's database.
"""

from __future__ import annotations

from collections.abc import Sequence

from sspr.errors import CannotStart, SsprError, Stopped
from sspr.model import Fault


class CertificateUnreadable(CannotStart):
    """The credential `certificate` cannot be used; nothing was sent."""


class TokenFileUnreadable(CannotStart):
    """The credential `workload-identity` cannot be used; nothing was sent."""


class HostUnreachable(Stopped):
    """No connection to a host on first contact. `why`: what the socket said."""

    def __init__(self, host: str, why: str) -> None:
        super().__init__(f"{host} cannot be reached: {why}. Check the network, the proxy (HTTPS_PROXY) and, where "
                         "they are set, graph_url and login_url, then run sspr resume.")  # fmt: skip


class CertificateUntrusted(Stopped):
    """The TLS certificate of a host is not signed by an authority that this machine trusts."""

    def __init__(self, host: str, why: str) -> None:
        super().__init__(f"The TLS certificate of {host} is not trusted: {why}. If a proxy of your organisation or a "
                         "server of your own signs it, name its authority with ca_file.")  # fmt: skip


class SignInRefused(Stopped):
    """The sign-in service refused the application. `code`: such as `AADSTS7000215`, or OAuth's word."""

    def __init__(self, code: str, advice: str, trace_id: str = "") -> None:
        self.code = code
        trace = f", trace id {trace_id}" if trace_id else ""
        super().__init__(f"Microsoft refused the sign-in ({code}{trace}). {advice}")


class NoManagedIdentity(Stopped):
    """The managed identity of this machine did not answer. `why`: what became of the question."""

    def __init__(self, why: str) -> None:
        super().__init__(f"No managed identity answers on this machine ({why}). It works on Azure, and where Azure Arc "
                         "runs: turn the identity on there, or set another credential.")  # fmt: skip


class PermissionMissing(Stopped):
    """The application lacks a permission, or a directory role. `permissions`: alternatives, the least first."""

    def __init__(self, what: str, permissions: Sequence[str], role: str = "", request_id: str = "") -> None:
        self.permissions = tuple(permissions)
        also = f", and the directory role {role}" if role else ""
        where = f" (request id {request_id})" if request_id else ""
        super().__init__(f"The application may not {what}{where}. Grant it the application permission "
                         f"{' or '.join(permissions)} with admin consent{also}, then run sspr resume.")  # fmt: skip


class TenantRefused(Stopped):
    """Graph refused a request as a whole, so that no row of it can go on."""

    def __init__(self, what: str, fault: Fault) -> None:
        self.fault = fault
        super().__init__(f"Microsoft Graph refused to {what} ({fault}). {_ADVICE.get(fault.code, _CHECK)}")


_CHECK = "Check tenant_id, client_id and, where it is set, graph_url, then run sspr resume."
_ADVICE = {
    # learn.microsoft.com, graph/resolve-auth-errors; the service principal does not exist (yet) in this tenant.
    "Authorization_IdentityNotFound": "The application has no service principal in this tenant: grant admin consent, "
    "wait some minutes, then run sspr resume.",
}


class TenantUnavailable(Stopped):
    """The service failed, or asked us to wait, for longer than our patience."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Microsoft's service kept failing: {why}. Wait a while, then run sspr resume.")


class Interrupted(Stopped):
    """We were told to stop while we waited for leave to send."""

    def __init__(self) -> None:
        super().__init__("The run was interrupted. sspr resume goes on with it.")


class SendError(SsprError):
    """One HTTP request that failed below HTTP. Internal: callers turn it into an answer or a sentence above."""


class NotSentError(SendError):
    """No connection: nothing of the request can have been applied, so that it is safe to send again."""


class NoAnswerError(SendError):
    """The connection broke or timed out once something may have been sent."""


class SignInFailingError(SendError):
    """The sign-in service failed or throttled. `wait`: seconds that it asked for, None where it did not say."""

    def __init__(self, status: int, wait: float | None) -> None:
        self.wait = wait
        super().__init__(f"the sign-in service answered HTTP {status}")
