"""Static assets of namespace scripts: a session tells which files are missing, they are uploaded, a script gets them.

A file is known by the hash that its client gave it, and shared by all scripts of its namespace: `assets`, by namespace
id and hash, are `{blob, content_type}`; `content_type` None is served without one. What a hash stands for never
changes. A session (`asset_sessions`, by namespace id) is `{script, blob, expires}`, where the blob is the manifest as
it was sent and `expires` is in seconds since 1970.
"""

import json
import time
from base64 import b64decode
from binascii import Error as Base64Error
from typing import Annotated, Any

from jwt import InvalidTokenError
from pydantic import Field

from local_cloud.call import Call, Strict
from local_cloud.cloudflare.access import SESSION
from local_cloud.cloudflare.code import check_name
from local_cloud.cloudflare.dialect import Accepted, invalid, new_id, unauthenticated
from local_cloud.cloudflare.namespaces import namespace_of
from local_cloud.multipart import Part
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Workers Scripts")

MAX_FILES = 100_000
MAX_FILE_BYTES = 25 * 1024 * 1024
BUCKET_BYTES = 40 * 1024 * 1024
"""Of the files of one upload, before base64."""
BUCKET_FILES = 1000
SESSION_SECONDS = 3600
"""How long a token is valid: one to upload with, and the one that attaches what was uploaded."""

NO_TYPE = "application/null"


class File(Strict):
    hash: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    size: Annotated[int, Field(ge=0, le=MAX_FILE_BYTES)]


class Session(Strict):
    manifest: Annotated[dict[Annotated[str, Field(pattern="^/")], File], Field(max_length=MAX_FILES)]


@routes.on("POST", "/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts/{script}/assets-upload-session")
def open_session(call: Call) -> dict[str, Any]:
    """`{jwt, buckets}`: the hashes to upload, together as they are listed. Without any, the token is the last one."""
    namespace_id, manifest = namespace_of(call)["namespace_id"], call.json(Session).manifest
    check_name(call["script"])
    sizes = {file.hash: file.size for file in manifest.values()}
    if conflicting := [path for path, file in manifest.items() if sizes[file.hash] != file.size]:
        raise invalid(*(f"manifest.{path}: its hash is that of a file of another size" for path in conflicting))
    _remove_expired(call, namespace_id)
    session = {"script": call["script"], "blob": call.store.put_blob(call.body)}
    known = set(call.store.keys("assets", namespace_id))
    buckets = _buckets({name: size for name, size in sizes.items() if name not in known})
    token = _issued(call, namespace_id, new_id(), session, complete=not buckets)
    return {"jwt": token, "buckets": buckets}


@routes.on("POST", "/accounts/{account}/workers/assets/upload", permission=SESSION)
def upload(call: Call) -> Accepted:
    """Files in base64, each a part named by its hash. 201 with the last token once none is missing, 202 before."""
    if call.filters("base64").get("base64") != "true":
        raise call.invalid("base64", "must be true: the files come in base64")
    namespace_id, identifier, session = _session(call, _bearer(call), complete=False)
    sizes = _sizes(call, session)
    files = {part.name: _body(part) for part in call.form}
    if problems := [problem for name, body in files.items() if (problem := _problem(name, body, sizes))]:
        raise invalid(*problems)
    known = set(call.store.keys("assets", namespace_id))
    for part in call.form:
        if part.name not in known:
            content_type = None if part.content_type == NO_TYPE else part.content_type
            kept = {"blob": call.store.put_blob(files[part.name]), "content_type": content_type}
            call.store.put("assets", namespace_id, part.name, kept)
    if not sizes.keys() <= known | files.keys():
        return Accepted(status=202, result={})
    return Accepted(status=201, result={"jwt": _issued(call, namespace_id, identifier, session, complete=True)})


def uploaded(call: Call, token: str) -> dict[str, str]:
    """The paths and hashes of a completed session for the call's script. Refused if the token is of no such session."""
    namespace_id, _, session = _session(call, token, complete=True)
    if (namespace_id, session["script"]) != (namespace_of(call)["namespace_id"], call["script"]):
        raise unauthenticated()
    return {path: file["hash"] for path, file in _manifest(call, session).items()}


def _session(call: Call, token: str, *, complete: bool) -> tuple[str, str, Document]:
    """The namespace's id, the id and the document of the session that a token is for."""
    try:
        claims = call.cloud.vault.claims(token)
    except InvalidTokenError:
        raise unauthenticated() from None
    session = call.store.get("asset_sessions", claims["namespace"], claims["sub"])
    if not session or (claims["account"], claims["complete"]) != (call["account"], complete):
        raise unauthenticated()
    return claims["namespace"], claims["sub"], session


def _issued(call: Call, namespace_id: str, identifier: str, session: Document, *, complete: bool) -> str:
    """A token for a session, which stays as long as the token is valid."""
    issued = int(time.time())
    expires = issued + SESSION_SECONDS
    call.store.put("asset_sessions", namespace_id, identifier, {**session, "expires": expires})
    claims = {"account": call["account"], "namespace": namespace_id, "sub": identifier, "complete": complete}
    return call.cloud.vault.token({**claims, "iat": issued, "exp": expires})


def _remove_expired(call: Call, namespace_id: str) -> None:
    for identifier, session in list(call.store.items("asset_sessions", namespace_id)):
        if session["expires"] <= time.time():
            call.store.delete("asset_sessions", namespace_id, identifier)


def _manifest(call: Call, session: Document) -> dict[str, Document]:
    """`{path: {hash, size}}`, which was checked as the session was opened."""
    return json.loads(call.store.blob(session["blob"]))["manifest"]


def _sizes(call: Call, session: Document) -> dict[str, int]:
    return {file["hash"]: file["size"] for file in _manifest(call, session).values()}


def _buckets(sizes: dict[str, int]) -> list[list[str]]:
    buckets: list[list[str]] = []
    room = 0
    for name, size in sizes.items():
        if not buckets or size > room or len(buckets[-1]) == BUCKET_FILES:
            buckets.append([])
            room = BUCKET_BYTES
        buckets[-1].append(name)
        room -= size
    return buckets


def _body(part: Part) -> bytes | None:
    """None: it is not base64."""
    try:
        return b64decode(part.body, validate=True)
    except Base64Error:
        return None


def _problem(name: str, body: bytes | None, sizes: dict[str, int]) -> str | None:
    if name not in sizes:
        return f"file {name!r} is not in the manifest of this session"
    if body is None:
        return f"file {name!r} is not base64"
    if len(body) != sizes[name]:
        return f"file {name!r} has {len(body)} bytes, the manifest says {sizes[name]}"
    return None


def _bearer(call: Call) -> str:
    return call.headers["authorization"].removeprefix("Bearer ")
