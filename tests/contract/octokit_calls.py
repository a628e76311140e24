"""What GitHub's client for Node is asked to do: `test_octokit.py` plays it.

Calls are made with the token of whoever runs the suite, once a step has kept another as `token` with that one.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from client_steps import Among, Step
from nacl.public import PublicKey, SealedBox

REPOSITORY = Step(
    "repos.createInOrg",
    {"name": "{new}", "private": True, "auto_init": True},
    {"full_name": "{org}/{new}", "private": True, "default_branch": "main"},
    keeps={"owner": "owner.login", "repo": "name"},
    undo="repos.delete",
)
TIP = Step("git.getRef", {"ref": "heads/main"}, keeps={"sha": "object.sha"})
"""Keeps the hash of a repository's one commit."""


def written(path: str, text: str, **more: str) -> Step:
    """Makes a file that is not there yet."""
    content = b64encode(text.encode()).decode()
    return Step(
        "repos.createOrUpdateFileContents",
        {"path": path, "content": content, "message": "Add a file", **more},
        {"content": {"path": path}},
        keeps={"file_sha": "content.sha", "commit_sha": "commit.sha", "tree_sha": "commit.tree.sha"},
    )


def sealed(known: Mapping[str, Any]) -> dict[str, Any]:
    box = SealedBox(PublicKey(b64decode(known["key"])))
    return {"secret_name": "TOKEN", "key_id": known["key_id"], "encrypted_value": b64encode(box.encrypt(b"x")).decode()}


STEPS = {
    "repositories": [
        REPOSITORY,
        Step("repos.get", gives={"full_name": "{org}/{new}", "organization": {"login": "{org}"}}),
        Step("repos.createInOrg", {"name": "{new}"}, fails=422),
        Step(
            "repos.update", {"description": "an app", "has_wiki": False}, {"description": "an app", "has_wiki": False}
        ),
        Step("paginate repos.listForOrg", gives=Among({"name": "{new}"})),
        Step("repos.replaceAllTopics", {"names": ["one"]}, {"names": ["one"]}),
        Step("repos.getAllTopics", gives={"names": ["one"]}),
        Step("repos.enableVulnerabilityAlerts"),
        Step("repos.checkVulnerabilityAlerts"),
        Step("repos.disableVulnerabilityAlerts"),
        Step("repos.checkVulnerabilityAlerts", fails=404),
        Step("repos.delete"),
        Step("repos.get", fails=404),
    ],
    "organizations": [
        Step("orgs.get", gives={"login": "{org}", "type": "Organization"}),
        Step("orgs.get", {"org": "contract-no-such-org"}, fails=404),
    ],
    "templates": [
        REPOSITORY,
        Step("repos.update", {"is_template": True}, {"is_template": True}, {"template_owner": "owner.login"}),
        Step(
            "repos.createUsingTemplate",
            {"template_repo": "{new}", "owner": "{org}", "name": "{new}-2", "private": True},
            {"name": "{new}-2", "template_repository": {"name": "{new}"}},
            keeps={"repo": "name"},
            undo="repos.delete",
        ),
    ],
    "contents": [
        REPOSITORY,
        Step("repos.getContent", {"path": ""}, [{"path": "README.md", "type": "file"}]),
        Step("repos.getReadme", gives={"path": "README.md", "encoding": "base64"}),
        written("src/a.txt", "a"),
        Step("repos.getContent", {"path": "src/a.txt"}, {"sha": "{file_sha}", "content": "YQ==\n"}),
        Step("repos.getContent", {"path": "src"}, [{"sha": "{file_sha}", "name": "a.txt"}]),
        Step("git.getBlob", gives={"sha": "{file_sha}", "content": "YQ==\n", "size": 1}),
        Step("git.getCommit", gives={"message": "Add a file", "tree": {"sha": "{tree_sha}"}}),
        Step("git.getTree", gives={"tree": [{"path": "README.md"}, {"path": "src", "type": "tree"}]}),
        Step("repos.deleteFile", {"path": "src/a.txt", "message": "Remove it", "sha": "{file_sha}"}, {"content": None}),
        Step("repos.getContent", {"path": "src/a.txt"}, fails=404),
        Step("repos.listCommits", gives=[{"commit": {"message": "Remove it"}}, {"sha": "{commit_sha}"}, {"sha": bool}]),
    ],
    "git data": [
        REPOSITORY,
        TIP,
        Step("git.createBlob", {"content": "b"}, keeps={"file_sha": "sha"}),
        Step(
            "git.createTree",
            {"tree": [{"path": "b.txt", "mode": "100644", "type": "blob", "sha": "{file_sha}"}]},
            {"tree": [{"path": "b.txt", "sha": "{file_sha}", "size": 1}]},
            keeps={"tree_sha": "sha"},
        ),
        Step(
            "git.createCommit",
            {"message": "Another tree", "tree": "{tree_sha}", "parents": ["{sha}"]},
            {"message": "Another tree", "parents": [{"sha": "{sha}"}]},
            keeps={"commit_sha": "sha"},
        ),
        Step("git.createRef", {"ref": "refs/heads/topic", "sha": "{commit_sha}"}, {"ref": "refs/heads/topic"}),
        Step("git.createRef", {"ref": "refs/heads/topic", "sha": "{commit_sha}"}, fails=422),
        Step("git.listMatchingRefs", {"ref": "heads/to"}, [{"object": {"sha": "{commit_sha}"}}]),
        Step("git.updateRef", {"ref": "heads/topic", "sha": "{sha}"}, fails=422),
        Step("git.updateRef", {"ref": "heads/topic", "sha": "{sha}", "force": True}, {"object": {"sha": "{sha}"}}),
        Step("git.deleteRef", {"ref": "heads/topic"}),
        Step("git.getRef", {"ref": "heads/topic"}, fails=404),
    ],
    "pull requests": [
        REPOSITORY,
        TIP,
        Step("git.createRef", {"ref": "refs/heads/topic", "sha": "{sha}"}),
        written("src/a.txt", "a", branch="topic"),
        Step(
            "pulls.create",
            {"title": "Topic", "head": "topic", "base": "main"},
            {"state": "open", "head": {"sha": "{commit_sha}"}, "base": {"sha": "{sha}"}},
            keeps={"pull_number": "number", "issue_number": "number"},
        ),
        Step("pulls.list", gives=[{"number": "{pull_number}", "title": "Topic"}]),
        Step("pulls.get", gives={"mergeable": True, "commits": 1, "changed_files": 1}, patient=True),
        Step("pulls.update", {"title": "The topic"}, {"title": "The topic"}),
        Step("pulls.listCommits", gives=[{"sha": "{commit_sha}"}]),
        Step("pulls.listFiles", gives=[{"filename": "src/a.txt", "status": "added"}]),
        Step("issues.createComment", {"body": "one"}, {"body": "one"}, keeps={"comment_id": "id"}),
        Step("issues.updateComment", {"body": "two"}, {"body": "two"}),
        Step("issues.getComment", gives={"body": "two"}),
        Step("issues.listComments", gives=[{"id": "{comment_id}"}]),
        Step("issues.deleteComment"),
        Step("issues.getComment", fails=404),
        Step("pulls.checkIfMerged", fails=404),
        Step("pulls.merge", gives={"merged": True}),
        Step("pulls.checkIfMerged"),
        Step("pulls.merge", fails=405),
    ],
    "rulesets": [
        REPOSITORY,
        Step(
            "repos.createRepoRuleset",
            {
                "name": "kept",
                "enforcement": "active",
                "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
                "rules": [{"type": "deletion"}],
            },
            {"name": "kept", "target": "branch", "rules": [{"type": "deletion"}]},
            keeps={"ruleset_id": "id"},
        ),
        Step("repos.getBranchRules", {"branch": "main"}, [{"type": "deletion", "ruleset_id": "{ruleset_id}"}]),
        Step("repos.updateRepoRuleset", {"enforcement": "disabled"}, {"enforcement": "disabled"}),
        Step("repos.getRepoRuleset", gives={"name": "kept", "enforcement": "disabled"}),
        Step("repos.getRepoRulesets", gives=[{"id": "{ruleset_id}"}]),
        Step("repos.deleteRepoRuleset"),
        Step("repos.getRepoRuleset", fails=404),
    ],
    "issues": [
        REPOSITORY,
        Step(
            "issues.create",
            {"title": "Drift", "body": "one", "labels": ["drift"]},
            {"title": "Drift", "state": "open", "labels": [{"name": "drift"}]},
            keeps={"issue_number": "number"},
        ),
        Step("issues.get", gives={"body": "one", "state_reason": None}),
        Step("issues.listForRepo", {"labels": "drift"}, [{"number": "{issue_number}"}]),
        Step("issues.update", {"body": "two", "state": "closed"}, {"body": "two", "state_reason": "completed"}),
        Step("issues.listForRepo", {"state": "closed"}, [{"number": "{issue_number}"}]),
    ],
    "statuses": [
        REPOSITORY,
        TIP,
        Step("repos.createCommitStatus", {"state": "success", "context": "ci"}, {"state": "success", "context": "ci"}),
        Step("repos.listCommitStatusesForRef", {"ref": "main"}, [{"context": "ci", "creator": bool}]),
        Step("repos.getCombinedStatusForRef", {"ref": "main"}, {"state": "success", "sha": "{sha}", "total_count": 1}),
    ],
    "deployments": [
        REPOSITORY,
        Step(
            "repos.createDeployment",
            {"ref": "main", "environment": "preview", "description": "an app"},
            {"ref": "main", "environment": "preview", "description": "an app"},
            keeps={"deployment_id": "id"},
        ),
        Step("repos.getDeployment", gives={"id": "{deployment_id}", "task": "deploy"}),
        Step("repos.listDeployments", {"environment": "preview"}, [{"id": "{deployment_id}"}]),
        Step(
            "repos.createDeploymentStatus",
            {"state": "success", "environment_url": "https://example.com/"},
            {"state": "success", "environment_url": "https://example.com/"},
            keeps={"status_id": "id"},
        ),
        Step("repos.getDeploymentStatus", gives={"id": "{status_id}", "environment": "preview"}),
        Step("repos.listDeploymentStatuses", gives=[{"id": "{status_id}"}]),
        Step("repos.deleteDeployment"),
        Step("repos.getDeployment", fails=404),
    ],
    "dispatches": [REPOSITORY, Step("repos.createDispatchEvent", {"event_type": "go", "client_payload": {"a": 1}})],
    "identity tokens": [
        REPOSITORY,
        Step("actions.setCustomOidcSubClaimForRepo", {"use_default": False, "include_claim_keys": ["repo", "context"]}),
        Step(
            "actions.getCustomOidcSubClaimForRepo",
            gives={"use_default": False, "include_claim_keys": ["repo", "context"]},
        ),
    ],
    "rate limit": [Step("rateLimit.get", gives={"resources": {"core": {"limit": bool}}})],
    "commits": [
        REPOSITORY,
        Step("repos.listBranches", gives=[{"name": "main"}], keeps={"sha": "0.commit.sha"}, patient=True),
        Step("repos.getBranch", {"branch": "main"}, {"name": "main", "commit": {"sha": "{sha}"}}),
        Step("git.getRef", {"ref": "heads/main"}, {"ref": "refs/heads/main", "object": {"sha": "{sha}"}}),
        Step("repos.getCommit", {"ref": "main"}, {"sha": "{sha}", "files": [{"filename": "README.md"}]}),
        Step("repos.getCommit", {"ref": "none"}, fails=422),
    ],
    "secrets": [
        REPOSITORY,
        Step("actions.getRepoPublicKey", keeps={"key": "key", "key_id": "key_id"}),
        Step("actions.createOrUpdateRepoSecret", sealed),
        Step("actions.getRepoSecret", {"secret_name": "TOKEN"}, {"name": "TOKEN"}),
        Step("actions.listRepoSecrets", gives={"total_count": 1, "secrets": [{"name": "TOKEN"}]}),
        Step("actions.deleteRepoSecret", {"secret_name": "TOKEN"}),
        Step("actions.getRepoSecret", {"secret_name": "TOKEN"}, fails=404),
    ],
    "variables": [
        REPOSITORY,
        Step("actions.createRepoVariable", {"name": "APP_ID", "value": "a"}),
        Step("actions.updateRepoVariable", {"name": "APP_ID", "value": "b"}),
        Step("actions.getRepoVariable", {"name": "APP_ID"}, {"name": "APP_ID", "value": "b"}),
        Step("actions.listRepoVariables", gives={"total_count": 1, "variables": [{"value": "b"}]}),
        Step("actions.deleteRepoVariable", {"name": "APP_ID"}),
        Step("actions.getRepoVariable", {"name": "APP_ID"}, fails=404),
    ],
    "environments": [
        REPOSITORY,
        Step("repos.createOrUpdateEnvironment", {"environment_name": "production"}, {"name": "production"}),
        Step("repos.getEnvironment", {"environment_name": "production"}, {"protection_rules": []}),
        Step("repos.getAllEnvironments", gives={"environments": [{"name": "production"}]}),
        Step("repos.deleteAnEnvironment", {"environment_name": "production"}),
        Step("repos.getEnvironment", {"environment_name": "production"}, fails=404),
    ],
    "webhooks": [
        REPOSITORY,
        Step(
            "repos.createWebhook",
            {"config": {"url": "https://example.com/hook", "secret": "told-once"}, "events": ["push"]},
            {"active": True, "events": ["push"], "config": {"secret": "********"}},
            keeps={"hook_id": "id"},
        ),
        Step("repos.updateWebhook", {"events": ["push", "issues"]}, {"events": ["push", "issues"]}),
        Step("repos.getWebhook", gives={"id": "{hook_id}", "config": {"url": "https://example.com/hook"}}),
        Step("repos.listWebhooks", gives=[{"id": "{hook_id}"}]),
        Step("repos.deleteWebhook"),
        Step("repos.getWebhook", fails=404),
    ],
}

LOCAL_STEPS = {
    "deliveries": [
        REPOSITORY,
        Step("repos.createWebhook", {"config": {"url": "{nobody}"}, "events": ["push"]}, keeps={"hook_id": "id"}),
        Step("repos.pingWebhook"),
        Step("repos.testPushWebhook"),
        Step(
            "repos.listWebhookDeliveries",
            gives=[{"event": "push"}, {"event": "ping"}, {"event": "ping", "status": "failed to connect to host"}],
            keeps={"delivery_id": "0.id"},
            patient=True,
        ),
        Step(
            "repos.getWebhookDelivery",
            gives={"id": "{delivery_id}", "request": {"payload": {"ref": "refs/heads/main"}}},
        ),
        Step("repos.redeliverWebhookDelivery"),
    ],
    "what an organization allows": [
        Step("oidc.updateOidcCustomSubTemplateForOrg", {"include_claim_keys": ["repo", "context"]}),
        Step("oidc.getOidcCustomSubTemplateForOrg", gives={"include_claim_keys": ["repo", "context"]}),
        Step(
            "actions.setGithubActionsPermissionsOrganization",
            {"enabled_repositories": "all", "allowed_actions": "selected"},
        ),
        Step("actions.setAllowedActionsOrganization", {"github_owned_allowed": True, "patterns_allowed": ["a/*"]}),
        Step(
            "actions.getAllowedActionsOrganization", gives={"github_owned_allowed": True, "patterns_allowed": ["a/*"]}
        ),
        Step(
            "actions.setGithubActionsPermissionsOrganization", {"enabled_repositories": "all", "allowed_actions": "all"}
        ),
        Step("actions.getGithubActionsPermissionsOrganization", gives={"allowed_actions": "all"}),
        Step("actions.getAllowedActionsOrganization", fails=409),
    ],
}
"""What a live organization would not get back as it was, or nobody outside this machine can reach."""

WORKFLOW = """
on: [push, workflow_dispatch]
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - run: echo "told"
      - if: github.run_attempt == 2
        run: sleep 63
"""

LOCAL_STEPS["runs of workflows"] = [
    REPOSITORY,
    written(".github/workflows/ci.yml", WORKFLOW),
    Step(
        "actions.listWorkflowRunsForRepo",
        gives={"workflow_runs": [{"status": "completed", "conclusion": "success", "head_sha": "{commit_sha}"}]},
        keeps={"run_id": "workflow_runs.0.id", "workflow_id": "workflow_runs.0.workflow_id"},
        patient=True,
    ),
    Step("actions.getWorkflowRun", gives={"id": "{run_id}", "event": "push", "run_attempt": 1}),
    Step("actions.downloadWorkflowRunLogs"),
    Step("actions.downloadWorkflowRunAttemptLogs", {"attempt_number": 1}),
    Step("actions.listJobsForWorkflowRun", gives={"jobs": [{"name": "one"}]}, keeps={"job_id": "jobs.0.id"}),
    Step("actions.listJobsForWorkflowRunAttempt", {"attempt_number": 1}, {"jobs": [{"id": "{job_id}"}]}),
    Step("actions.getJobForWorkflowRun", gives={"run_id": "{run_id}", "conclusion": "success"}),
    Step("actions.downloadJobLogsForWorkflowRun", gives=lambda log: " told\n" in log),
    Step("actions.listRepoWorkflows", gives={"workflows": [{"id": "{workflow_id}", "state": "active"}]}),
    Step("actions.listWorkflowRuns", gives={"workflow_runs": [{"id": "{run_id}"}]}),
    Step("actions.reRunWorkflow"),
    Step("actions.cancelWorkflowRun"),
    Step("actions.getWorkflowRun", gives={"run_attempt": 2, "conclusion": "cancelled"}, patient=True),
    Step("actions.deleteWorkflowRun"),
    Step("actions.getWorkflowRun", fails=404),
    Step("actions.disableWorkflow"),
    Step("actions.getWorkflow", gives={"path": ".github/workflows/ci.yml", "state": "disabled_manually"}),
    Step("actions.createWorkflowDispatch", {"ref": "main"}, fails=422),
    Step("actions.enableWorkflow"),
    Step("actions.createWorkflowDispatch", {"ref": "main"}),
    Step("actions.listWorkflowRuns", gives={"workflow_runs": [{"event": "workflow_dispatch"}]}),
]

INSTALLATION = Step("apps.getOrgInstallation", gives={"account": {"login": "{org}"}}, keeps={"installation_id": "id"})
INSTALLED = Step(
    "apps.createInstallationAccessToken",
    {"repositories": ["{repo}"]},
    {"repository_selection": "selected", "repositories": [{"name": "{repo}"}]},
    keeps={"token": "token"},
)

APP_STEPS = {
    "the App": [
        Step("apps.getAuthenticated", gives={"slug": "local-overskill"}),
        INSTALLATION,
        Step("apps.listInstallations", gives=Among({"id": "{installation_id}"})),
        Step("apps.getInstallation", gives={"id": "{installation_id}", "app_slug": "local-overskill"}),
        Step("apps.getRepoInstallation", gives={"id": "{installation_id}"}),
        INSTALLED,
        Step("apps.listReposAccessibleToInstallation", gives={"total_count": 1, "repositories": [{"name": "{repo}"}]}),
        Step("apps.revokeInstallationAccessToken"),
        Step("apps.listReposAccessibleToInstallation", fails=401),
    ],
    "check runs": [
        INSTALLATION,
        INSTALLED,
        TIP,
        Step(
            "checks.create",
            {"name": "size", "head_sha": "{sha}", "status": "in_progress"},
            {"name": "size", "head_sha": "{sha}", "status": "in_progress", "conclusion": None},
            keeps={"check_run_id": "id", "check_suite_id": "check_suite.id"},
        ),
        Step(
            "checks.update",
            {
                "conclusion": "neutral",
                "output": {
                    "title": "Size",
                    "summary": "larger",
                    "annotations": [
                        {
                            "path": "README.md",
                            "start_line": 1,
                            "end_line": 1,
                            "annotation_level": "notice",
                            "message": "long",
                        }
                    ],
                },
            },
            {"status": "completed", "output": {"title": "Size", "annotations_count": 1}},
        ),
        Step("checks.get", gives={"id": "{check_run_id}", "conclusion": "neutral"}),
        Step("checks.listAnnotations", gives=[{"path": "README.md", "message": "long"}]),
        Step("checks.listForRef", {"ref": "main"}, {"check_runs": [{"id": "{check_run_id}"}]}),
        Step("checks.listSuitesForRef", {"ref": "main"}, {"check_suites": [{"id": "{check_suite_id}"}]}),
        Step("checks.getSuite", gives={"id": "{check_suite_id}", "conclusion": "neutral"}),
        Step("checks.listForSuite", gives={"check_runs": [{"id": "{check_run_id}"}]}),
    ],
}
"""By the App as itself, in a repository that is there: `owner` and `repo` are known, and `token` is the App's."""
