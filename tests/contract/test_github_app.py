"""The GitHub App: who may call as it, and what it is shown of itself. And what the other token says of its scopes."""

import dataclasses
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

INSTALLATION = "/orgs/{org}/installation"


def test_the_app_and_its_installation(gh, local, app):
    shown, installation = app.get("/app"), app.get(INSTALLATION)
    assert str(shown["id"]) == local.cloud.credentials.github_app_id
    assert shown["client_id"] == local.cloud.credentials.github_client_id
    assert shown["installations_count"] == 2
    assert (installation["app_id"], installation["app_slug"]) == (shown["id"], shown["slug"])
    assert installation["account"]["id"] == gh.get("/orgs/{org}")["id"]
    assert (installation["target_type"], installation["repository_selection"]) == ("Organization", "all")
    assert installation["suspended_at"] is None
    assert installation["permissions"] == shown["permissions"]
    assert installation["permissions"].items() >= {"administration": "write", "metadata": "read"}.items()
    assert app.get(INSTALLATION.format(org="overskill-apps"))["id"] != installation["id"]
    assert app.call("GET", INSTALLATION.format(org="none"), status=404)["message"] == "Not Found"


def test_the_client_id_may_be_the_issuer(gh, local, sign):
    token = sign(iss=local.cloud.credentials.github_client_id)
    dataclasses.replace(gh, token=token).get("/app")


EXPIRED = "'Expiration time' claim ('exp') must be a numeric value"
ISSUED = "'Issued at' claim ('iat') must be an Integer"


@pytest.mark.parametrize(
    ("claims", "status", "message"),
    [
        ({"exp": 1}, 401, EXPIRED),
        ({"exp": None}, 401, EXPIRED),
        ({"exp": "soon"}, 401, EXPIRED),
        ({"exp": int(time.time()) + 3600}, 401, "'Expiration time' claim ('exp') is too far in the future"),
        ({"iat": None}, 401, ISSUED),
        ({"iat": int(time.time()) + 3600}, 401, ISSUED),
        ({"iss": None}, 401, "Missing 'issuer' claim ('iss') in assertion"),
        ({"iss": "somebody"}, 401, "'Issuer' claim ('iss') must be an Integer"),
        ({"iss": "1"}, 404, "Integration not found"),
    ],
)
def test_a_wrong_claim_is_refused(gh, sign, claims, status, message):
    service = dataclasses.replace(gh, token=sign(**claims))
    assert service.call("GET", "/app", status=status)["message"].startswith(message)


def test_what_the_app_has_not_signed_is_not_decoded(gh, sign):
    key = generate_private_key(public_exponent=65537, key_size=2048)
    stranger = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    header, claims, signature = sign().split(".")
    tokens = [
        sign(key=stranger),
        sign(key="a secret of thirty-two bytes or more", algorithm="HS256"),
        sign(key=None, algorithm="none"),
        f"{header}.{claims}.{signature[::-1]}",
        jwt.api_jws.encode(b"[]", key, "RS256"),
        "none",
        gh.token,
    ]
    for token in tokens:
        answer = dataclasses.replace(gh, token=token).call("GET", "/app", status=401)
        assert answer["message"] == "A JSON web token could not be decoded"
    for headers in ({}, {"Authorization": f"token {sign()}"}):
        answer = gh.client.get(f"{gh.root}/app", headers=headers)
        assert (answer.status_code, answer.json()["message"]) == (401, "A JSON web token could not be decoded")


def test_the_app_itself_may_call_nothing_else(app):
    for path in ("/orgs/{org}", "/repos/{org}/none", "/no/such/call"):
        assert app.call("GET", path, status=401)["message"] == "Bad credentials"


def test_the_apps_permissions_are_set_from_outside(gh, local, app, cleanup):
    headers = {"Authorization": f"Bearer {local.cloud.credentials.cloudflare_token}"}

    def set_permissions(permissions):
        return local.client.put("/_local/github-app", headers=headers, json={"permissions": permissions})

    before = app.get("/app")["permissions"]
    cleanup(lambda: set_permissions(before))
    for wanted in ({"metadata": "read", "contents": "read"}, {}):
        assert set_permissions(wanted).status_code == 204
        assert app.get(INSTALLATION)["permissions"] == app.get("/app")["permissions"] == wanted
    for wrong in ({"colour": "read"}, {"contents": "some"}, None):
        assert set_permissions(wrong).status_code == 422
    assert "colour; known: actions" in set_permissions({"colour": "read"}).json()["error"]
    assert app.get("/app")["permissions"] == {}


def test_a_classic_token_says_what_its_scopes_are(gh, local, app):
    scopes = "admin:org, admin:repo_hook, delete_repo, repo, workflow"
    for path in ("/orgs/{org}", "/orgs/none", "/no/such/call"):
        assert gh.send("GET", path).headers["x-oauth-scopes"] == scopes
    for service in (app, dataclasses.replace(gh, token="wrong")):
        assert "x-oauth-scopes" not in service.send("GET", "/app").headers
