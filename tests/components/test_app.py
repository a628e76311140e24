"""The app program under mocks: the graph of one app."""

import hashlib
import hmac

import pulumi
import pytest

from app_stacks.namespace_script import COMPATIBILITY_DATE

STACK_OUTPUTS = {
    "accountId": "00000000000000000000000000000001",
    "apiBase": "http://127.0.0.1:8786/api",
    "appStore": "app-store-id",
    "dispatcherVersion": "version-id",
    "githubOrganization": "overskill-apps",
    "namespaces": {app: f"overskill-development-{app}" for app in ("preview", "staging", "production")},
    "origins": {
        "domain": "overskill.localhost",
        "worker": "overskill-development-dispatch",
        "workers_dev": "overskill.workers.localhost",
        "scheme": "http",
        "port": 8788.0,
    },
    "template": "overskill/vite-wfp-template",
    "urls": "subdomain",
    "usageDataset": "overskill_development_usage",
    "webhookBase": "http://127.0.0.1:8786/webhooks",
}
ROOT_SECRET = "planted-webhook-secret"
APP_SECRET = hmac.new(ROOT_SECRET.encode(), b"webhook:ultrathink", hashlib.sha256).hexdigest()


@pytest.fixture
def run_app(run_program, monkeypatch):
    monkeypatch.setenv("OVERSKILL_WEBHOOK_SECRET", ROOT_SECRET)

    def run(stack: str = "local.ultrathink", platform: dict[str, object] | None = None, **config: object):
        own = {f"overskill-apps:{key}": value for key, value in config.items()}
        return run_program("app_stacks", stack, own, STACK_OUTPUTS | (platform or {}))

    return run


def test_scripts(run_app):
    scripts = run_app(displayName="Ultra Think").of("NamespaceScript")
    assert {name: {k: v for k, v in inputs.items() if k != "__provider"} for name, inputs in scripts.items()} == {
        f"ultrathink-{app}": {
            "account_id": STACK_OUTPUTS["accountId"],
            "namespace": f"overskill-development-{app}",
            "script": script,
            "tags": ["app-ultrathink", f"environment-{app}"],
            "bindings": {
                "OVERSKILL_APP_NAME": {"type": "plain_text", "name": "OVERSKILL_APP_NAME", "text": "Ultra Think"},
                "OVERSKILL_ENVIRONMENT": {"type": "plain_text", "name": "OVERSKILL_ENVIRONMENT", "text": app},
            },
            "compatibility_date": COMPATIBILITY_DATE,
            "compatibility_flags": [],
            "observability": True,
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


SUBDOMAIN = "http://ultrathink.overskill.localhost:8788/"
PATH = "http://overskill-development-dispatch.overskill.workers.localhost:8788/app/ultrathink/"


@pytest.mark.parametrize(("kind", "url"), [("subdomain", SUBDOMAIN), ("path", PATH)])
def test_the_platform_says_which_url_is_the_default_and_the_other_stays(run_app, kind, url):
    outputs = run_app(platform={"urls": kind}).outputs
    assert outputs["url"] == url
    assert (outputs["urls"]["production"], outputs["pathUrl"]) == (SUBDOMAIN, PATH)


def test_an_app_may_have_fewer_environments(run_app):
    declared = run_app(appEnvironments=["production"])
    assert list(declared.of("NamespaceScript")) == ["ultrathink-production"]


@pytest.mark.parametrize(
    ("environments", "told"),
    [
        (["preview"], "production is missing"),
        (["production", "staging"], "the platform has no app environment staging"),
    ],
)
def test_app_environments_that_cannot_be(run_app, environments, told):
    platform = {"namespaces": {"production": "overskill-development-production"}}
    with pytest.raises(pulumi.RunError, match=told):
        run_app(platform=platform, appEnvironments=environments)


def test_a_platform_stack_that_is_not_up_is_named_with_the_way_out(run_program, monkeypatch):
    monkeypatch.setenv("OVERSKILL_WEBHOOK_SECRET", ROOT_SECRET)
    with pytest.raises(
        pulumi.RunError, match=r"platform stack local lacks these outputs: accountId, .*pulumi up -s local"
    ):
        run_program("app_stacks", "local.ultrathink", {}, {})
