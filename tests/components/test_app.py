"""The app program under mocks: the graph of one app."""

import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path

import pulumi
import pytest
import yaml
from conftest import plain, without_secrets
from graph import difference, graph_of
from pulumi.config import ConfigMissingError

from app_stacks.app import App
from app_stacks.app_data import AppData
from app_stacks.config import AppConfig
from app_stacks.hostname import AppHostname
from app_stacks.repository import AppRepository
from control_plane.apps import Declaration

GRAPHS = Path(__file__).parent / "graphs"
STACK_OUTPUTS = {
    "accountId": "00000000000000000000000000000001",
    "apiBase": "http://127.0.0.1:8786/api",
    "appStore": "app-store-id",
    "defaultPlan": "free",
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
    "oidcSubject": False,
    "plans": ["free", "pro"],
    "platformEnvironment": "development",
    "protected": False,
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

    def run(
        stack: str = "local.ultrathink",
        platform: dict[str, object] | None = None,
        encrypted: Sequence[str] = ("secrets", "cloudflareToken"),
        **config: object,
    ):
        own = {f"overskill-apps:{key}": value for key, value in config.items()}
        secret = [f"overskill-apps:{key}" for key in encrypted]
        return run_program("app_stacks", stack, own, STACK_OUTPUTS | (platform or {}), secret)

    return run


def test_declares(run_app):
    assert graph_of(run_app(displayName="Ultra Think")) == yaml.safe_load((GRAPHS / "app.yaml").read_text())


OPTIONS = yaml.safe_load((GRAPHS / "app_options.yaml").read_text())
CONFIG = OPTIONS["config"]
SECRETS = {"secrets": {"SUPABASE_KEY": "planted-key"}, "cloudflareToken": "planted-token"}


@pytest.mark.parametrize("case", CONFIG, ids=lambda case: "-".join(case["keys"]))
def test_an_option_changes_the_graph(run_app, case):
    changed = run_app(platform=case.get("platform"), **case["keys"])
    assert difference(graph_of(run_app()), graph_of(changed)) == case["changes"]


def test_with_every_option(run_app):
    keys = {key: value for case in CONFIG for key, value in case["keys"].items() if key != "appEnvironments"}
    platform = {"customerHosts": {"zoneId": "zone-1", "origin": "customers.overskill.localhost"}, "oidcSubject": True}
    declared = graph_of(run_app(platform=platform, **{**keys, "data": ["d1", "kv", "r2"]}))
    assert declared == yaml.safe_load((GRAPHS / "app_everything.yaml").read_text())


def test_every_token_is_of_one_kind_and_every_urn_of_one_resource(run_app):
    platform = {"customerHosts": {"zoneId": "zone-1", "origin": "customers.overskill.localhost"}}
    declared = run_app(platform=platform, data=["d1"], hostnames=["a.customer.com", "b.customer.com"])
    assert {token for token in declared.types if token.startswith("overskill:")} == {
        f"overskill:apps:{component.__name__}" for component in (App, AppData, AppHostname, AppRepository)
    }
    registered = [(resource.typ, resource.name) for resource in declared.resources]
    assert sorted(set(registered)) == sorted(registered)


def test_every_option_is_flipped():
    keys = {field.alias for field in AppConfig.model_fields.values()} - {"platformStack", "appId"} | {*SECRETS}
    assert keys - {key for case in CONFIG for key in case["keys"]} == set()


@pytest.mark.parametrize("case", OPTIONS["platform"], ids=lambda case: "-".join(case["outputs"]))
def test_what_the_platform_is_changes_the_graph(run_app, case):
    assert difference(graph_of(run_app()), graph_of(run_app(platform=case["outputs"]))) == case["changes"]


def test_what_there_was_keeps_its_urn(run_app):
    """Or a stack made before would have it replaced."""
    parents, urns = run_app().parents, set()
    for line in (GRAPHS / "app_urns.txt").read_text().splitlines():
        type_, _, name = line.partition("::")
        urns.add((tuple(type_.split("$")), name))
    assert urns <= parents


def test_the_control_plane_takes_the_declaration(run_app):
    """Whole, and without the texts of secrets; names of repositories may be taken by others, numbers may not."""
    told = run_app(**SECRETS, deployCredentials="token", displayName="Ultra Think", plan="pro", data=["d1"])
    declared = Declaration.model_validate(told.outputs["declaration"])
    assert (declared.app_id, declared.display_name, declared.plan) == ("ultrathink", "Ultra Think", "pro")
    assert (declared.repository, declared.repository_id) == ("owner/ultrathink", 7)
    assert declared.path_url == PATH
    production = declared.places["production"]
    assert (production.script, production.namespace) == ("ultrathink", "overskill-development-production")
    assert production.url == SUBDOMAIN
    assert "plan-pro" in production.tags
    bindings = {binding["name"]: binding for binding in production.bindings}
    assert bindings["SUPABASE_KEY"] == {"type": "secret_text", "name": "SUPABASE_KEY"}
    assert bindings["DB"] == {"type": "d1", "name": "DB", "id": "ultrathink-production-data-d1-id"}
    assert declared.places.keys() == {"preview", "staging", "production"}


def test_a_template_does_not_replace_a_repository(run_app):
    assert run_app().options["ultrathink"]["ignoreChanges"] == ["template", "hasDownloads"]


def test_no_secret_is_a_plain_input(run_app):
    """Neither the planted ones, nor the one that is derived for the app."""
    declared = run_app(**SECRETS, deployCredentials="token")
    told = repr([without_secrets(resource.inputs) for resource in declared.resources] + [declared.outputs])
    assert not [secret for secret in ("planted", APP_SECRET) if secret in told]
    shown = repr([plain(resource.inputs) for resource in declared.resources])
    assert all(secret in shown for secret in ("planted-key", "planted-token", APP_SECRET))


def test_no_two_apps_share_a_secret(run_app):
    """`ActionsSecret` and webhook have the same one, and another app another."""
    ours, theirs = (run_app(f"local.{app}").of("ActionsSecret") for app in ("ultrathink", "other"))
    assert ours["ultrathink-webhook-secret"]["value"] != theirs["other-webhook-secret"]["value"]


@pytest.mark.parametrize("key", SECRETS)
def test_a_secret_in_plain_text_is_refused(run_app, key):
    with pytest.raises(pulumi.RunError, match=f"overskill-apps:{key}: is there in plain text") as refused:
        run_app(encrypted=(), **{key: SECRETS[key]})
    assert "planted" not in str(refused.value)


def test_a_token_of_cloudflares_has_to_be_given(run_app):
    with pytest.raises(ConfigMissingError, match="overskill-apps:cloudflareToken"):
        run_app(deployCredentials="token")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"plan": "gold"}, "overskill-apps:plan: the platform's are free, pro"),
        ({"hostnames": ["shop.customer.com"]}, "set overskill:customHostnames there"),
        ({"variables": {"A": "1"}, "secrets": {"A": "2"}}, "A: a name stands for one variable"),
        ({"variables": {"DB": "1"}, "data": ["d1"]}, "DB: a name stands for one variable"),
        ({"variables": {"GITHUB_TOKEN": "1"}}, "not begin with GITHUB_"),
        ({"secrets": {"bad-name": "1"}}, r"overskill-apps:secrets\.0: .*must be of A-Z"),
        ({"services": ["Https://x"]}, r"overskill-apps:services\.0"),
    ],
)
def test_what_cannot_be_is_told(run_app, config, told):
    with pytest.raises(pulumi.RunError, match=told):
        run_app(**config)


def test_provider_is_pickled_by_reference(run_app):
    """By value it would put kilobytes into each state, and old code into each refresh."""
    for inputs in run_app().of("NamespaceScript").values():
        assert isinstance(inputs["__provider"], str)
        assert len(inputs["__provider"]) < 150


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
