"""What the application signs in with, in the form that msal takes. Never in a message, a log or a repr."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from sspr.settings import TenantSettings
from sspr.tenant.errors import CertificateUnreadable

_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----.+?-----END (?:[A-Z0-9]+ )*PRIVATE KEY-----", re.DOTALL
)
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def credential(settings: TenantSettings, now: float) -> str | dict[str, str]:
    """Msal's `client_credential`: a secret, or a private key with its certificate.

    With key and certificate msal signs its assertion PS256 with `x5t#S256`, the form that
    learn.microsoft.com, entra/identity-platform/certificate-credentials asks for. `now`: seconds since the epoch.
    Raises `CannotStart` (`CertificateUnreadable`) where the one that the settings name cannot be used.
    """
    if settings.credential == "secret":
        return settings.secret()
    if settings.certificate_file is None:
        raise CertificateUnreadable('credential = "certificate" needs certificate_file, a PEM file with the private '
                                    "key and the certificate.")  # fmt: skip
    return certificate(settings.certificate_file, now)


def certificate(path: Path, now: float) -> dict[str, str]:
    """Key and certificate of a PEM file, in any order; further certificates of a chain are left out."""
    key_text, certificate_texts = _parts(path)
    try:
        key = load_pem_private_key(key_text.encode(), password=None)
    except TypeError:
        raise CertificateUnreadable(f"The private key in {path} is protected by a pass phrase. Save it without one, "
                                    "in a file that only this account can read.") from None  # fmt: skip
    except ValueError:
        raise CertificateUnreadable(
            f"The private key in {path} cannot be read. Export it again as PEM."
        ) from None
    wanted = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for text in certificate_texts:
        try:
            found = x509.load_pem_x509_certificate(text.encode())
        except ValueError:
            raise CertificateUnreadable(
                f"A certificate in {path} cannot be read. Export it again as PEM."
            ) from None
        if found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == wanted:
            _check_dates(path, found, datetime.fromtimestamp(now, UTC))
            return {"private_key": key_text, "public_certificate": text}
    raise CertificateUnreadable(f"The private key in {path} does not belong to the certificate there. "
                                "Put the pair that was made together into one file.")  # fmt: skip


def _parts(path: Path) -> tuple[str, list[str]]:
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise CertificateUnreadable(
            f"The certificate_file {path} cannot be read: {error.strerror}."
        ) from None
    key, certificates = _KEY.search(text), _CERTIFICATE.findall(text)
    if key is None or not certificates:
        lacking = "private key" if key is None else "certificate"
        raise CertificateUnreadable(f"The certificate_file {path} holds no {lacking}. It must hold both, key and "
                                    "certificate, as PEM.")  # fmt: skip
    return key.group(), certificates


def _check_dates(path: Path, found: x509.Certificate, now: datetime) -> None:
    if now > found.not_valid_after_utc:
        raise CertificateUnreadable(f"The certificate in {path} expired on {found.not_valid_after_utc:%Y-%m-%d}. Make "
                                    "a new one and upload it to the app registration.")  # fmt: skip
