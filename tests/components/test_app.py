"""The app program under mocks: the graph of one app."""

import hashlib
import hmac

import pulumi
import pytest

STACK_OUTPUTS = {
    "accountId": "00000000000000000000000000000001",
    "namespaces": {app: f"overskill-development-{app}" for app in ("preview", "staging", "production")},
    "origins": {
        "domain": "overskill.localhost",
        "worker": "overskill-development-dispatch",
        "workers_dev": "overskill.workers.localhost",
        "scheme": "http",
        "port": 8788.0,
    },
    "template": "overskill/vite-wfp-template",
    "webhookBase": "http://127.0.0.1:8786/webhooks",
}
ROOT_SECRET = "planted-webhook-secret"
APP_SECRET = hmac.new(ROOT_SECRET.encode(), b"webhook:ultrathink", hashlib.sha256).hexdigest()


@pytest.fixture
def run_app(run_program, monkeypatch):
    monkeypatch.setenv("OVERSKILL_WEBHOOK_SECRET", ROOT_SECRET)

    def run(stack: str = "local.ultrathink", **config: str):
        own = {f"overskill-apps:{key}": value for key, value in config.items()}
        return run_program("app_stacks", stack, own, STACK_OUTPUTS)

    return run


def test_scripts(run_app):
    scripts = run_app(displayName="Ultra Think").of("NamespaceScript")
    assert {name: {k: v for k, v in inputs.items() if k != "__provider"} for name, inputs in scripts.items()} == {
        f"ultrathink-{app}": {
            "account_id": STACK_OUTPUTS["accountId"],
            "namespace": f"overskill-development-{app}",
            "script": script,
            "tags": ["app-ultrathink", f"environment-{app}"],
            "bindings": {"OVERSKILL_APP_NAME": "Ultra Think", "OVERSKILL_ENVIRONMENT": app},
        }
        for app, script in {
            "preview": "preview-ultrathink",
            "staging": "staging-ultrathink",
            "production": "ultrathink",
        }.items()
    }


def test_provider_is_pickled_by_reference(run_app):
    """By value it would put kilobytes into each state, and old code into each refresh."""
    for inputs in run_app().of("NamespaceScript").values():
        assert isinstance(inputs["__provider"], str)
        assert len(inputs["__provider"]) < 150


def test_repository(run_app):
    declared = run_app()
    repository = declared.of("Repository")["ultrathink"]
    assert repository["name"] == repository["description"] == "ultrathink"
    assert repository["template"] == {"owner": "overskill", "repository": "vite-wfp-template"}
    assert repository["visibility"] == "private"
    assert not (repository["hasIssues"] or repository["hasWiki"] or repository["hasProjects"])
    secret = declared.of("ActionsSecret")["ultrathink-webhook-secret"]
    assert (secret["repository"], secret["secretName"]) == ("ultrathink", "OVERSKILL_WEBHOOK_SECRET")
    webhook = declared.of("RepositoryWebhook")["ultrathink-webhook"]
    assert webhook["configuration"]["url"] == "http://127.0.0.1:8786/webhooks/github"
    assert webhook["events"] == ["deployment_status", "pull_request", "push", "workflow_run"]


def test_the_webhook_secret_is_the_apps_own_and_stays_secret(run_app):
    declared = run_app()
    secret = declared.of("ActionsSecret")["ultrathink-webhook-secret"]["value"]
    configuration = declared.of("RepositoryWebhook")["ultrathink-webhook"]["configuration"]
    assert (secret, configuration["secret"]) == (APP_SECRET, APP_SECRET)
    assert ROOT_SECRET not in repr([r.inputs for r in declared.resources])


def test_without_the_root_secret_nothing_is_declared(run_app, monkeypatch):
    monkeypatch.delenv("OVERSKILL_WEBHOOK_SECRET")
    with pytest.raises(pulumi.RunError, match="export the platform's webhook secret"):
        run_app()


@pytest.mark.parametrize("stack", ["local", "local.Bad_Name!", "local.www", "local.preview-x"])
def test_a_stack_without_a_good_app_id_is_refused(run_app, stack):
    with pytest.raises(pulumi.RunError, match="is refused"):
        run_app(stack)


def test_an_unknown_key_is_named(run_app):
    with pytest.raises(pulumi.RunError, match="overskill-apps:dispalyName"):
        run_app(dispalyName="Ultra Think")
