"""Blobs: the bytes of files, by their hash; and how bytes are written in what is sent and answered."""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any, Literal

from local_cloud import git_trees
from local_cloud.call import Answer, Call, Strict
from local_cloud.github.dialect import Created, refusal
from local_cloud.github.git_data import GIT, check_kind
from local_cloud.github.places import api_url, folder
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="contents")

RAW = re.compile(r"application/vnd\.github\.(?:v3\.)?raw(?:\+json)?")
RAW_TYPE = "application/vnd.github.raw; charset=utf-8"


class NewBlob(Strict):
    content: str
    encoding: Literal["utf-8", "base64"] = "utf-8"


@routes.on("GET", f"{GIT}/blobs/{{sha}}")
def get_blob(call: Call) -> Any:
    repository, sha = repository_of(call), call["sha"]
    check_kind(call, repository, sha, "blob")
    body = git_trees.content(folder(call.cloud, repository), sha)
    if wants_raw(call):
        return Answer(body=body, headers={"Content-Type": RAW_TYPE})
    shown = {
        "sha": sha,
        "node_id": f"B_{repository['id']}_{sha}",
        "size": len(body),
        "url": _url(call, repository, sha),
    }
    return {**shown, "content": in_base64(body), "encoding": "base64"}


@routes.on("POST", f"{GIT}/blobs")
def create_blob(call: Call) -> Created:
    repository, sent = writable_repository_of(call), call.json(NewBlob)
    body = from_base64(sent.content) if sent.encoding == "base64" else sent.content.encode()
    sha = git_trees.write_blob(folder(call.cloud, repository), body)
    return Created(body={"sha": sha, "url": _url(call, repository, sha)})


def wants_raw(call: Call) -> bool:
    """Whether the bytes themselves are asked for."""
    return RAW.match(call.headers.get("accept", "")) is not None


def in_base64(body: bytes) -> str:
    """In lines of 60 characters, as GitHub writes it."""
    text = b64encode(body).decode()
    return "".join(text[start : start + 60] + "\n" for start in range(0, len(text), 60))


def from_base64(text: str) -> bytes:
    try:
        return b64decode("".join(text.split()), validate=True)
    except (Base64Error, ValueError):
        raise refusal(422, "content is not valid Base64") from None


def _url(call: Call, repository: Document, sha: str) -> str:
    return f"{api_url(call.cloud, repository)}/git/blobs/{sha}"
