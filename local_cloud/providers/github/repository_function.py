"""The function `getRepository`: a repository of the owner's by its name, or anybody's by its full name.

Source: terraform-provider-github, github/data_source_github_repository.go.
"""

from local_cloud.providers.document import from_api
from local_cloud.providers.errors import NotFound, ProviderError
from local_cloud.providers.github.repository import ADDRESSES
from local_cloud.providers.github.service import Owner
from local_cloud.providers.resource import Function, State
from local_cloud.providers.schema import ListOf, Object, output, strings

_FLAGS = (
    *("allowAutoMerge", "allowForking", "allowMergeCommit", "allowRebaseMerge", "allowSquashMerge"),
    *("allowUpdateBranch", "archived", "deleteBranchOnMerge", "fork", "hasDiscussions", "hasDownloads", "hasIssues"),
    *("hasProjects", "hasWiki", "isTemplate", "private"),
)
_TEXTS = (
    *("defaultBranch", "description", "fullName", "mergeCommitMessage", "mergeCommitTitle", "name", "nodeId"),
    *("squashMergeCommitMessage", "squashMergeCommitTitle", "visibility"),
)
_RENAMED = {"homepageUrl": "homepage", "primaryLanguage": "language", **ADDRESSES}
_TEMPLATE = Object({name: output(str) for name in ("owner", "repository")})
_ARGUMENTS = Object(strings("description", "fullName", "homepageUrl", "name"))
REPOSITORY = Object(
    {
        **{name: output(bool) for name in _FLAGS},
        **{name: output(str) for name in _TEXTS},
        **{name: output(str, api=api) for name, api in _RENAMED.items()},
        "repoId": output(int, api="id"),
        "topics": output(ListOf(str)),
        "id": output(str, api=None),
        "pages": output(ListOf(object), api=None),
        "repositoryLicenses": output(ListOf(object), api=None),
        "templates": output(ListOf(_TEMPLATE), api=None),
    }
)
_ABSENT = {**dict.fromkeys(_FLAGS, False), **dict.fromkeys((*_TEXTS, *_RENAMED), "")}
"""What stands for what an answer has not, as in Go."""


def get_repository(service: Owner, arguments: State) -> State:
    """The repository's properties. Raises `ProviderError` if there is none, or one with what isn't read here."""
    owner, name = _meant(service, arguments)
    try:
        answer = service.client.call("GET", f"/repos/{owner}/{name}").body
    except NotFound as error:
        raise ProviderError(f"getRepository: there is no repository {owner}/{name} ({error})") from None
    for part, there in (("a licence", answer.get("license")), ("pages", answer.get("has_pages"))):
        if there:
            raise ProviderError(
                f"getRepository: {owner}/{name} has {part}, which the stand-in provider does not read; "
                "use the official plugin (--providers official)"
            )
    found = from_api(REPOSITORY, answer)
    template = answer.get("template_repository")
    return {
        **_ABSENT,
        **{key: value for key, value in found.items() if value is not None},
        "id": answer["name"],
        "pages": [],
        "repositoryLicenses": [],
        "templates": [{"owner": template["owner"]["login"], "repository": template["name"]}] if template else [],
    }


def _meant(service: Owner, arguments: State) -> tuple[str, str]:
    full_name, name = arguments.get("fullName"), arguments.get("name")
    if bool(full_name) == bool(name):
        raise ProviderError("getRepository: give either full_name, such as 'owner/name', or name")
    if name:
        return service.name, name
    parts = full_name.split("/")
    if len(parts) != 2 or not all(parts):
        raise ProviderError(f"getRepository: unexpected full name {full_name!r}: expected owner/name")
    return parts[0], parts[1]


GET_REPOSITORY = Function(name="github:index/getRepository:getRepository", arguments=_ARGUMENTS, invoke=get_repository)
