"""GitHub's calls through GitHub's own client for Node."""

import json
import os
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from client_steps import Among, RefusedError, Step, play
from nacl.public import PublicKey, SealedBox

PROGRAM = Path(__file__).parents[1] / "clients" / "octokit.js"

REPOSITORY = Step(
    "repos.createInOrg",
    {"name": "{new}", "private": True, "auto_init": True},
    {"full_name": "{org}/{new}", "private": True, "default_branch": "main"},
    keeps={"owner": "owner.login", "repo": "name"},
    undo="repos.delete",
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


@pytest.fixture(scope="module")
def invoke(gh, test_packages):
    if not test_packages:
        pytest.skip("OVERSKILL_TEST_PACKAGES names no folder")
    environment = {
        "PATH": os.environ["PATH"],
        "OVERSKILL_TEST_PACKAGES": str(test_packages),
        "GITHUB_API": f"{str(gh.client.base_url).rstrip('/')}{gh.root}",
        "GITHUB_TOKEN": gh.token,
    }
    pipe = subprocess.PIPE
    with subprocess.Popen(["node", PROGRAM], env=environment, stdin=pipe, stdout=pipe, text=True) as process:

        def invoked(call: str, given: Mapping[str, Any], names: Mapping[str, Any]) -> Any:
            process.stdin.write(json.dumps({"call": call, "given": given, "names": names}) + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            if answer["status"] >= 400:
                raise RefusedError(answer["status"])
            return answer["data"]

        yield invoked
        process.stdin.close()


@pytest.fixture
def names(gh, name, nobody):
    return {"org": gh.names["org"], "new": name, "nobody": nobody}


@pytest.mark.parametrize("subject", STEPS)
def test_calls(invoke, names, cleanup, subject):
    play(STEPS[subject], names, invoke, cleanup)


@pytest.mark.parametrize("subject", LOCAL_STEPS)
def test_calls_for_this_machine_alone(local, invoke, names, cleanup, subject):
    play(LOCAL_STEPS[subject], names, invoke, cleanup)
