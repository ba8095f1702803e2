from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID

from sspr.errors import CannotStart
from sspr.tenant.credentials import certificate, credential
from sspr.tenant.errors import CertificateUnreadable
from tests.tenant.scripted import SECRET, SECRET_ENV, START, settings_for

NOW = datetime.fromtimestamp(START, UTC)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ELLIPTIC = ec.generate_private_key(ec.SECP256R1())


def pem_of(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, how: KeySerializationEncryption | None = None
) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how or NoEncryption()).decode()


def certificate_of(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, until: datetime = NOW + timedelta(days=30)
) -> str:
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


def pfx_of(
    key: rsa.RSAPrivateKey | None, *certificates: str, how: KeySerializationEncryption | None = None
) -> bytes:
    """A PFX file; the first certificate is the key's, the others its chain."""
    found = [x509.load_pem_x509_certificate(each.encode()) for each in certificates]
    return serialize_key_and_certificates(
        b"sspr", key, found[0] if found else None, found[1:], how or NoEncryption()
    )


PASSWORD_ENV = "CONTOSO_PASS_PHRASE"
PASSWORD = "pass~phrase~that~must~not~be~shown"
SEALED = BestAvailableEncryption(PASSWORD.encode())
MATERIAL = {"private_key": pem_of(KEY), "public_certificate": certificate_of(KEY)}
LEGACY = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, SEALED).decode()


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_key_and_certificate_in_any_order_and_with_a_chain(order: list[int], tmp_path: Path) -> None:
    parts = [pem_of(KEY), certificate_of(KEY), certificate_of(OTHER)]
    path = tmp_path / "app.pem"
    path.write_text("Bag Attributes\n" + "\n".join(parts[n] for n in order))
    assert certificate(path, START) == MATERIAL


CASES = {
    "is absent": (None, "cannot be read: No such file"),
    "is empty": ("", "holds no private key"),
    "holds a certificate only": (certificate_of(KEY), "holds no private key"),
    "holds a key only": (pem_of(KEY), "holds no certificate"),
    "is of two pairs": (pem_of(KEY) + certificate_of(OTHER), "does not belong to the certificate"),
    "is protected": (pem_of(KEY, SEALED) + certificate_of(KEY), "pass phrase.*certificate_password_env"),
    "holds a key that is none of RSA": (
        pem_of(ELLIPTIC) + certificate_of(ELLIPTIC), "is not one of RSA"
    ),
    "holds a damaged key": (
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + certificate_of(KEY), "cannot be read"
    ),
    "holds a damaged certificate": (
        pem_of(KEY) + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"
    ),
    "has expired": (pem_of(KEY) + certificate_of(KEY, NOW - timedelta(days=1)), "expired on 2027-01-14"),
    "is PFX and protected": (pfx_of(KEY, certificate_of(KEY), how=SEALED), "pass phrase.*certificate_password_env"),
    "is PFX and has no key": (pfx_of(None, certificate_of(KEY)), "holds no private key"),
    "is PFX and has no certificate": (pfx_of(KEY), "holds no certificate"),
    "is PFX and has expired": (pfx_of(KEY, certificate_of(KEY, NOW - timedelta(days=1))), "expired on 2027-01-14"),
    "is half a PFX": (pfx_of(KEY, certificate_of(KEY))[:500], "is no PFX file"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), CASES.values(), ids=CASES)
def test_what_is_said_of_a_file_that(text: str | bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "app.pem"
    if text is not None:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(CertificateUnreadable, match=said) as caught:
        certificate(path, START)
    assert caught.value.exit_code == 2
    assert "PRIVATE KEY-" not in str(caught.value)


SEALED_FILES: dict[str, tuple[str, str | bytes]] = {
    "PEM": ("app.pem", pem_of(KEY, SEALED) + certificate_of(KEY)),
    "PEM of old OpenSSL": ("app.pem", LEGACY + certificate_of(KEY)),
    "PFX by its name": ("app.pfx", pfx_of(KEY, certificate_of(KEY), how=SEALED)),
    "P12 with a chain": ("app.p12", pfx_of(KEY, certificate_of(KEY), certificate_of(OTHER), how=SEALED)),
    "PFX by its content": ("contoso", pfx_of(KEY, certificate_of(KEY), how=SEALED)),
    "PEM by its content": ("app.pfx", pem_of(KEY, SEALED) + certificate_of(KEY)),
}
OPEN_FILES: dict[str, tuple[str, str | bytes]] = {
    "PEM": ("app.pem", pem_of(KEY) + certificate_of(KEY)),
    "PFX": ("app.pfx", pfx_of(KEY, certificate_of(KEY))),
}


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(("name", "content"), SEALED_FILES.values(), ids=SEALED_FILES)
def test_a_pass_phrase_from_the_environment_opens(
    name: str, content: str | bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_ENV, PASSWORD)
    path = written(tmp_path, name, content)
    settings = settings_for(
        credential="certificate", certificate_file=path, certificate_password_env=PASSWORD_ENV
    )
    assert credential(settings, START) == MATERIAL
    monkeypatch.setenv(PASSWORD_ENV, "another")
    with pytest.raises(
        CertificateUnreadable, match="or the pass phrase that certificate_password_env"
    ) as caught:
        credential(settings, START)
    assert str(caught.value).count(PASSWORD) == 0
    monkeypatch.delenv(PASSWORD_ENV)
    with pytest.raises(CannotStart, match=PASSWORD_ENV):
        credential(settings, START)


@pytest.mark.parametrize("password", [None, PASSWORD])
@pytest.mark.parametrize(("name", "content"), OPEN_FILES.values(), ids=OPEN_FILES)
def test_a_file_without_a_pass_phrase_needs_none_and_minds_none(
    name: str, content: str | bytes, password: str | None, tmp_path: Path
) -> None:
    assert certificate(written(tmp_path, name, content), START, password) == MATERIAL


def test_a_folder_in_place_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(CertificateUnreadable, match="cannot be read"):
        certificate(tmp_path, START)


def test_a_certificate_that_is_not_named() -> None:
    with pytest.raises(CannotStart, match="needs certificate_file"):
        credential(settings_for(credential="certificate"), START)


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_ENV, SECRET)
    assert credential(settings_for(), START) == SECRET


def test_a_secret_that_is_not_there_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SECRET_ENV, raising=False)
    with pytest.raises(CannotStart, match=SECRET_ENV):
        credential(settings_for(), START)


def test_a_federated_token_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "token"
    settings = settings_for(credential="workload-identity", federated_token_file=path)
    material = credential(settings, START)
    assert isinstance(material, dict)
    assert material == credential(settings, START)
    for text in ("first", "second"):
        path.write_text(f"{text}\n")
        assert material["client_assertion"]() == text
