from __future__ import annotations

import base64
import json
import logging
import ssl
from itertools import pairwise
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import jwt
import pytest

from sspr.settings import Cloud
from sspr.tenant.errors import (
    CertificateUntrusted,
    HostUnreachable,
    SignInRefused,
    TenantUnavailable,
)
from sspr.tenant.refusals import ADVICE, refused
from tests.tenant.scripted import GRAPH, SECRET, ScriptedMicrosoft, answer, refusal, token, user
from tests.tenant.test_credentials import KEY, certificate_of, pem_of


def test_one_token_serves_many_requests(microsoft: ScriptedMicrosoft) -> None:
    microsoft.on_item = lambda _: answer(200, user(1))
    with microsoft.connect() as tenant:
        for _ in range(5):
            tenant.accounts_by_id(["id-1"])
    assert microsoft.tokens == 1
    form = parse_qs(microsoft.token_forms[0])
    assert form["scope"] == [f"{GRAPH}/.default"]
    assert form["client_secret"] == [SECRET]
    assert {request.headers["authorization"] for request in microsoft.requests} == {
        f"Bearer {token(number=1)}"
    }


def test_every_request_has_an_id_of_its_own(microsoft: ScriptedMicrosoft) -> None:
    microsoft.on_item = lambda _: answer(200, user(1))
    with microsoft.connect() as tenant:
        for _ in range(5):
            tenant.accounts_by_id(["id-1"])
    assert len({request.headers["client-request-id"] for request in microsoft.requests}) == 5


def test_a_certificate_signs_as_microsoft_asks(microsoft: ScriptedMicrosoft, tmp_path: Path) -> None:
    path = tmp_path / "app.pem"
    path.write_text(pem_of(KEY) + certificate_of(KEY))
    microsoft.connect(credential="certificate", certificate_file=path).close()
    form = parse_qs(microsoft.token_forms[0])
    assertion = form["client_assertion"][0]
    header = jwt.get_unverified_header(assertion)
    assert header["alg"] == "PS256"
    assert header["x5t#S256"]
    claims = jwt.decode(assertion, KEY.public_key(), algorithms=["PS256"],
                        audience="https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token",
                        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False})  # fmt: skip
    assert claims["iss"] == claims["sub"] == "client"


def test_a_token_is_renewed_before_it_ends(microsoft: ScriptedMicrosoft) -> None:
    microsoft.on_item = lambda _: answer(200, user(1))
    with microsoft.connect() as tenant:
        microsoft.clock.now += 3600 - 301
        tenant.accounts_by_id(["id-1"])
        assert microsoft.tokens == 1
        microsoft.clock.now += 2
        tenant.accounts_by_id(["id-1"])
    assert microsoft.tokens == 2
    assert microsoft.requests[-1].headers["authorization"] == f"Bearer {token(number=2)}"


def test_an_hour_of_sleep_costs_one_token(microsoft: ScriptedMicrosoft) -> None:
    microsoft.on_item = lambda _: answer(200, user(1))
    with microsoft.connect() as tenant:
        microsoft.clock.now += 7200
        tenant.accounts_by_id([f"id-{number}" for number in range(80)])
    assert microsoft.tokens == 2


def test_a_failing_renewal_leaves_the_old_token_in_use_while_it_is_good(microsoft: ScriptedMicrosoft) -> None:
    microsoft.on_item = lambda _: answer(200, user(1))
    with microsoft.connect() as tenant:
        microsoft.clock.now += 3400
        microsoft.on_token = lambda _: httpx.Response(503)
        tenant.accounts_by_id(["id-1"])
        assert microsoft.requests[-1].headers["authorization"] == f"Bearer {token(number=1)}"
        microsoft.on_token = lambda _: None
        microsoft.clock.now += 60
        tenant.accounts_by_id(["id-1"])
    assert microsoft.requests[-1].headers["authorization"] == f"Bearer {token(number=3)}"


def test_a_sign_in_that_fails_for_a_while_mid_run_is_waited_for(microsoft: ScriptedMicrosoft) -> None:
    microsoft.on_item = lambda _: answer(200, user(1))
    with microsoft.connect() as tenant:
        microsoft.clock.now += 7200
        back = microsoft.clock.now + 60
        microsoft.on_token = lambda _: httpx.Response(503) if microsoft.clock.now < back else None
        assert list(tenant.accounts_by_id(["id-1"])) == ["id-1"]


def test_retry_after_of_the_sign_in_service_is_kept(microsoft: ScriptedMicrosoft) -> None:
    asked: list[float] = []

    def throttled(_: httpx.Request) -> httpx.Response | None:
        asked.append(microsoft.clock.now)
        return httpx.Response(429, headers={"Retry-After": "17"}) if len(asked) < 3 else None

    microsoft.on_token = throttled
    microsoft.connect().close()
    assert [later - sooner >= 17 for sooner, later in pairwise(asked)] == [True, True]


def test_a_sign_in_service_that_keeps_failing_ends_the_attempt(microsoft: ScriptedMicrosoft) -> None:
    microsoft.on_token = lambda _: httpx.Response(500)
    with pytest.raises(TenantUnavailable, match="HTTP 500"):
        microsoft.connect()
    assert microsoft.tokens == 4


def test_a_wrong_secret_is_asked_once_and_said(microsoft: ScriptedMicrosoft) -> None:
    microsoft.on_token = lambda _: refusal(7000215, description=f"Invalid client secret provided: {SECRET}")
    with pytest.raises(SignInRefused, match="AADSTS7000215, trace id a-trace-id") as caught:
        microsoft.connect()
    assert microsoft.tokens == 1
    assert SECRET not in str(caught.value)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("code", ADVICE)
def test_every_known_code_has_its_sentence(code: int) -> None:
    told = refused({"error": "invalid_client", "error_codes": [code]})
    assert told.code == f"AADSTS{code}"
    assert ADVICE[code] in str(told)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"error": "x", "error_description": "AADSTS99: No.\r\nTrace ID: t"},
            r"\(AADSTS99\). It said: AADSTS99: No.",
        ),
        ({"error": "invalid_client"}, r"\(invalid_client\). Check client_id"),
        ({}, r"\(no reason given\). Check client_id"),
        (
            {"error": "x", "error_codes": [1], "error_description": "AADSTS1: ada@contoso.com"},
            "a•••@contoso.com",
        ),
    ],
)
def test_an_unknown_code_is_told_as_microsoft_told_it(body: dict[str, object], said: str) -> None:
    with pytest.raises(SignInRefused, match=said):
        raise refused(body)


def test_a_wrong_tenant_is_said(microsoft: ScriptedMicrosoft) -> None:
    microsoft.on_login = lambda _: httpx.Response(400, json={"error": "invalid_tenant"})
    with pytest.raises(SignInRefused, match=r"tenant not found.*Check tenant_id"):
        microsoft.connect()


def test_an_answer_that_is_no_json_is_no_traceback(
    microsoft: ScriptedMicrosoft, caplog: pytest.LogCaptureFixture
) -> None:
    microsoft.on_token = lambda _: httpx.Response(200, text="<html>access_token</html>")
    with caplog.at_level(logging.ERROR), pytest.raises(TenantUnavailable, match="not JSON"):
        microsoft.connect()
    assert caplog.records == []


@pytest.mark.parametrize("where", ["sign-in", "graph"])
def test_a_host_that_cannot_be_reached_is_said_after_two_tries(
    where: str, microsoft: ScriptedMicrosoft
) -> None:
    tries = []

    def gone(request: httpx.Request) -> httpx.Response:
        tries.append(request)
        raise httpx.ConnectError("no") from OSError(111, "Connection refused")

    if where == "graph":
        microsoft.on_request = gone
    else:
        microsoft.on_login = gone
    began = microsoft.clock.now
    said = r"microsoft.*\.com cannot be reached: no connection \(Connection refused\)"
    with pytest.raises(HostUnreachable, match=said), microsoft.connect() as tenant:
        tenant.feature()
    assert len(tries) == 2
    assert microsoft.clock.now - began < 15


def test_the_resource_of_the_cloud_is_asked_for_where_the_own_address_is_not_known(
    microsoft: ScriptedMicrosoft,
) -> None:
    def only_the_cloud(request: httpx.Request) -> httpx.Response | None:
        wanted = parse_qs(request.content.decode())["scope"][0]
        return None if wanted == f"{GRAPH}/.default" else refusal(500011, "invalid_resource")

    microsoft.on_token = only_the_cloud
    microsoft.connect(graph_url="https://gateway.example.org/graph").close()
    assert [parse_qs(form)["scope"][0] for form in microsoft.token_forms] == [
        "https://gateway.example.org/graph/.default",
        f"{GRAPH}/.default",
    ]


@pytest.mark.parametrize(
    ("cloud", "graph"),
    [
        (Cloud.GLOBAL, "https://graph.microsoft.com"),
        (Cloud.USGOV, "https://graph.microsoft.us"),
        (Cloud.USGOV_DOD, "https://dod-graph.microsoft.us"),
        (Cloud.CHINA, "https://microsoftgraph.chinacloudapi.cn"),
    ],
)
def test_the_scope_is_that_of_the_cloud(cloud: Cloud, graph: str, microsoft: ScriptedMicrosoft) -> None:
    microsoft.connect(cloud=cloud, login_url="https://login.microsoftonline.com").close()
    assert parse_qs(microsoft.token_forms[0])["scope"] == [f"{graph}/.default"]


def test_a_claims_challenge_is_answered_with_its_claims(microsoft: ScriptedMicrosoft) -> None:
    wanted = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
    header = f'Bearer error="insufficient_claims", claims="{base64.b64encode(wanted.encode()).decode()}"'
    answers = [httpx.Response(401, headers={"WWW-Authenticate": header}), None]
    microsoft.on_request = lambda _: answers.pop(0)
    microsoft.on_item = lambda _: answer(200, user(1))
    with microsoft.connect() as tenant:
        assert len(tenant.accounts_by_id(["id-1"])) == 1
    merged = json.loads(wanted)
    merged["access_token"]["xms_cc"] = {"values": ["cp1"]}  # challenges come to those only that declare this
    assert json.loads(parse_qs(microsoft.token_forms[1])["claims"][0]) == merged


def test_the_roles_of_the_token_are_a_hint(microsoft: ScriptedMicrosoft) -> None:
    microsoft.roles = ["User.Read.All"]
    with microsoft.connect() as tenant:
        assert tenant.permission_hint() == frozenset({"User.Read.All"})


@pytest.mark.parametrize("opaque", ["opaque", "a.b.c", "a.!!.c", token()])
def test_an_opaque_token_gives_no_hint(opaque: str, microsoft: ScriptedMicrosoft) -> None:
    microsoft.on_token = lambda _: httpx.Response(200, json={"access_token": opaque, "expires_in": 3600})
    with microsoft.connect() as tenant:
        assert tenant.permission_hint() is None


def test_an_untrusted_certificate_on_the_way_is_said(microsoft: ScriptedMicrosoft) -> None:
    def intercepted(_: httpx.Request) -> httpx.Response:
        cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
        cause.verify_message = "unable to get local issuer certificate"
        raise httpx.ConnectError("no") from cause

    microsoft.on_token = intercepted
    with pytest.raises(
        CertificateUntrusted, match=r"login.microsoftonline.com is not trusted: unable to get local"
    ):
        microsoft.connect()
    assert microsoft.tokens == 1
