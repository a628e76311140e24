"""Repositories.

Source: terraform-provider-github, github/resource_github_repository.go; the calls and their order are those that
pulumi-github 6.15.0 was seen to make.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from local_cloud.providers.check import Failure
from local_cloud.providers.document import from_api, to_api
from local_cloud.providers.errors import ProviderError
from local_cloud.providers.github.service import Owner, named
from local_cloud.providers.resource import Resource, State
from local_cloud.providers.schema import Object, SetOf, given, matching, one_of, output, strings, unsupported
from local_cloud.providers.wire import UNKNOWN

_NAME = matching(r"[-a-zA-Z0-9_.]{1,100}", "Must hold only letters, digits, -, _ and ., 100 of them at most")
_ON = ("allowMergeCommit", "allowRebaseMerge", "allowSquashMerge")
_OFF = (
    *("allowAutoMerge", "allowUpdateBranch", "archived", "autoInit", "deleteBranchOnMerge", "hasDiscussions"),
    *("hasDownloads", "hasIssues", "hasProjects", "hasWiki", "isTemplate"),
)
_SETTINGS = Object(
    {
        "name": given(str, rule=_NAME),
        **{name: given(bool, default=True) for name in _ON},
        **{name: given(bool, default=False) for name in _OFF},
        **strings("description", "gitignoreTemplate", "licenseTemplate", default=""),
        "homepageUrl": given(str, default="", api="homepage"),
        "mergeCommitMessage": given(str, default="PR_TITLE"),
        "mergeCommitTitle": given(str, default="MERGE_MESSAGE"),
        "squashMergeCommitMessage": given(str, default="COMMIT_MESSAGES"),
        "squashMergeCommitTitle": given(str, default="COMMIT_OR_PR_TITLE"),
        "topics": given(SetOf(str), computed=True),
        **{name: given(bool, computed=True) for name in ("allowForking", "webCommitSignoffRequired")},
    }
)
"""What every edit sends; visibility goes apart from it."""

_NOT_AT_CREATION = frozenset({"topics", "archived", "has_downloads", "web_commit_signoff_required"})
"""What go-github leaves out of the body that makes a repository."""

_MERGING: State = {
    **dict.fromkeys((*_ON, "allowAutoMerge", "allowUpdateBranch", "deleteBranchOnMerge"), False),
    **dict.fromkeys(("mergeCommitMessage", "mergeCommitTitle"), ""),
    **dict.fromkeys(("squashMergeCommitMessage", "squashMergeCommitTitle"), ""),
}
"""What is read of a repository whose answer leaves it out."""

_STATUS = output(Object({"status": output(str)}))
_SECURITY = Object(
    dict.fromkeys(
        (
            *("advancedSecurity", "codeSecurity", "secretScanning", "secretScanningAiDetection"),
            *("secretScanningNonProviderPatterns", "secretScanningPushProtection"),
        ),
        _STATUS,
    )
)
ADDRESSES = {
    **{"gitCloneUrl": "git_url", "htmlUrl": "html_url", "httpCloneUrl": "clone_url"},
    **{"sshCloneUrl": "ssh_url", "svnUrl": "svn_url"},
}


class Repository(Resource[Owner]):
    """Its id is its name. Neither name nor template needs a new repository: a name is changed, a template forgotten."""

    type = "github:index/repository:Repository"
    shape = Object(
        {
            **dict(_SETTINGS),
            "visibility": given(str, computed=True, rule=one_of("public", "private", "internal")),
            "private": given(bool, computed=True),
            "defaultBranch": given(str, computed=True),
            "template": given(
                Object(
                    {
                        **strings("owner", "repository", required=True),
                        "includeAllBranches": given(bool, default=False),
                    }
                ),
                api=None,
            ),
            "archiveOnDestroy": given(bool, default=False, api=None),
            "etag": given(str, computed=True, api=None),
            **unsupported("fork", "sourceOwner", "sourceRepo", "pages", "vulnerabilityAlerts"),
            **unsupported("ignoreVulnerabilityAlertsDuringRead", "securityAndAnalysis"),
            **{name: output(str, stable=True, api=api) for name, api in ADDRESSES.items()},
            **{name: output(str, stable=True) for name in ("fullName", "nodeId")},
            "primaryLanguage": output(str, stable=True, api="language"),
            "repoId": output(int, stable=True, api="id"),
        }
    )

    def name(self, inputs: Mapping[str, Any], previous: Mapping[str, Any], logical_name: str, seed: bytes) -> State:
        return named(inputs, previous, logical_name, seed)

    def validate(self, inputs: Mapping[str, Any]) -> Iterator[Failure]:
        if inputs.get("visibility") is not None and inputs.get("private") is not None:
            yield Failure(path="private", reason='"private": conflicts with visibility')

    def plan(self, inputs: Mapping[str, Any], state: Mapping[str, Any]) -> State:
        planned = super().plan({**inputs, "etag": state.get("etag")}, state)
        if isinstance(inputs.get("private"), bool):
            planned["visibility"] = "private" if inputs["private"] else "public"
        elif isinstance(inputs.get("visibility"), str):
            planned["private"] = inputs["visibility"] != "public"
        if "fullName" in planned and planned.get("name") != state.get("name"):
            planned["fullName"] = UNKNOWN
        return planned

    def create(self, planned: State) -> tuple[str, State]:
        if planned.get("defaultBranch", "main") != "main":
            raise ProviderError("cannot set the default branch on a new repository to something other than 'main'")
        if template := planned.get("template"):
            body = {
                "name": planned["name"],
                "owner": self.service.name,
                "description": planned["description"],
                "include_all_branches": template["includeAllBranches"],
                "private": _visibility(planned) == "private",
            }
            path = f"/repos/{template['owner']}/{template['repository']}/generate"
        else:
            body = {name: value for name, value in _body(planned, {}).items() if name not in _NOT_AT_CREATION}
            body |= {"visibility": _visibility(planned), "private": _visibility(planned) == "private"}
            path = f"/orgs/{self.service.name}/repos" if self.service.is_organization else "/user/repos"
        name = self.service.client.call("POST", path, body).body["name"]
        return name, {"name": name}

    def complete(self, id: str, planned: State, state: State) -> State:
        if planned["archived"]:
            self.service.call("PATCH", id, body={"archived": True})
            return self._read(id, planned)
        if planned.get("topics"):
            self._put_topics(id, planned)
        return self.update(id, {**planned, "defaultBranch": None}, {})

    def locate(self, id: str) -> tuple[str, State]:
        return id, {"name": id, "autoInit": False}

    def read(self, id: str, state: State) -> tuple[str, State]:
        now = self._read(state.get("name", id), state)
        return now["name"], now

    def update(self, id: str, planned: State, state: State) -> State:
        if state.get("archived") and planned["archived"]:
            return planned
        body = _body(planned, state)
        branch = planned.get("defaultBranch")
        if branch and branch != state.get("defaultBranch"):
            body["default_branch"] = branch
        name = self.service.call("PATCH", state.get("name", id), body=body).body["name"]
        if sorted(planned.get("topics", [])) != sorted(state.get("topics", [])):
            self._put_topics(name, planned)
        if any(planned.get(key) != state.get(key) for key in ("visibility", "private")):
            self.service.call("PATCH", name, body={**body, "visibility": _visibility(planned)})
        return self._read(name, planned)

    def delete(self, id: str, state: State) -> None:
        name = state.get("name", id)
        if not state.get("archiveOnDestroy"):
            self.service.call("DELETE", name)
        elif not state.get("archived"):
            body = _body({**state, "archived": True}, state)
            body.pop("web_commit_signoff_required", None)
            self.service.call("PATCH", name, body=body)

    def _put_topics(self, name: str, planned: State) -> None:
        self.service.call("PUT", name, "/topics", {"names": planned.get("topics", [])})

    def _read(self, name: str, before: State) -> State:
        answer = self.service.call("GET", name)
        repository = answer.body
        merging = {} if repository["archived"] else _MERGING
        state = {**before, **merging, **from_api(self.shape, repository)}
        for text in ("description", "homepageUrl", "primaryLanguage"):
            state[text] = state.get(text) or ""
        template, source = repository.get("template_repository"), repository.get("parent") or {}
        state["template"] = template and {
            "owner": template["owner"]["login"],
            "repository": template["name"],
            "includeAllBranches": before.get("template", {}).get("includeAllBranches", False),
        }
        security = from_api(_SECURITY, repository.get("security_and_analysis") or {})
        return {
            **state,
            "etag": answer.etag,
            "fork": "true" if repository.get("fork") else "false",
            "securityAndAnalysis": security or None,
            "sourceOwner": source.get("owner", {}).get("login", ""),
            "sourceRepo": source.get("name", ""),
        }


def _visibility(planned: State) -> str:
    return planned.get("visibility") or "public"


def _body(planned: State, state: State) -> State:
    """An edit. Commit titles and messages go only with their merge strategy, no topics by a call of their own."""
    sent = dict(planned)
    for strategy, prefix in (("allowMergeCommit", "mergeCommit"), ("allowSquashMerge", "squashMergeCommit")):
        if not planned[strategy]:
            sent |= {f"{prefix}Title": None, f"{prefix}Message": None}
    for name in ("allowForking", "webCommitSignoffRequired"):
        if not planned.get(name) and not state.get(name):
            sent[name] = None
    if _visibility(planned) == "public":
        sent["allowForking"] = None
    return to_api(_SETTINGS, {**sent, "topics": planned.get("topics") or None})
