"""`sspr simulate`: what it prints, keeps and notes, how it ends, and what it refuses."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import httpx
import msal  # type: ignore[import-untyped]
import pytest

from sspr.cli.main import main
from sspr.cli.simulate import command
from sspr.simulated.faults import Effect, Fault
from sspr.simulated.state import State
from tests.docs.pages import blocks, page, table

ADMIN = "admin0001@contoso.onmicrosoft.com"


@contextmanager
def simulate(*options: str) -> Iterator[dict[str, Any]]:
    """The command in a process of its own: its table, its whole text as `said`, and in the end its `errors`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sspr", "simulate", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running: dict[str, Any] = {}
    try:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("ca_file"):
            lines.append(process.stdout.readline())
            assert lines[-1], process.stderr
        text = "".join(lines)
        running |= tomllib.loads(text)["tenants"]["simulated"]
        running["said"] = text
        running["secret"] = re.findall(r"^# export SSPR_SIMULATED_SECRET=(\S+)$", text, re.MULTILINE)[0]
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        running["errors"] = process.communicate(timeout=30)[1]
    assert process.returncode == 0


def sign_in(running: dict[str, Any], scope: str) -> httpx.Client:
    app = msal.ConfidentialClientApplication(
        running["client_id"],
        running["secret"],
        authority=f"{running['login_url']}/{running['tenant_id']}",
        instance_discovery=False,
        verify=running["ca_file"],
    )
    token = app.acquire_token_for_client([scope])["access_token"]
    return httpx.Client(
        base_url=f"{running['graph_url']}/v1.0",
        headers={"Authorization": f"Bearer {token}"},
        verify=ssl.create_default_context(cafile=running["ca_file"]),
    )


def test_it_serves_what_was_ordered_notes_it_and_ends_when_told(tmp_path: Path) -> None:
    journal, state = tmp_path / "journal.jsonl", tmp_path / "tenant.json"
    options = (
        "--admins 25 --mixed --cloud usgov --licence P1 --page-size 10 --token-lifetime 90 --quota none "
        "--quota writes=2/1000 --retry-after fraction --without Policy.ReadWrite.Authorization"
    )
    with simulate(*options.split(), "--journal", str(journal), "--state", str(state)) as running:
        assert (running["cloud"], Path(running["ca_file"]).is_file()) == ("usgov", True)
        with sign_in(running, "https://graph.microsoft.us/.default") as client:
            assert len(client.get("/users").json()["value"]) == 10
            policy = client.patch("/policies/authorizationPolicy", json={"allowedToUseSSPR": True})
            assert policy.status_code == 403
            body = {"otherMails": ["kim@fabrikam.com"]}
            answers = [client.patch(f"/users/{ADMIN}", json=body) for _ in range(2)]
            assert [answer.status_code for answer in answers] == [204, 429]
            assert "." in answers[1].headers["Retry-After"]
    assert "with 25 accounts" in running["errors"]
    assert "Served: 4 requests, 1 writes, 1 answered 429" in running["errors"]
    assert stat.S_IMODE(journal.stat().st_mode) == stat.S_IMODE(state.stat().st_mode) == 0o600
    kept = State.from_json(state.read_bytes())
    account = kept.account(ADMIN)
    assert account is not None
    assert (account.other_mails, kept.license) == (("kim@fabrikam.com",), "P1")

    text = journal.read_text(encoding="utf-8")
    assert running["secret"] not in text
    assert "fabrikam" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["method"], line["status"], line["error"], line["applied"]) for line in lines[-4:]] == [
        ("GET", 200, None, False),
        ("PATCH", 403, "Authorization_RequestDenied", False),
        ("PATCH", 204, None, True),
        ("PATCH", 429, "TooManyRequests", False),
    ]
    assert {line["url"] for line in lines[-2:]} == {f"/v1.0/users/{ADMIN}"}


def test_a_tenant_that_is_kept_is_served_again(tmp_path: Path) -> None:
    state = str(tmp_path / "tenant.json")
    places = []
    for admins in ("3", "7"):
        with simulate("--admins", admins, "--state", state) as running:
            places.append(running["ca_file"])
    assert "with 3 accounts" in running["errors"]
    assert "whatever --admins says" in running["errors"]
    assert len(set(places)) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--quota wat", "not a quota"),
        ("--quota writes=5", "not a quota"),
        ("--quota writes=5/0", "not a quota"),
        ("--quota reads=5/1", "not a quota"),
        ("--fault 503", "not a fault"),
        ("--fault 200=1%", "a status is"),
        ("--permission User.ReadAll", "Did you mean User.Read.All?"),
        ("--without User.ReadWrite.All", "is no permission to name here"),
        ("--without directory-rolle", "Did you mean directory-role?"),
        ("--cloud mars", "--cloud"),
        ("--page-size 1000", "--page-size"),
        ("--admins many", "--admins"),
        ("--for nowhere.csv", "no file nowhere.csv"),
        ("--journal nowhere/lines", "cannot be written"),
        ("--journal .", "directory"),
        ("--state broken.json", "no simulated tenant"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    options: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.json").write_text("{}", encoding="utf-8")
    assert main(["simulate", *options.split()]) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert (len(said.err.splitlines()), said.out) == (1, "")


def test_a_port_that_is_taken_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["simulate", "--port", str(port)]) == 2
    assert capsys.readouterr().err.startswith(
        f"sspr: Port {port} cannot be used: {os.strerror(errno.EADDRINUSE)}."
    )


def test_the_page_tells_every_option() -> None:
    told = page("docs/simulated-tenant.md")
    options = {name for parameter in command.params for name in parameter.opts if name.startswith("--")}
    assert [name for name in sorted(options - {"--license"}) if f"`{name}" not in told] == []


def test_the_page_tells_every_word_of_a_fault() -> None:
    told = page("docs/simulated-tenant.md")
    what = {word for row in table(told, "what") for word in re.findall(r"`(\w+)`", row[0])}
    assert what == {"400", "599", *get_args(Effect)} - {"status"}
    assert {Fault.parse(f"{word}=1%").name for word in what} == what
    how = [word for row in table(told, "how") for word in re.findall(r"`([\w.]+)`", row[0])]
    assert len({Fault.parse(f"503:{word}=1%") for word in how} - {Fault.parse("503=1%")}) == len(how)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the recipe is one for curl, which is not here")
def test_the_recipe_for_curl_reads_users(tmp_path: Path) -> None:
    (recipe,) = [block.text for block in blocks("sh") if "curl" in block.text]
    with simulate("--admins", "5") as running:
        (tmp_path / "tenants.toml").write_text(running["said"], encoding="utf-8")
        done = subprocess.run(["sh", "-ec", recipe], cwd=tmp_path, check=True, capture_output=True, text=True)
    users = json.loads(done.stdout)["value"]
    assert users[0]["userPrincipalName"] == ADMIN
    assert [sorted(user) for user in users] == [["id", "otherMails", "userPrincipalName"]] * 3
