"""The deploy broker, called by those who may not: with tokens that are forged, stale, or another run's."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from broker_world import CLOUDFLARE_TOKEN, World, claims, form, script_path, world
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PULL = "refs/pull/7/merge"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("broker")) as made:
        made.neighbours.pulls |= {7: (1, "open"), 8: (99, "open"), 9: (None, "open"), 10: (1, "closed")}
        yield made


@pytest.fixture
def broker(shared: World) -> World:
    shared.neighbours.calls.clear()
    return shared


@pytest.mark.parametrize(
    ("changed", "status", "reason"),
    [
        ({"repository_id": "2"}, 403, "this run deploys to script other, not mine"),
        ({"repository_id": "99"}, 403, "is no app's repository"),
        ({"repository_owner": "mallory"}, 403, "has left the organisation overskill-apps"),
        ({"exp": int(time.time()) - 60}, 401, "it has expired"),
        ({"nbf": int(time.time()) + 600}, 401, "it is not valid yet"),
        ({"aud": "https://github.com/overskill-apps"}, 401, "its audience is not overskill-deploy"),
        ({"aud": None}, 401, "a claim is missing"),
        ({"exp": None}, 401, "a claim is missing"),
        ({"iss": "https://token.actions.githubusercontent.com"}, 401, "its issuer is another one"),
        ({"repository_id": None, "run_id": None}, 401, "its claims lack repository_id, run_id"),
        ({"repository_id": {"$gt": 0}}, 401, "its claims lack repository_id"),
        ({"ref": "refs/heads/staging"}, 403, ".github/workflows/deploy-to-wfp.yml of the ref"),
        ({"event_name": "pull_request_target"}, 403, "the event pull_request_target of refs/heads/main"),
        ({"event_name": "pull_request"}, 403, "the event pull_request of refs/heads/main"),
        ({"event_name": "schedule"}, 403, "deploys nothing"),
        ({"environment": None}, 403, "`environment: production`; it names none"),
        ({"environment": "staging"}, 403, "`environment: production`; it names 'staging'"),
        ({"workflow_ref": "overskill-apps/mine/.github/workflows/x.yml@refs/heads/main"}, 403, "may deploy"),
        ({"job_workflow_ref": "mallory/x/.github/workflows/deploy-to-wfp.yml@refs/heads/main"}, 403, "may deploy"),
        ({"job_workflow_ref": "overskill-apps/mine/.github/workflows/deploy-to-wfp.yml@refs/pull/7/merge"}, 403, "ref"),
    ],
)
def test_a_token_that_is_not_of_this_deploy(broker: World, changed: dict[str, Any], status: int, reason: str) -> None:
    token = broker.neighbours.token(claims("mine", 1, **changed))
    broker.is_refused(broker.send("PUT", script_path("mine"), token, files=form({})), status, reason)


@pytest.mark.parametrize("ref", ["refs/heads/feature", "refs/tags/main", "refs/heads/main/x", "refs/heads/MAIN", ""])
def test_a_ref_that_deploys_nothing(broker: World, ref: str) -> None:
    token = broker.neighbours.token(claims("mine", 1, ref, event_name="push", environment="production"))
    broker.is_refused(broker.send("PUT", script_path("mine"), token, files=form({})), 403, "deploys nothing")


def test_another_apps_run(broker: World) -> None:
    token = broker.neighbours.token(claims("other", 2))
    answer = broker.send("PUT", script_path("mine"), token, files=form({}))
    broker.is_refused(answer, 403, "this run deploys to script other, not mine")


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        ("refs/pull/8/merge", "a fork's gets no preview"),
        ("refs/pull/9/merge", "a fork's gets no preview"),
        ("refs/pull/10/merge", "pull request 10 is closed"),
        ("refs/pull/11/merge", "no pull request 11"),
        ("refs/pull/1000000/merge", "deploys nothing"),
        ("refs/pull/7/head", "deploys nothing"),
        ("refs/pull/\u0667/merge", "deploys nothing"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_pull_request_that_gets_no_preview(broker: World, ref: str, reason: str, method: str) -> None:
    number = ref.split("/")[2]
    token = broker.neighbours.token(claims("mine", 1, ref))
    path = script_path(f"preview-mine-pr{number if number.isascii() else 7}", "preview")
    broker.is_refused(broker.send(method, path, token), 403, reason)


@pytest.mark.parametrize(
    ("content", "path", "reason"),
    [
        (claims("mine", 1), script_path("mine"), "mine is none of them"),
        (claims("mine", 1, PULL, environment=None), script_path("preview-mine", "preview"), "none of them"),
        (claims("mine", 1, PULL, environment=None), script_path("preview-other-pr7", "preview"), "none of them"),
        (claims("mine", 1, PULL), script_path("preview-mine-pr10", "preview"), "a run of its own pull request"),
        (claims("mine", 1), script_path("preview-mine-pr10", "preview"), "a run of its own pull request"),
        (claims("mine", 1, PULL), script_path("preview-mine-pr7", "staging"), "this run deploys to namespace"),
        (claims("mine", 1, PULL), script_path("preview-mine-pr7", "preview"), "pull request 7 is open"),
        (claims("mine", 1, "refs/pull/8/merge"), script_path("preview-mine-pr8", "preview"), "a fork's"),
    ],
)
def test_a_script_that_is_not_the_runs_to_remove(broker: World, content: dict, path: str, reason: str) -> None:
    broker.is_refused(broker.send("DELETE", path, broker.neighbours.token(content)), 403, reason)


def _unsigned(header: dict[str, str], content: dict[str, Any]) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, content))
    return ".".join(parts)


def test_signatures_that_are_not_the_issuers(broker: World) -> None:
    neighbours = broker.neighbours
    content = {"iss": neighbours.url, **claims("mine", 1)}
    stranger = rsa.generate_private_key(65537, 2048)
    public = neighbours.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    confused = _unsigned({"alg": "HS256", "typ": "JWT", "kid": neighbours.kid}, content)
    mac = base64.urlsafe_b64encode(hmac.new(public, confused.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    signed = neighbours.token(claims("mine", 1))
    head, _, signature = signed.split(".")
    other = _unsigned({}, {**content, "repository_id": "2"}).split(".")[1]
    attacks = {
        _unsigned({"alg": "none", "kid": neighbours.kid}, content) + ".": "its algorithm is not RS256",
        _unsigned({"alg": "None", "kid": neighbours.kid}, content) + "." + signature: "its algorithm is not RS256",
        f"{confused}.{mac}": "its algorithm is not RS256",
        neighbours.token(claims("mine", 1), algorithm="RS512"): "its algorithm is not RS256",
        neighbours.token(claims("mine", 1), key=stranger): "its signature is not the issuer's",
        neighbours.token(claims("mine", 1), key=stranger, headers={"kid": "mine"}): "its signature is not the issuer's",
        neighbours.token(claims("mine", 1), headers={"kid": ""}): "its signature is not the issuer's",
        f"{head}.{other}.{signature}": "its signature is not the issuer's",
        f"{head}.{other}.": "its signature is not the issuer's",
        "osk_a-token-of-the-builder": "it is no identity token",
        CLOUDFLARE_TOKEN: "it is no identity token",
        signed + "x" * 20_000: "it is no identity token",
    }
    for token, reason in attacks.items():
        broker.is_refused(broker.send("PUT", script_path("mine"), token, files=form({})), 401, reason)
    without = httpx.get(f"{broker.url}/api/deploy{script_path('mine')}", trust_env=False)
    broker.is_refused(without, 401, "the API token is missing")
