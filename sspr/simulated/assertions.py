"""Client assertions: how an application proves itself by a certificate, and how sign-in refuses.

learn.microsoft.com, "Microsoft identity platform application authentication certificate credentials".
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from sspr.simulated.state import App

# Entra ID grants five minutes of clock skew.
_SKEW = 300


@dataclass
class SignInError(Exception):
    """A refusal of the token endpoint: ``error`` as OAuth names it, ``code`` the number after AADSTS."""

    error: str
    code: int
    text: str
    status: int = 400


def check_assertion(app: App, assertion: str, endpoint: str, tenant_id: str, now: float) -> None:
    """Raises :class:`SignInError` unless the assertion is good for this application and token endpoint.

    Taken: PS256 with x5t#S256, or the older RS256 with x5t, signed by the key of a registered certificate; or a token
    of an issuer with which the application has a federated credential.
    """
    malformed = _refused(50027, "JWT token is invalid or malformed.")
    unsigned = _refused(
        700027,
        "The certificate with identifier used to sign the client assertion is not registered on application, or the "
        "signature is not valid.",
    )
    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.InvalidTokenError:
        raise malformed from None
    if not {"x5t#S256", "x5t"} & header.keys():
        _check_federated(app, assertion, now)
        return
    key = _key(app, header)
    if key is None or header.get("alg") not in {"PS256", "RS256"}:
        raise unsigned
    try:
        claims = jwt.decode(
            assertion,
            key,
            algorithms=[str(header["alg"])],
            options={
                "verify_aud": False,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "require": ["aud", "exp", "iss", "sub", "jti"],
            },
        )
    except jwt.MissingRequiredClaimError:
        raise malformed from None
    except jwt.InvalidTokenError:
        raise unsigned from None
    _check_claims(claims, app, endpoint, tenant_id, now)


def _check_federated(app: App, assertion: str, now: float) -> None:
    """learn.microsoft.com, entra/workload-id/workload-identity-federation, "How it works"."""
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise _refused(50027, "JWT token is invalid or malformed.") from None
    left = app.federated
    for code, name, what in (
        (700211, "iss", "issuer"),
        (700213, "sub", "subject"),
        (700212, "aud", "audience"),
    ):
        left = tuple(each for each in left if getattr(each, what) == claims.get(name))
        if not left:
            raise _refused(
                code, f"No matching federated identity record found for presented assertion {what}."
            )
    try:
        jwt.decode(
            assertion,
            left[0].key,
            algorithms=["RS256"],
            options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except jwt.InvalidTokenError:
        raise _refused(50013, "Assertion failed signature validation.") from None
    if not float(claims.get("nbf", 0)) - _SKEW <= now < float(claims.get("exp", 0)) + _SKEW:
        raise _refused(700024, "Client assertion is not within its valid time range.")


def _check_claims(claims: Mapping[str, Any], app: App, endpoint: str, tenant_id: str, now: float) -> None:
    if not float(claims.get("nbf", 0)) - _SKEW <= now < float(claims["exp"]) + _SKEW:
        raise _refused(700024, "Client assertion is not within its valid time range.")
    if claims["iss"] != claims["sub"] or str(claims["sub"]).casefold() != app.client_id.casefold():
        raise _refused(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
    by_name, _, _ = endpoint.partition("/oauth2/")
    by_id = f"{by_name.rpartition('/')[0]}/{tenant_id}"
    if claims["aud"] not in {
        f"{root}{path}" for root in (by_name, by_id) for path in ("/oauth2/v2.0/token", "/v2.0")
    }:
        raise _refused(700023, "Client assertion audience claim does not match Realm issuer.")


def _refused(code: int, text: str) -> SignInError:
    return SignInError("invalid_client", code, text, 401)


def _key(app: App, header: Mapping[str, Any]) -> RSAPublicKey | None:
    """The public key of the registered certificate that the assertion's header names by thumbprint."""
    for pem in app.certificates:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        key = certificate.public_key()
        # x5t is defined over SHA-1; it names a certificate, it secures nothing.
        for name, digest in (("x5t#S256", SHA256()), ("x5t", SHA1())):  # noqa: S303
            thumbprint = base64.urlsafe_b64encode(certificate.fingerprint(digest)).decode().rstrip("=")
            if str(header.get(name, "")).rstrip("=") == thumbprint and isinstance(key, RSAPublicKey):
                return key
    return None
