"""What the application signs in with, in the form that msal takes. Never in a message, a log or a repr."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from sspr.settings import TenantSettings
from sspr.tenant.errors import CertificateUnreadable, TokenFileUnreadable

_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----.+?-----END (?:[A-Z0-9]+ )*PRIVATE KEY-----", re.DOTALL
)
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_PFX_NAMES = (".pfx", ".p12")
_DER = b"\x30"  # the sequence that PKCS#12 is


@dataclass(frozen=True)
class FederatedToken:
    """The token that another issuer gave to this workload. Read anew each time: the issuer puts new ones there.

    learn.microsoft.com, entra/workload-id/workload-identity-federation.
    """

    path: Path

    def __call__(self) -> str:
        """The token of the moment. Raises `TokenFileUnreadable`."""
        try:
            text = self.path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no token"
            raise TokenFileUnreadable(
                f"The federated_token_file {self.path} cannot be read: {why}."
            ) from None
        if not text:
            raise TokenFileUnreadable(f"The federated_token_file {self.path} is empty.")
        return text


Credential = str | Mapping[str, str] | Mapping[str, FederatedToken]


def credential(settings: TenantSettings, now: float) -> Credential:
    """Msal's `client_credential`: a secret, a private key with its certificate, or what reads a federated token.

    With key and certificate msal signs its assertion PS256 with `x5t#S256`, the form that
    learn.microsoft.com, entra/identity-platform/certificate-credentials asks for. `now`: seconds since the epoch.
    Two of the same content are equal. Raises `CannotStart` (`CertificateUnreadable`, `TokenFileUnreadable`) where the
    one that the settings name cannot be used.
    """
    settings.require_credential()
    if settings.credential == "secret":
        return settings.secret()
    if settings.credential == "workload-identity":
        return {"client_assertion": FederatedToken(settings.token_file())}
    if settings.certificate_file is None:
        raise ValueError(f"{settings.credential} signs in by itself")
    return certificate(settings.certificate_file, now, settings.certificate_password())


def certificate(path: Path, now: float, password: str | None = None) -> dict[str, str]:
    """Key and certificate of a PEM or PFX (PKCS#12) file; further certificates of a chain are left out.

    A file is PFX by its name or its first byte, unless it holds PEM after all. A pass phrase for a file that has none
    does no harm.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CertificateUnreadable(
            f"The certificate_file {path} cannot be read: {error.strerror}."
        ) from None
    named = path.suffix.lower() in _PFX_NAMES or content.startswith(_DER)
    pfx = named and b"-----BEGIN " not in content
    key, certificates = (_pfx if pfx else _pem)(path, content, password)
    if not isinstance(key, RSAPrivateKey):
        raise CertificateUnreadable(f"The private key in {path} is not one of RSA, which Microsoft's sign-in asks for. "
                                    "Make a new pair and upload its certificate.")  # fmt: skip
    wanted = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for found in certificates:
        if found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == wanted:
            _check_dates(path, found, datetime.fromtimestamp(now, UTC))
            text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
            return {"private_key": text, "public_certificate": found.public_bytes(Encoding.PEM).decode()}
    raise CertificateUnreadable(f"The private key in {path} does not belong to the certificate there. "
                                "Put the pair that was made together into one file.")  # fmt: skip


def _pem(path: Path, content: bytes, password: str | None) -> tuple[object, Iterator[x509.Certificate]]:
    text = content.decode("ascii", errors="replace")
    key_text, certificates = _KEY.search(text), _CERTIFICATE.findall(text)
    if key_text is None or not certificates:
        raise _lacking(path, "private key" if key_text is None else "certificate")
    encoded = key_text.group().encode()
    try:
        try:
            key = load_pem_private_key(encoded, password.encode() if password else None)
        except TypeError:
            if not password:
                raise _protected(f"The private key in {path}") from None
            key = load_pem_private_key(encoded, None)  # it has no pass phrase
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateUnreadable(f"The private key in {path} cannot be read{_or_wrong(password)}. Export it again "
                                    "as PEM.") from None  # fmt: skip
    return key, (_parsed(path, each) for each in certificates)


def _parsed(path: Path, text: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        raise CertificateUnreadable(
            f"A certificate in {path} cannot be read. Export it again as PEM."
        ) from None


def _pfx(path: Path, content: bytes, password: str | None) -> tuple[object, Iterator[x509.Certificate]]:
    try:
        try:
            bag = load_pkcs12(content, password.encode() if password else None)
        except ValueError:
            if not password:
                raise
            bag = load_pkcs12(content, None)  # it has no pass phrase
    except (ValueError, UnsupportedAlgorithm):
        if not password:
            raise _protected(f"The PFX file {path}", " or is no PFX file") from None
        raise CertificateUnreadable(f"The certificate_file {path} cannot be read as PEM or PFX{_or_wrong(password)}. "
                                    "Export it again.") from None  # fmt: skip
    found = [each.certificate for each in (bag.cert, *bag.additional_certs) if each is not None]
    if bag.key is None or not found:
        raise _lacking(path, "private key" if bag.key is None else "certificate")
    return bag.key, iter(found)


def _protected(what: str, otherwise: str = "") -> CertificateUnreadable:
    return CertificateUnreadable(f"{what} is protected by a pass phrase{otherwise}. Put the pass phrase into an "
                                 "environment variable and name that one with certificate_password_env.")  # fmt: skip


def _or_wrong(password: str | None) -> str:
    return ", or the pass phrase that certificate_password_env names is another one's" if password else ""


def _lacking(path: Path, what: str) -> CertificateUnreadable:
    return CertificateUnreadable(f"The certificate_file {path} holds no {what}. It must hold both, key and "
                                 "certificate, as PEM or PFX.")  # fmt: skip


def _check_dates(path: Path, found: x509.Certificate, now: datetime) -> None:
    if now > found.not_valid_after_utc:
        raise CertificateUnreadable(f"The certificate in {path} expired on {found.not_valid_after_utc:%Y-%m-%d}. Make "
                                    "a new one and upload it to the app registration.")  # fmt: skip
