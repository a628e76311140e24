"""Who may clone a repository and push to it, over HTTP, in the words that git shows to its user."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse

from local_cloud.cloud import Cloud
from local_cloud.github.access import Caller, identify
from local_cloud.github.repository import find
from local_cloud.store import Document

FETCH, PUSH = "git-upload-pack", "git-receive-pack"


class RefusedError(Exception):
    """What git shows to its user, after `remote: `."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        headers = {"WWW-Authenticate": 'Basic realm="GitHub"'} if status == 401 else {}
        self.answer = PlainTextResponse(message, status, headers)


@dataclass(frozen=True, kw_only=True)
class Admission:
    """`who` is None for somebody without a token, who may clone what is public."""

    repository: Document
    who: Caller | None

    @property
    def login(self) -> str:
        """Of somebody who may push."""
        assert self.who is not None  # noqa: S101 - else nobody is admitted to push
        return self.who.login

    @property
    def may_change_workflows(self) -> bool:
        return self.who is not None and self.who.may("workflows:write")


def admit(cloud: Cloud, request: Request, service: str) -> Admission:
    """Raises `RefusedError`. 401: no token, or a wrong one; 403: not allowed, or archived; 404: no such repository, or
    none that the token reaches."""
    authorization = request.headers.get("authorization", "")
    who = identify(cloud, authorization)
    if authorization and not who:
        message = "Invalid username or token. Password authentication is not supported for Git operations."
        raise RefusedError(401, message)
    name = request.path_params["repository"].removesuffix(".git")
    repository = find(cloud, request.path_params["owner"], name)
    if not who and (not repository or repository["private"]):
        # GitHub tells a stranger no difference.
        raise RefusedError(401, "Repository not found.")
    if not repository or (who and not who.sees(repository)):
        raise RefusedError(404, "Repository not found.")
    if service == PUSH:
        _check_push(who, repository)
    elif repository["private"] and who and not who.may("contents:read"):
        raise RefusedError(403, "Write access to repository not granted.")
    return Admission(repository=repository, who=who)


def _check_push(who: Caller | None, repository: Document) -> None:
    if not who:
        raise RefusedError(401, "No anonymous write access.")
    if not (who.reaches(repository) and who.may("contents:write")):
        full_name = f"{repository['owner']}/{repository['name']}"
        raise RefusedError(403, f"Permission to {full_name}.git denied to {who.login}.")
    if repository["archived"]:
        raise RefusedError(403, "This repository was archived so it is read-only.")
