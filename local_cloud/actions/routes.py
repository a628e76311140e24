"""What is asked of Actions outside of the API: identity tokens, the keys that prove them, logs by signed address."""

import json
import time
from functools import partial
from hashlib import sha256
from io import BytesIO
from typing import Any
from urllib.parse import quote
from zipfile import ZIP_DEFLATED, ZipFile

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from nacl.exceptions import CryptoError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local_cloud.actions import id_token, runs
from local_cloud.actions.id_token import NoIdTokenError
from local_cloud.cloud import Cloud
from local_cloud.github.repository import find
from local_cloud.store import Document
from local_cloud.writes import Writes

LOGS = "/_actions/logs"
LOG_SECONDS = 60
CLAIMS = ("sub", "aud", "exp", "iat", "iss", "jti", "nbf", "environment", *id_token.CONTEXT_CLAIMS)


def actions_routes(cloud: Cloud, writes: Writes) -> list[Route]:
    key = cloud.state.oidc_key()
    jwk = _jwk(key.public_key())
    issuer = id_token.issuer(cloud)

    async def discovery(_: Request) -> Response:
        return JSONResponse(
            {
                "issuer": issuer,
                "jwks_uri": f"{issuer}/.well-known/jwks",
                "subject_types_supported": ["public", "pairwise"],
                "response_types_supported": ["id_token"],
                "claims_supported": CLAIMS,
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid"],
            }
        )

    async def jwks(_: Request) -> Response:
        return JSONResponse({"keys": [jwk]})

    async def token(request: Request) -> Response:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        audience = request.query_params.get("audience", "")
        try:
            sent = bearer if scheme.lower() == "bearer" else ""
            claims = await writes.run(partial(id_token.claims, cloud, sent, audience))
        except NoIdTokenError as error:
            return JSONResponse({"message": str(error)}, 401)
        signed = jwt.encode(claims, key, algorithm="RS256", headers={"kid": jwk["kid"], "x5t": jwk["kid"]})
        return JSONResponse({"count": len(signed), "value": signed})

    async def logs(request: Request) -> Response:
        found = await writes.run(partial(_log, cloud, request.path_params["token"]))
        if not found:
            return PlainTextResponse("The address of these logs has expired, or they are gone.", 404)
        content, kind = found
        return Response(content, media_type=kind)

    return [
        Route(f"{id_token.ROOT}/.well-known/openid-configuration", discovery, methods=["GET"]),
        Route(f"{id_token.ROOT}/.well-known/jwks", jwks, methods=["GET"]),
        Route(f"{id_token.ROOT}/token", token, methods=["GET"]),
        Route(f"{LOGS}/{{token:path}}", logs, methods=["GET"]),
    ]


def log_url(cloud: Cloud, repository: Document, run: Document, attempt: int, job: int | None = None) -> str:
    """Where the log of a job, or a ZIP archive of those of an attempt, is for a minute, without any other token."""
    asked = {
        "owner": repository["owner"],
        "name": repository["name"],
        "run": run["id"],
        "attempt": attempt,
        "job": job,
        "until": time.time() + LOG_SECONDS,
    }
    return f"{cloud.settings.api_url}{LOGS}/{quote(cloud.vault.seal(json.dumps(asked)), safe='')}"


def _log(cloud: Cloud, token: str) -> tuple[bytes, str] | None:
    try:
        asked = json.loads(cloud.vault.open(token))
    except (CryptoError, ValueError):
        return None
    repository = find(cloud, asked["owner"], asked["name"])
    run = repository and runs.run_of(cloud, repository, asked["run"])
    if not repository or not run or asked["until"] < time.time():
        return None
    jobs = runs.jobs_of(cloud, repository, run, asked["attempt"])
    texts = {job["id"]: runs.log_of(cloud, repository, job) for job in jobs}
    if asked["job"] is not None:
        text = texts.get(asked["job"])
        return None if text is None else (text, "text/plain")
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for number, job in enumerate(jobs):
            archive.writestr(f"{number}_{job['name'].replace('/', '_')}.txt", texts[job["id"]] or b"")
        if run["problem"]:
            archive.writestr("system.txt", run["problem"])
    return packed.getvalue(), "application/zip"


def _jwk(key: RSAPublicKey) -> dict[str, Any]:
    digest = sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
    public = RSAAlgorithm.to_jwk(key, as_dict=True)
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": digest[:40].upper(), "n": public["n"], "e": public["e"]}
