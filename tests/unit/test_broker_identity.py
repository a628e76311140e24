"""The issuer's keys: fetched when they are needed, changed by the issuer, and out of reach."""

import asyncio
import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from control_plane.broker import identity
from control_plane.broker.identity import Issuer, Run
from control_plane.broker.refusals import Refused

URL = "https://issuer.example"
CLAIMS = {
    "repository": "overskill-apps/a",
    "repository_id": "1",
    "repository_owner": "overskill-apps",
    "event_name": "push",
    "ref": "refs/heads/main",
    "sha": "c" * 40,
    "workflow_ref": "x",
    "job_workflow_ref": "x",
    "run_id": "12",
    "run_attempt": "1",
    "actor": "anna",
}


class Published:
    """What an issuer publishes; its clock is moved by hand."""

    def __init__(self) -> None:
        self.key, self.kid = rsa.generate_private_key(65537, 2048), "first"
        self.discovery = {"issuer": URL, "jwks_uri": f"{URL}/keys"}
        self.fetches, self.down, self.now = 0, False, 0.0
        self._http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        self.issuer = Issuer(URL, self._http)

    def token(self) -> str:
        now = int(time.time())
        times = {"iat": now, "nbf": now, "exp": now + 60}
        claims = {**CLAIMS, **times, "iss": URL, "aud": identity.AUDIENCE, "sub": "x"}
        return jwt.encode(claims, self.key, "RS256", {"kid": self.kid})

    def run(self, token: str) -> Run:
        return asyncio.run(self.issuer.run(token))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            raise httpx.ConnectError("no route")
        if request.url.path != "/keys":
            return httpx.Response(200, json=self.discovery)
        self.fetches += 1
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        symmetric = {"kty": "oct", "k": "AAAA", "kid": "symmetric"}
        return httpx.Response(200, json={"keys": [{**public, "kid": self.kid}, symmetric]})


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Published:
    made = Published()

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return made.now

    monkeypatch.setattr(identity, "time", Clock)
    return made


def _refused(published: Published, token: str) -> Refused:
    with pytest.raises(Refused) as refused:
        published.run(token)
    return refused.value


def test_numbers_are_numbers(published: Published) -> None:
    run = published.run(published.token())
    assert (run.repository_id, run.run_id, run.environment) == (1, 12, None)


def test_a_new_key_is_found_and_an_old_one_gone_after_an_hour(published: Published) -> None:
    old = published.token()
    published.run(old)
    published.key, published.kid = rsa.generate_private_key(65537, 2048), "second"
    assert _refused(published, published.token()).status == 401  # a moment ago it was not there
    published.now = identity.RENEWAL_SECONDS + 1
    published.run(published.token())
    assert _refused(published, old).status == 401
    assert published.fetches == 2
    published.now += identity.KEYS_SECONDS + 1
    published.run(published.token())
    assert published.fetches == 3


@pytest.mark.parametrize(
    "discovery", [{"issuer": "https://other.example"}, {"jwks_uri": "https://other.example/keys"}, {"jwks_uri": 1}]
)
def test_keys_of_somebody_else(published: Published, discovery: dict[str, Any]) -> None:
    published.discovery |= discovery
    assert _refused(published, published.token()).status == 503
    assert published.fetches == 0


def test_an_issuer_that_is_down(published: Published) -> None:
    published.down = True
    refused = _refused(published, published.token())
    assert (refused.status, refused.message) == (503, f"the keys of {URL} can't be had: run the job again")
    published.down = False
    assert _refused(published, published.token()).status == 503, "a flood would have the issuer asked for each call"
    published.now += identity.FAILED_SECONDS
    published.run(published.token())
    published.down = True
    published.run(published.token())
