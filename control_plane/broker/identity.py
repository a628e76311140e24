"""Who calls: a workflow run, by the identity token that the issuer has signed for it (OpenID Connect)."""

import asyncio
import time

import httpx
import jwt
from pydantic import BaseModel, ConfigDict, ValidationError

from control_plane.broker.refusals import Refused

AUDIENCE = "overskill-deploy"
ALGORITHM = "RS256"
LEEWAY = 30
"""Seconds by which the issuer's clock and this one may differ."""
KEYS_SECONDS = 3600
"""How long the issuer's keys are taken to be its keys."""
RENEWAL_SECONDS = 30
"""An unknown key has them fetched anew, no more often than this: anybody can name one."""
FAILED_SECONDS = 5
"""After the keys could not be had, nobody waits for another attempt so soon: anybody can have one made."""
MAX_TOKEN = 16_384

REQUIRED = ("aud", "exp", "iat", "iss", "nbf", "sub")
_PROBLEMS: tuple[tuple[type[jwt.InvalidTokenError], str], ...] = (
    (jwt.ExpiredSignatureError, "it has expired: ask for it in the step that deploys"),
    (jwt.ImmatureSignatureError, "it is not valid yet"),
    (jwt.InvalidAudienceError, f"its audience is not {AUDIENCE}: ask for it with `audience={AUDIENCE}`"),
    (jwt.InvalidIssuerError, "its issuer is another one"),
    (jwt.InvalidSignatureError, "its signature is not the issuer's"),
    (jwt.InvalidAlgorithmError, f"its algorithm is not {ALGORITHM}"),
    (jwt.MissingRequiredClaimError, "a claim is missing"),
)


class Run(BaseModel):
    """What the issuer says of a run. The subject is not among it: its form is the organisation's to choose.

    The names of repository and owner may change and be taken by others; `repository_id` is the repository's for ever.
    """

    model_config = ConfigDict(frozen=True)

    repository: str
    repository_id: int
    repository_owner: str
    event_name: str
    ref: str
    sha: str
    environment: str | None = None
    workflow_ref: str
    job_workflow_ref: str
    run_id: int
    run_attempt: int
    actor: str


class Issuer:
    """The issuer at `url`, whose keys are fetched when they are first needed."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self._url, self._http = url, http
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = self._failed = float("-inf")
        self._fetching = asyncio.Lock()

    async def run(self, token: str) -> Run:
        """Raises `Refused`: 401 for a token that does not hold, 503 while the issuer's keys can't be had."""
        try:
            if len(token) > MAX_TOKEN:
                raise jwt.DecodeError
            header = jwt.get_unverified_header(token)
            if header.get("alg") != ALGORITHM:
                raise jwt.InvalidAlgorithmError
            claims = jwt.decode(
                token,
                await self._key(str(header.get("kid"))),
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._url,
                leeway=LEEWAY,
                options={"require": list(REQUIRED)},
            )
            return Run.model_validate(claims)
        except jwt.InvalidTokenError as error:
            reason = next((told for kind, told in _PROBLEMS if isinstance(error, kind)), "it is no identity token")
        except ValidationError as error:
            reason = f"its claims lack {', '.join(str(problem['loc'][0]) for problem in error.errors())}"
        raise Refused(401, f"the API token has to be the identity token of a workflow run: {reason}")

    async def _key(self, identifier: str) -> jwt.PyJWK:
        if self._outdated(identifier):
            async with self._fetching:
                if self._outdated(identifier):
                    self._keys, self._fetched = await self._fetch(), time.monotonic()
        if identifier not in self._keys:
            raise jwt.InvalidSignatureError
        return self._keys[identifier]

    def _outdated(self, identifier: str) -> bool:
        age = time.monotonic() - self._fetched
        return age > KEYS_SECONDS or (identifier not in self._keys and age > RENEWAL_SECONDS)

    async def _fetch(self) -> dict[str, jwt.PyJWK]:
        unreachable = Refused(503, f"the keys of {self._url} can't be had: run the job again")
        if time.monotonic() - self._failed < FAILED_SECONDS:
            raise unreachable
        try:
            discovery = await self._json(f"{self._url}/.well-known/openid-configuration")
            if discovery["issuer"] != self._url or not discovery["jwks_uri"].startswith(f"{self._url}/"):
                raise ValueError("the keys are somebody else's")
            keys = jwt.PyJWKSet.from_dict(await self._json(discovery["jwks_uri"])).keys
        except (httpx.HTTPError, AttributeError, KeyError, TypeError, ValueError, jwt.PyJWTError) as error:
            self._failed = time.monotonic()
            raise unreachable from error
        return {key.key_id: key for key in keys if key.key_id and key.key_type == "RSA"}

    async def _json(self, url: str) -> dict[str, str]:
        content: dict[str, str] = (await self._http.get(url)).raise_for_status().json()
        return content
