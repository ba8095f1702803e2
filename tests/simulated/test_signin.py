"""Sign-in, judged by msal: secret, certificate in both forms, and every refusal in Entra ID's words."""

from __future__ import annotations

import base64
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import msal  # type: ignore[import-untyped]
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from sspr.simulated.behaviour import Behaviour
from sspr.simulated.faults import Fault
from sspr.simulated.people import DEVICE_CODE
from sspr.simulated.samples import application
from sspr.simulated.state import App
from tests.simulated.conftest import ADMIN, SCOPE, AsApp, Start, Tenant, code


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


@pytest.fixture(scope="module")
def certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "contoso app")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )


def _pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _with_certificate(as_app: AsApp, certificate: x509.Certificate) -> Tenant:
    return as_app(application(certificates=(_text(certificate),)))


def test_a_secret_gets_a_token_that_opens_graph(start: Start) -> None:
    tenant = start(behaviour=Behaviour(token_lifetime=1234))
    answer = tenant.sign_in()
    assert answer["expires_in"] == 1234
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert set(claims["roles"]) == set(tenant.server.state.apps[0].permissions)
    assert set(tenant.server.state.apps[0].directory_roles) <= set(claims["wids"])
    assert tenant.client().get("/organization").json()["value"][0]["id"] == tenant.server.tenant_id


def test_the_published_key_verifies_the_token(start: Start) -> None:
    tenant = start()
    token = tenant.sign_in()["access_token"]
    configuration = _login(
        tenant, "GET", f"{tenant.server.tenant_id}/v2.0/.well-known/openid-configuration"
    ).json()
    keys = _login(tenant, "GET", configuration["jwks_uri"].split("/", 3)[3]).json()["keys"]
    jwt.decode(
        token, jwt.PyJWK(keys[0], "RS256").key, algorithms=["RS256"], audience="https://graph.microsoft.com"
    )


@pytest.mark.parametrize("newer", [True, False], ids=["PS256", "RS256"])
def test_a_certificate_gets_a_token(
    as_app: AsApp, key: rsa.RSAPrivateKey, certificate: x509.Certificate, *, newer: bool
) -> None:
    tenant = _with_certificate(as_app, certificate)
    credential = {"private_key": _pem(key)} | (
        {"public_certificate": _text(certificate)}
        if newer
        else {"thumbprint": certificate.fingerprint(hashes.SHA1()).hex()}
    )
    assert "access_token" in tenant.sign_in(credential)


@pytest.mark.parametrize(
    ("changes", "foreign", "expected"),
    [
        ({}, False, None),
        ({"aud": "https://login.microsoftonline.com/x/oauth2/v2.0/token"}, False, 700023),
        ({"exp": int(time.time()) - 900}, False, 700024),
        ({"iss": str(uuid.uuid4())}, False, 700021),
        ({}, True, 700027),
        ({"jti": None}, False, 50027),
    ],
)
def test_an_assertion_is_checked(
    as_app: AsApp,
    key: rsa.RSAPrivateKey,
    certificate: x509.Certificate,
    changes: dict[str, Any],
    foreign: bool,
    expected: int | None,
) -> None:
    tenant = _with_certificate(as_app, certificate)
    client_id, path = tenant.server.client_id, f"{tenant.server.tenant_id}/oauth2/v2.0/token"
    claims = {
        "aud": f"{tenant.server.login_url}/{path}",
        "iss": client_id,
        "sub": client_id,
        "jti": str(uuid.uuid4()),
        "nbf": int(time.time()),
        "exp": int(time.time()) + 600,
    } | changes
    signer = rsa.generate_private_key(public_exponent=65_537, key_size=2_048) if foreign else key
    print_ = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")
    assertion = jwt.encode(
        {name: value for name, value in claims.items() if value is not None},
        signer,
        algorithm="PS256",
        headers={"x5t#S256": print_},
    )
    answer = _login(
        tenant,
        "POST",
        path,
        client_id=client_id,
        grant_type="client_credentials",
        scope=SCOPE,
        client_assertion=assertion,
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    )
    assert answer.json().get("error_codes") == (None if expected is None else [expected])
    assert answer.status_code == (200 if expected is None else 401)


@pytest.mark.parametrize(
    ("options", "credential", "error", "number"),
    [
        ({}, "wrong", "invalid_client", 7000215),
        ({}, "old", "invalid_client", 7000222),
        ({"client_id": str(uuid.UUID(int=7))}, None, "unauthorized_client", 700016),
        ({"scope": "https://vault.azure.net/.default"}, None, "invalid_resource", 500011),
        ({"scope": "User.Read.All"}, None, "invalid_scope", 70011),
        ({"scope": "https://graph.microsoft.us/.default"}, None, "invalid_resource", 500011),
    ],
)
def test_what_entra_refuses_is_refused_in_its_words(
    as_app: AsApp, options: dict[str, str], credential: str | None, error: str, number: int
) -> None:
    tenant = as_app(replace(application(), expired_secrets=("old",)))
    answer = tenant.sign_in(credential, **options)
    assert (answer["error"], answer["error_codes"]) == (error, [number])
    assert answer["error_description"].startswith(f"AADSTS{number}: ")


def test_an_unknown_tenant_has_no_configuration(start: Start) -> None:
    tenant = start()
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        tenant.sign_in(tenant="fabrikam.com")
    answer = _login(tenant, "GET", "fabrikam.com/v2.0/.well-known/openid-configuration")
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])
    assert "access_token" in tenant.sign_in(tenant="contoso.onmicrosoft.com")


def test_a_client_credential_needs_a_tenant(shared: Tenant) -> None:
    answer = _login(shared, "POST", "common/oauth2/v2.0/token", grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [50059])


def test_instance_discovery_knows_this_authority_only(start: Start) -> None:
    tenant = start()
    own = f"{tenant.server.login_url}/{tenant.server.tenant_id}"
    app = msal.ConfidentialClientApplication(
        tenant.server.client_id,
        tenant.server.secret,
        authority=own,
        instance_discovery=f"{tenant.server.login_url}/common/discovery/instance",
        verify=str(tenant.server.ca_file),
    )
    assert "access_token" in app.acquire_token_for_client([SCOPE])
    path = (
        "common/discovery/instance?authorization_endpoint=https://login.example.org/x/oauth2/v2.0/authorize"
    )
    assert _login(tenant, "GET", path).json()["error"] == "invalid_instance"


def test_tokens_expire_and_can_be_revoked(start: Start) -> None:
    now = [1_900_000_000.0]
    tenant = start(behaviour=Behaviour(token_lifetime=600), clock=lambda: now[0])
    token = tenant.sign_in()["access_token"]
    client = tenant.client(Authorization=f"Bearer {token}")
    assert client.get("/organization").status_code == 200
    now[0] += 600
    answer = client.get("/organization")
    assert code(answer) == (401, "InvalidAuthenticationToken")
    assert "expired" in answer.json()["error"]["message"]
    client = tenant.client()
    tenant.server.revoke_tokens()
    assert code(client.get("/organization")) == (401, "InvalidAuthenticationToken")
    assert tenant.client().get("/organization").status_code == 200


def test_a_client_that_takes_challenges_gets_one_that_msal_can_answer(start: Start) -> None:
    tenant = start()
    app = msal.ConfidentialClientApplication(
        tenant.server.client_id,
        tenant.server.secret,
        authority=f"{tenant.server.login_url}/{tenant.server.tenant_id}",
        instance_discovery=False,
        verify=str(tenant.server.ca_file),
        client_capabilities=["cp1"],
    )
    token = app.acquire_token_for_client([SCOPE])["access_token"]
    tenant.server.revoke_tokens()
    challenge = tenant.client(Authorization=f"Bearer {token}").get("/users").headers["WWW-Authenticate"]
    assert 'error="insufficient_claims"' in challenge
    claims = base64.b64decode(challenge.rpartition('claims="')[2].rstrip('"')).decode()
    fresh = app.acquire_token_for_client([SCOPE], claims_challenge=claims)["access_token"]
    assert tenant.client(Authorization=f"Bearer {fresh}").get("/organization").status_code == 200


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("", "Access token is empty."),
        ("Basic eDp5", "Access token is empty."),
        ("Bearer nonsense", "IDX14100: JWT is not well formed."),
        (f"Bearer {jwt.encode({'aud': 'https://management.azure.com'}, 'k' * 32)}", "Invalid audience."),
        (f"Bearer {jwt.encode({'aud': 'https://graph.microsoft.com'}, 'k' * 32)}", "Signature is invalid."),
    ],
)
def test_a_token_that_is_none_of_ours_is_refused(shared: Tenant, header: str, message: str) -> None:
    answer = shared.client(Authorization=header).get("/users")
    assert code(answer) == (401, "InvalidAuthenticationToken")
    assert answer.json()["error"]["message"].endswith(message)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_faults_reach_the_token_endpoint(start: Start) -> None:
    tenant = start(
        behaviour=Behaviour(faults=(Fault("POST */token", on="request", retry_after=1, nth=(1,)),))
    )
    with pytest.raises(msal.exceptions.MsalServiceError, match="503"):
        tenant.sign_in()
    assert "access_token" in tenant.sign_in()


def _for_people(**changes: Any) -> App:
    return replace(application(), public_client=True, delegated=("User.Read.All",), **changes)


def test_a_device_code_waits_for_a_person_and_gives_delegated_tokens(as_app: AsApp) -> None:
    tenant = as_app(_for_people())
    app = msal.PublicClientApplication(
        tenant.server.client_id,
        authority=f"{tenant.server.login_url}/{tenant.server.tenant_id}",
        instance_discovery=False,
        verify=str(tenant.server.ca_file),
    )
    flow = app.initiate_device_flow([SCOPE])
    once = {"exit_condition": lambda _: True}
    assert app.acquire_token_by_device_flow(flow, **once)["error"] == "authorization_pending"
    tenant.server.people.approve(flow["user_code"], ADMIN)
    flow.pop("latest_attempt_at")
    answer = app.acquire_token_by_device_flow(flow, **once)
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    account = tenant.server.state.account(ADMIN)
    assert account is not None
    assert (claims["oid"], claims["scp"], "roles" in claims) == (account.id, "User.Read.All", False)
    assert set(tenant.server.state.roles_of(account.id)) <= set(claims["wids"])
    client = tenant.client(Authorization=f"Bearer {answer['access_token']}")
    assert client.get("/organization").status_code == 200
    assert code(client.get("/policies/authorizationPolicy"))[0] == 403
    (known,) = app.get_accounts()
    assert "access_token" in app.acquire_token_silent_with_error([SCOPE], known, force_refresh=True)
    tenant.server.people.end_sessions()
    refused = app.acquire_token_silent_with_error([SCOPE], known, force_refresh=True)
    assert (refused["error"], refused["error_codes"]) == ("invalid_grant", [50173])


@pytest.mark.parametrize(
    ("form", "error", "number"),
    [
        ({"grant_type": DEVICE_CODE, "device_code": "none"}, "bad_verification_code", 70018),
        ({"grant_type": DEVICE_CODE}, "invalid_request", 900144),
        ({"grant_type": "refresh_token", "scope": SCOPE, "refresh_token": "none"}, "invalid_grant", 9002313),
        ({"grant_type": "refresh_token", "refresh_token": "none"}, "invalid_request", 900144),
        ({"grant_type": "refresh_token", "scope": "User.Read", "refresh_token": "x"}, "invalid_scope", 70011),
        ({"grant_type": "password", "scope": SCOPE}, "unsupported_grant_type", 70003),
    ],
)
def test_what_a_persons_application_may_not_ask(
    form: dict[str, str], error: str, number: int, as_app: AsApp
) -> None:
    tenant = as_app(_for_people())
    path = f"{tenant.server.tenant_id}/oauth2/v2.0/token"
    answer = _login(tenant, "POST", path, client_id=tenant.server.client_id, **form).json()
    assert (answer["error"], answer["error_codes"]) == (error, [number])


def test_who_is_expected_is_told_and_nobody_else_can_be_approved(as_app: AsApp) -> None:
    tenant = as_app(_for_people())
    people, path = tenant.server.people, f"{tenant.server.tenant_id}/oauth2/v2.0/devicecode"
    begun = _login(tenant, "POST", path, client_id=tenant.server.client_id, scope=f"openid {SCOPE}").json()
    assert begun["user_code"] in people.expected
    with pytest.raises(LookupError, match="no such account"):
        people.approve(begun["user_code"], "nobody@contoso.com")
    with pytest.raises(LookupError, match="no such code"):
        people.approve("NOSUCHCODE", ADMIN)
    people.decline(begun["user_code"])
    assert begun["user_code"] not in people.expected


@pytest.mark.parametrize(
    ("headers", "query", "said"),
    [
        ({"X-IDENTITY-HEADER": "wrong"}, {}, "X-IDENTITY-HEADER"),
        ({}, {"api-version": "2017-09-01"}, "api-version"),
        ({}, {"client_id": str(uuid.UUID(int=7))}, "No managed identity"),
        ({}, {"resource": "https://vault.azure.net"}, "AADSTS500011"),
        ({}, {}, None),
    ],
)
def test_the_managed_identity_is_for_the_machine_and_for_graph(
    headers: dict[str, str], query: dict[str, str], said: str | None, as_app: AsApp
) -> None:
    tenant = as_app(replace(application(), managed="system"))
    environment = tenant.server.identity_environment
    answer = tenant.client(Authorization="").get(
        environment["IDENTITY_ENDPOINT"],
        headers={"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"], **headers},
        params={"api-version": "2019-08-01", "resource": SCOPE.removesuffix("/.default"), **query},
    )
    if said is None:
        token = answer.json()["access_token"]
        assert tenant.client(Authorization=f"Bearer {token}").get("/organization").status_code == 200
    else:
        assert answer.status_code == 400
        assert said in answer.json()["message"]


def _login(tenant: Tenant, method: str, path: str, **form: str) -> httpx.Response:
    client = tenant.client(Authorization="")
    return client.request(method, f"{tenant.server.login_url}/{path}", data=form or None)
