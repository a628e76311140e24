"""GitHub's calls through PyGithub: `repository.get_topics` is a method of what an earlier step has kept."""

from collections.abc import Mapping
from typing import Any

import pytest
from client_steps import Among, RefusedError, Step, play
from github import Auth, Github, GithubException, GithubIntegration, InputGitTreeElement
from github.PaginatedList import PaginatedList

ORGANIZATION = Step("github.get_organization", {"org": "{org}"}, {"login": "{org}"}, {"organization": ""})
REPOSITORY = Step(
    "organization.create_repo",
    {"name": "{new}", "private": True, "auto_init": True},
    {"full_name": "{org}/{new}", "owner": {"login": "{org}"}, "default_branch": "main"},
    keeps={"repository": ""},
    undo="repository.delete",
)
FILE = {"path": "src/a.txt", "message": "Add a file", "content": "a"}


def new_tree(known: Mapping[str, Any]) -> dict[str, Any]:
    return {"tree": [InputGitTreeElement("b.txt", "100644", "blob", sha=known["blob"])]}


STEPS = {
    "repositories": [
        ORGANIZATION,
        REPOSITORY,
        Step(
            "github.get_repo", {"full_name_or_id": "{org}/{new}"}, {"private": True, "organization": {"login": "{org}"}}
        ),
        Step("organization.create_repo", {"name": "{new}"}, fails=422),
        Step("organization.get_repos", gives=Among({"name": "{new}"})),
        Step("repository.edit", {"description": "an app", "has_wiki": False}),
        Step("repository.description", gives="an app"),
        Step("repository.replace_topics", {"topics": ["one"]}),
        Step("repository.get_topics", gives=["one"]),
        Step("repository.enable_vulnerability_alert", gives=True),
        Step("repository.get_vulnerability_alert", gives=True),
        Step("repository.disable_vulnerability_alert", gives=True),
        Step("repository.get_vulnerability_alert", gives=False),
        Step("repository.delete"),
        Step("github.get_repo", {"full_name_or_id": "{org}/{new}"}, fails=404),
    ],
    "templates": [
        ORGANIZATION,
        REPOSITORY,
        Step("repository.edit", {"is_template": True}),
        Step(
            "organization.create_repo_from_template",
            {"name": "{new}-2", "repo": "{repository}", "private": True},
            {"name": "{new}-2", "template_repository": {"name": "{new}"}},
            keeps={"repository": ""},
            undo="repository.delete",
        ),
    ],
    "commits": [
        ORGANIZATION,
        REPOSITORY,
        Step("repository.get_branches", gives=[{"name": "main"}], keeps={"sha": "0.commit.sha"}, patient=True),
        Step("repository.get_branch", {"branch": "main"}, {"protected": False, "commit": {"sha": "{sha}"}}),
        Step("repository.get_git_ref", {"ref": "heads/main"}, {"ref": "refs/heads/main", "object": {"sha": "{sha}"}}),
        Step("repository.get_commit", {"sha": "main"}, {"sha": "{sha}", "stats": {"deletions": 0}}),
        Step("repository.get_commit", {"sha": "none"}, fails=422),
    ],
    "contents": [
        ORGANIZATION,
        REPOSITORY,
        Step("repository.get_contents", {"path": ""}, [{"path": "README.md", "type": "file"}]),
        Step("repository.get_readme", gives={"path": "README.md", "encoding": "base64"}),
        Step("repository.create_file", FILE, {"content": {"path": "src/a.txt"}}, {"sha": "content.sha"}),
        Step("repository.get_contents", {"path": "src/a.txt"}, {"sha": "{sha}", "decoded_content": b"a"}),
        Step("repository.get_git_blob", {"sha": "{sha}"}, {"content": "YQ==\n", "size": 1}),
        Step("repository.update_file", {**FILE, "content": "b", "sha": "{sha}"}, keeps={"sha": "content.sha"}),
        Step("repository.delete_file", {"path": "src/a.txt", "message": "Remove it", "sha": "{sha}"}),
        Step("repository.get_contents", {"path": "src/a.txt"}, fails=404),
        Step("repository.get_commits", gives=lambda commits: len(commits) == 4),
    ],
    "git data": [
        ORGANIZATION,
        REPOSITORY,
        Step("repository.get_git_ref", {"ref": "heads/main"}, keeps={"sha": "object.sha"}),
        Step("repository.get_git_commit", {"sha": "{sha}"}, keeps={"parent": ""}),
        Step("repository.create_git_blob", {"content": "b", "encoding": "utf-8"}, keeps={"blob": "sha"}),
        Step("repository.create_git_tree", new_tree, {"tree": [{"path": "b.txt"}]}, {"tree": ""}),
        Step(
            "repository.create_git_commit",
            {"message": "Another tree", "tree": "{tree}", "parents": ["{parent}"]},
            {"message": "Another tree", "parents": [{"sha": "{sha}"}]},
            keeps={"made": "sha"},
        ),
        Step("repository.create_git_ref", {"ref": "refs/heads/topic", "sha": "{made}"}, keeps={"ref": ""}),
        Step("repository.get_git_matching_refs", {"ref": "heads/to"}, [{"object": {"sha": "{made}"}}]),
        Step("repository.get_git_tree", {"sha": "topic"}, {"tree": [{"path": "b.txt", "type": "blob"}]}),
        Step("ref.edit", {"sha": "{sha}"}, fails=422),
        Step("ref.edit", {"sha": "{sha}", "force": True}),
        Step("ref.delete"),
        Step("repository.get_git_ref", {"ref": "heads/topic"}, fails=404),
    ],
    "pull requests": [
        ORGANIZATION,
        REPOSITORY,
        Step("repository.get_git_ref", {"ref": "heads/main"}, keeps={"sha": "object.sha"}),
        Step("repository.create_git_ref", {"ref": "refs/heads/topic", "sha": "{sha}"}),
        Step("repository.create_file", {**FILE, "branch": "topic"}),
        Step(
            "repository.create_pull",
            {"title": "Topic", "head": "topic", "base": "main"},
            {"state": "open", "base": {"sha": "{sha}"}},
            keeps={"pull": "", "number": "number"},
        ),
        Step("repository.get_pulls", gives=[{"number": "{number}"}]),
        Step("repository.get_pull", {"number": "{number}"}, {"mergeable": True, "commits": 1}, patient=True),
        Step("pull.edit", {"title": "The topic"}),
        Step("pull.get_commits", gives=[{"commit": {"message": "Add a file"}}]),
        Step("pull.get_files", gives=[{"filename": "src/a.txt", "status": "added"}]),
        Step("pull.create_issue_comment", {"body": "one"}, {"body": "one"}, keeps={"comment": "", "id": "id"}),
        Step("comment.edit", {"body": "two"}),
        Step("pull.get_issue_comment", {"id": "{id}"}, {"body": "two"}),
        Step("pull.get_issue_comments", gives=[{"id": "{id}"}]),
        Step("comment.delete"),
        Step("pull.is_merged", gives=False),
        Step("pull.merge", gives={"merged": True}),
        Step("pull.is_merged", gives=True),
    ],
    "issues": [
        ORGANIZATION,
        REPOSITORY,
        Step(
            "repository.create_issue",
            {"title": "Drift", "body": "one", "labels": ["drift"]},
            {"title": "Drift", "state": "open"},
            keeps={"issue": "", "number": "number"},
        ),
        Step("repository.get_issue", {"number": "{number}"}, {"body": "one"}),
        Step("repository.get_issues", gives=[{"number": "{number}"}]),
        Step("issue.edit", {"state": "closed"}),
        Step("repository.get_issues", {"state": "closed"}, [{"state_reason": "completed"}]),
    ],
    "statuses": [
        ORGANIZATION,
        REPOSITORY,
        Step("repository.get_commit", {"sha": "main"}, keeps={"commit": ""}),
        Step("commit.create_status", {"state": "success", "context": "ci"}, {"state": "success", "context": "ci"}),
        Step("commit.get_statuses", gives=[{"context": "ci", "creator": bool}]),
        Step("commit.get_combined_status", gives={"state": "success", "total_count": 1}),
    ],
    "deployments": [
        ORGANIZATION,
        REPOSITORY,
        Step(
            "repository.create_deployment",
            {"ref": "main", "environment": "preview"},
            {"ref": "main", "environment": "preview"},
            keeps={"deployment": "", "id": "id"},
        ),
        Step("repository.get_deployment", {"id_": "{id}"}, {"task": "deploy"}),
        Step("repository.get_deployments", gives=[{"id": "{id}"}]),
        Step("deployment.create_status", {"state": "success"}, {"state": "success"}, {"status": "id"}),
        Step("deployment.get_status", {"id_": "{status}"}, {"environment": "preview"}),
        Step("deployment.get_statuses", gives=[{"id": "{status}"}]),
    ],
    "dispatches": [
        ORGANIZATION,
        REPOSITORY,
        Step("repository.create_repository_dispatch", {"event_type": "go", "client_payload": {"a": 1}}, True),
    ],
    "secrets and variables": [
        ORGANIZATION,
        REPOSITORY,
        Step("repository.create_secret", {"secret_name": "TOKEN", "unencrypted_value": "x"}, {"name": "TOKEN"}),
        Step("repository.get_secret", {"secret_name": "TOKEN"}, {"name": "TOKEN"}),
        Step("repository.get_secrets", gives=[{"name": "TOKEN"}]),
        Step("repository.delete_secret", {"secret_name": "TOKEN"}, True),
        Step("repository.create_variable", {"variable_name": "APP_ID", "value": "a"}, {"name": "APP_ID"}),
        Step("repository.get_variable", {"variable_name": "APP_ID"}, {"value": "a"}, {"variable": ""}),
        Step("variable.edit", {"value": "b"}, True),
        Step("repository.get_variables", gives=[{"name": "APP_ID", "value": "b"}]),
        Step("repository.delete_variable", {"variable_name": "APP_ID"}, True),
        Step("repository.get_variable", {"variable_name": "APP_ID"}, fails=404),
    ],
    "environments": [
        ORGANIZATION,
        REPOSITORY,
        Step("repository.create_environment", {"environment_name": "production"}, {"name": "production"}),
        Step("repository.get_environment", {"environment_name": "production"}, {"protection_rules": []}),
        Step("repository.get_environments", gives=[{"name": "production"}]),
        Step("repository.delete_environment", {"environment_name": "production"}),
        Step("repository.get_environment", {"environment_name": "production"}, fails=404),
    ],
    "webhooks": [
        ORGANIZATION,
        REPOSITORY,
        Step(
            "repository.create_hook",
            {"name": "web", "config": {"url": "https://example.com/hook", "content_type": "json"}, "events": ["push"]},
            {"active": True, "events": ["push"]},
            keeps={"hook": "", "id": "id"},
        ),
        Step(
            "hook.edit",
            {"name": "web", "config": {"url": "https://example.com/hook"}, "events": ["issues"], "active": False},
        ),
        Step("repository.get_hook", {"id": "{id}"}, {"active": False, "events": ["issues"]}),
        Step("repository.get_hooks", gives=[{"id": "{id}"}]),
        Step("hook.delete"),
        Step("repository.get_hook", {"id": "{id}"}, fails=404),
    ],
}

LOCAL_STEPS = {
    "deliveries": [
        ORGANIZATION,
        REPOSITORY,
        Step(
            "repository.create_hook",
            {"name": "web", "config": {"url": "{nobody}"}, "events": ["push"]},
            keeps={"hook": "", "id": "id"},
        ),
        Step("hook.ping"),
        Step("hook.test"),
        Step(
            "repository.get_hook_deliveries",
            {"hook_id": "{id}"},
            [{"event": "push"}, {"event": "ping"}, {"event": "ping", "status_code": 502}],
            keeps={"delivery": "0.id"},
            patient=True,
        ),
        Step(
            "repository.get_hook_delivery",
            {"hook_id": "{id}", "delivery_id": "{delivery}"},
            {"event": "push", "request": {"payload": {"ref": "refs/heads/main"}}},
        ),
    ],
    "the App": [
        Step("app.get_app", gives={"slug": "local-overskill", "owner": {"login": "{org}"}}),
        Step("app.get_org_installation", {"org": "{org}"}, {"app_slug": "local-overskill", "suspended_at": None}),
        Step("app.get_org_installation", {"org": "contract-no-such-org"}, fails=404),
    ],
}
"""What nobody outside this machine can reach, or a live account has none of."""


def invoke(call: str, given: Mapping[str, Any], names: Mapping[str, Any]) -> Any:
    start, *path = call.split(".")
    found = names[start]
    try:
        for name in path:
            found = getattr(found, name)
        found = found(**given) if callable(found) else found
        return list(found) if isinstance(found, PaginatedList) else found
    except GithubException as error:
        raise RefusedError(error.status) from error


@pytest.fixture(scope="module")
def base_url(gh):
    return f"{str(gh.client.base_url).rstrip('/')}{gh.root}"


@pytest.fixture
def names(gh, name, nobody, base_url):
    with Github(
        base_url=base_url, auth=Auth.Token(gh.token), retry=None, seconds_between_requests=0, seconds_between_writes=0
    ) as client:
        yield {"github": client, "org": gh.names["org"], "new": name, "nobody": nobody}


@pytest.mark.parametrize("subject", STEPS)
def test_calls(names, cleanup, subject):
    play(STEPS[subject], names, invoke, cleanup)


@pytest.mark.parametrize("subject", LOCAL_STEPS)
def test_calls_for_this_machine_alone(local, names, base_url, cleanup, subject):
    credentials = local.cloud.credentials
    auth = Auth.AppAuth(credentials.github_app_id, credentials.github_private_key)
    with GithubIntegration(auth=auth, base_url=base_url, retry=None) as app:
        play(LOCAL_STEPS[subject], names | {"app": app}, invoke, cleanup)
