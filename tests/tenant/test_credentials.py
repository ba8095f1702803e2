from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from sspr.errors import CannotStart
from sspr.tenant.credentials import certificate, credential
from sspr.tenant.errors import CertificateUnreadable
from tests.tenant.scripted import SECRET, SECRET_ENV, START, settings_for

NOW = datetime.fromtimestamp(START, UTC)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(key: rsa.RSAPrivateKey, how: KeySerializationEncryption | None = None) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how or NoEncryption()).decode()


def certificate_of(key: rsa.RSAPrivateKey, until: datetime = NOW + timedelta(days=30)) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sspr")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(until - timedelta(days=60))
        .not_valid_after(until)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_key_and_certificate_in_any_order_and_with_a_chain(order: list[int], tmp_path: Path) -> None:
    parts = [pem_of(KEY), certificate_of(KEY), certificate_of(OTHER)]
    path = tmp_path / "app.pem"
    path.write_text("Bag Attributes\n" + "\n".join(parts[n] for n in order))
    assert certificate(path, START) == {
        "private_key": parts[0].strip(),
        "public_certificate": parts[1].strip(),
    }


CASES = {
    "is absent": (None, "cannot be read: No such file"),
    "is empty": ("", "holds no private key"),
    "holds a certificate only": (certificate_of(KEY), "holds no private key"),
    "holds a key only": (pem_of(KEY), "holds no certificate"),
    "is of two pairs": (pem_of(KEY) + certificate_of(OTHER), "does not belong to the certificate"),
    "is protected": (pem_of(KEY, BestAvailableEncryption(b"x")) + certificate_of(KEY), "pass phrase"),
    "holds a damaged key": (
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + certificate_of(KEY), "cannot be read"
    ),
    "holds a damaged certificate": (
        pem_of(KEY) + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"
    ),
    "has expired": (pem_of(KEY) + certificate_of(KEY, NOW - timedelta(days=1)), "expired on 2027-01-14"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), CASES.values(), ids=CASES)
def test_what_is_said_of_a_file_that(text: str | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "app.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CertificateUnreadable, match=said) as caught:
        certificate(path, START)
    assert caught.value.exit_code == 2
    assert "PRIVATE KEY-" not in str(caught.value)


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(CertificateUnreadable, match="cannot be read"):
        certificate(tmp_path, START)


def test_a_certificate_that_is_not_named() -> None:
    with pytest.raises(CertificateUnreadable, match="needs certificate_file"):
        credential(settings_for(credential="certificate"), START)


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_ENV, SECRET)
    assert credential(settings_for(), START) == SECRET


def test_a_secret_that_is_not_there_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SECRET_ENV, raising=False)
    with pytest.raises(CannotStart, match=SECRET_ENV):
        credential(settings_for(), START)
