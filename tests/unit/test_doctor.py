"""What `overskill doctor` makes of answers that the local cloud never gives; tests/contract has those that it gives."""

import io
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from rich.console import Console

from infra.config import parse
from overskill.doctor import cloudflare, findings, github, state
from overskill.doctor.api import Api
from overskill.doctor.findings import Finding, error, ok, unchecked, warning

ROOT = Path(__file__).parents[2]
PROD = parse(yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"])
ACCOUNT = PROD.overskill.account_id
ZONE = {
    "id": "z1",
    "name": "overskill.com",
    "account": {"id": ACCOUNT},
    "status": "active",
    "type": "full",
    "paused": False,
    "name_servers": ["a.ns.cloudflare.com"],
}
Reply = tuple[int, Any]


def result(value: Any) -> Reply:
    return 200, {"success": True, "errors": [], "result": value}


def refused(status: int, message: str) -> Reply:
    return status, {"success": False, "errors": [{"code": 1, "message": message}], "result": None}


WHOLE: dict[str, Reply] = {
    "GET /user/tokens/verify": result({"status": "active"}),
    f"GET /accounts/{ACCOUNT}/workers/subdomain": result({"subdomain": "overskill"}),
    f"GET /accounts/{ACCOUNT}/workers/dispatch/namespaces": result([]),
    f"GET /accounts/{ACCOUNT}/analytics_engine/sql": result([]),
    "GET /zones": result([ZONE]),
}
"""Every other call, each a POST that asks for nothing, is refused for its body."""


def examined(**changes: Reply) -> dict[str, Finding]:
    """The findings that are not well, by what was looked at."""
    answers = WHOLE | {path.replace("ACCOUNT", ACCOUNT): reply for path, reply in changes.items()}

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/client/v4")
        status, body = answers.get(f"{request.method} {path}", refused(400, "body is no JSON"))
        return httpx.Response(status, json=body)

    api = Api(base_url="https://api.test/client/v4", token="t", transport=httpx.MockTransport(answer))
    return {one.check: one for one in cloudflare.check(api, PROD) if one.level != "ok"}


def test_an_account_that_is_whole():
    assert examined() == {}


@pytest.mark.parametrize(
    ("changes", "check", "told"),
    [
        ({"GET /user/tokens/verify": result({"status": "disabled"})}, "Cloudflare token", "not usable: disabled"),
        (
            {"GET /accounts/ACCOUNT/workers/subdomain": refused(404, "no subdomain")},
            "workers.dev subdomain",
            "the account has none (no subdomain)",
        ),
        (
            {"GET /accounts/ACCOUNT/workers/subdomain": result({"subdomain": "acme"})},
            "workers.dev subdomain",
            "the account's is acme, the stack says overskill",
        ),
        (
            {"GET /accounts/ACCOUNT/workers/dispatch/namespaces": refused(400, "no access to dispatch namespaces")},
            "Workers for Platforms",
            "the account's plan has no dispatch namespaces (no access to dispatch namespaces)",
        ),
        ({"GET /zones": result([])}, "zone overskill.com", "the token sees no such zone"),
        (
            {"GET /zones": result([ZONE | {"account": {"id": "other"}}])},
            "zone overskill.com",
            "it belongs to account other",
        ),
        ({"GET /zones": result([ZONE | {"status": "pending"}])}, "zone overskill.com", "it is pending, not active"),
        ({"GET /zones": result([ZONE | {"type": "partial"}])}, "zone overskill.com", "brings no wildcard certificate"),
        ({"GET /zones": result([ZONE | {"paused": True}])}, "zone overskill.com", "it is paused"),
        *(
            (
                {"POST /zones/z1/dns_records": refused(status, "try later")},
                "permission DNS Write",
                f"cannot be told: HTTP {status}: try later",
            )
            for status in (404, 405, 429, 503)
        ),
        ({"POST /zones/z1/dns_records": refused(401, "no")}, "permission DNS Write", "the token has not got it (no)"),
        (
            {"GET /accounts/ACCOUNT/workers/dispatch/namespaces": refused(403, "no access")},
            "Workers for Platforms",
            "the account's plan has no dispatch namespaces (no access)",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(changes, check, told):
    found = examined(**changes)
    assert told in found[check].detail
    assert found[check].remedy
    assert [one for one in found if found[one].level == "error"] in ([check], [])


def test_a_token_of_the_account_is_verified_there():
    account = f"GET /accounts/{ACCOUNT}/tokens/verify"
    unknown = {"GET /user/tokens/verify": refused(401, "Invalid API Token")}
    assert examined(**unknown)["Cloudflare token"].detail == "not usable: body is no JSON"
    assert examined(**unknown, **{account: result({"status": "active"})}) == {}


def test_a_write_that_is_asked_for_asks_for_nothing():
    """A body that is no JSON can't be carried out, whatever a service makes of the call."""
    bodies = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append((request.method, request.content))
        status, body = WHOLE.get(f"{request.method} {request.url.path}", refused(400, "no"))
        return httpx.Response(status, json=body)

    list(cloudflare.check(Api(base_url="https://api.test", token="t", transport=httpx.MockTransport(answer)), PROD))
    assert {body for method, body in bodies if method != "GET"} == {b"?"}
    assert {method for method, _ in bodies} == {"GET", "POST"}


KEY = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
INSTALLATION = {
    "suspended_at": None,
    "permissions": {**github.APP_PERMISSIONS, github.ORGANIZATION_PERMISSION: "write"},
}
GITHUB: dict[str, tuple[int, Any, dict[str, str]]] = {
    "/orgs/overskill-apps": (200, {}, {"X-OAuth-Scopes": "admin:org, admin:repo_hook, repo, workflow"}),
    "/orgs/overskill-apps/installation": (200, INSTALLATION, {}),
    "/repos/overskill/vite-wfp-template": (404, {"message": "Not Found"}, {}),
}


def github_examined(credentials: dict[str, str] | None = None, **changes: Any) -> dict[str, Finding]:
    answers = GITHUB | changes

    def answer(request: httpx.Request) -> httpx.Response:
        status, body, headers = answers[request.url.path]
        return httpx.Response(status, json=body, headers=headers)

    given = {"GITHUB_TOKEN": "t", "GITHUB_PRIVATE_KEY": KEY} if credentials is None else credentials
    found = github.check("https://api.github.test", PROD, given, httpx.MockTransport(answer))
    return {one.check: one for one in found if one.level != "ok"}


def test_a_github_that_is_whole():
    assert github_examined() == {}


@pytest.mark.parametrize(
    ("changes", "check", "told"),
    [
        (
            {"/orgs/overskill-apps": (200, {}, {"X-OAuth-Scopes": "repo"})},
            "GitHub token",
            "lacks scope workflow, admin:org",
        ),
        (
            {"/orgs/overskill-apps/installation": (200, INSTALLATION | {"suspended_at": "2026-01-01T00:00:00Z"}, {})},
            "GitHub App",
            "its installation is suspended",
        ),
        (
            {"/orgs/overskill-apps/installation": (404, {"message": "Not Found"}, {})},
            "GitHub App",
            "it is not installed on overskill-apps",
        ),
        (
            {"/repos/overskill/vite-wfp-template": (502, {"message": "Bad gateway"}, {})},
            "template overskill/vite-wfp-template",
            "cannot be told: Bad gateway",
        ),
    ],
)
def test_what_is_wrong_at_github(changes, check, told):
    found = github_examined(**changes)
    assert list(found) == [check]
    assert told in found[check].detail
    assert found[check].remedy


def test_a_token_that_does_not_tell_its_scopes_is_taken():
    assert github_examined(**{"/orgs/overskill-apps": (200, {}, {})}) == {}


def test_without_credentials_each_missing_one_is_named():
    found = github_examined(credentials={})
    assert found["GitHub token"].detail == "GITHUB_TOKEN is not set"
    assert found["GitHub App"].detail == "not looked at, without GITHUB_PRIVATE_KEY"


@pytest.mark.parametrize(
    ("settings", "environment", "level"),
    [
        ({}, {}, "error"),
        ({}, {"PULUMI_CONFIG_PASSPHRASE": "x"}, "ok"),
        ({}, {"PULUMI_CONFIG_PASSPHRASE_FILE": "/x"}, "ok"),
        ({"secretsprovider": "awskms://alias/x?region=us-east-1"}, {}, "ok"),
    ],
)
def test_the_secrets_in_the_state_need_a_provider(tmp_path, settings, environment, level):
    environment = environment | {"PATH": engine(tmp_path, BUCKET)}
    by_check = {one.check: one for one in state.check(tmp_path, settings, environment)}
    assert by_check["secrets provider"].level == level
    assert by_check["webhook secret"].level == "error"


def engine(folder: Path, script: str) -> str:
    """A folder with a `pulumi` that runs `script`."""
    program = folder / "pulumi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(folder)


BUCKET = """echo '{"url": "s3://bucket"}'"""
SERVICE = """echo '{"url": "https://app.pulumi.com/me"}'"""


def test_pulumi_cloud_encrypts_by_itself(tmp_path):
    backend, secrets, _ = state.check(tmp_path, {}, {"PATH": engine(tmp_path, SERVICE)})
    assert (backend.detail, secrets.level) == ("https://app.pulumi.com/me", "ok")


@pytest.mark.parametrize(
    ("script", "level", "detail"),
    [
        (BUCKET, "ok", "s3://bucket"),
        ("echo error: no such bucket >&2; exit 255", "error", "no such bucket"),
        (f'[ "$1" = whoami ] || {{ echo denied >&2; exit 1; }}; {BUCKET}', "error", "denied"),
    ],
)
def test_the_state_backend_is_asked_by_the_engine(tmp_path, script, level, detail):
    backend, *_ = state.check(tmp_path, {}, {"PATH": engine(tmp_path, script)})
    assert (backend.level, backend.detail) == (level, detail)


@pytest.mark.parametrize(
    ("url", "level", "detail"),
    [
        ("file:///srv/state?metadata=skip", "ok", "files in /srv/state"),
        ("file://./state", "error", "file://./state is another folder for each project"),
    ],
)
def test_a_state_in_files_is_told_by_its_folder(tmp_path, url, level, detail):
    path = engine(tmp_path, f"""echo '{{"url": "{url}"}}'""")
    backend, *_ = state.check(tmp_path, {}, {"PATH": path})
    assert (backend.level, backend.detail[: len(detail)]) == (level, detail)
    assert level == "ok" or backend.remedy == f"export PULUMI_BACKEND_URL=file://{tmp_path}/state"


def test_the_exit_code_is_the_gravest_findings():
    good, odd, bad, open_ = ok("a", "b"), warning("a", "b", "c"), error("a", "b", "c"), unchecked("a", "b")
    assert findings.exit_code([good, open_]) == 0
    assert findings.exit_code([good, odd]) == 3
    assert findings.exit_code([good, odd, bad]) == 1


def test_the_table_shows_each_finding_with_its_remedy():
    shown = io.StringIO()
    findings.show([ok("token", "active"), error("zone x", "pending", "wait")], Console(file=shown, width=80))
    assert "✓  token   active" in shown.getvalue()
    assert "✗  zone x  pending" in shown.getvalue()
    assert "→ wait" in shown.getvalue()
    assert shown.getvalue().endswith("1 ok, 1 error\n")


def test_a_narrow_table_cuts_nothing_off():
    shown = io.StringIO()
    address = "https://dash.cloudflare.com/profile/api-tokens"
    findings.show([error("Cloudflare token", "none", address)], Console(file=shown, width=40))
    assert address in re.sub(r"\s", "", shown.getvalue())
