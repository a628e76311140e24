"""The platform stack's configuration: what is accepted, and what each offender is told."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from infra import config_schema
from infra.config import ConfigError, parse

ROOT = Path(__file__).parents[2]
STACKS = {path.name.split(".")[1]: path for path in ROOT.glob("Pulumi.*.yaml")}


def values(stack: str = "local", **changes: object) -> dict[str, object]:
    """The stack file's values, changed: a key maps to its new value, or to None to leave it out."""
    config = yaml.safe_load(STACKS[stack].read_text())["config"]
    config |= {key.replace("__", ":"): value for key, value in changes.items()}
    return {key: value for key, value in config.items() if value is not None}


def offenders(**changes: object) -> list[str]:
    with pytest.raises(ConfigError) as error:
        parse(values(**changes))
    return [line.strip() for line in str(error.value).splitlines()]


def test_the_three_stacks_are_there():
    assert {"local", "dev", "prod"} <= set(STACKS)


@pytest.mark.parametrize("stack", sorted(STACKS))
def test_each_committed_stack_is_good(stack):
    parse(values(stack))


def test_production_lives_on_cloudflare():
    config = parse(values("prod"))
    assert config.cloudflare.base_url is None
    assert config.github.base_url is None
    assert config.overskill.origins.subdomain_url("abc123") == "https://abc123.overskill.com/"
    assert config.overskill.protected
    assert config.template_repository == "overskill/vite-wfp-template"
    assert config.overskill.origins.path_url("abc123") == "https://overskill-dispatch.overskill.workers.dev/app/abc123/"


def test_a_structured_value_comes_as_json_from_the_engine():
    config = parse(values(overskill__edge='{"scheme": "http", "port": 99, "workersDevDomain": "workers.localhost"}'))
    assert config.overskill.origins.port == 99


def test_every_offender_is_named_at_once():
    assert offenders(
        overskill__prefix=None,
        overskill__domian="overskill.com",
        overskill__accountId="nope",
        overskill__edge={"scheme": "http", "port": "lots", "workersDevDomain": "workers.localhost"},
        overskil__prefix="overskill",
        github__ownr="overskill",
        cloudflare__apiToken="planted",
    ) == [
        "cloudflare:apiToken: credentials never live in the config; export CLOUDFLARE_API_TOKEN instead",
        "github:ownr: is not a key of this project; did you mean github:owner?",
        "overskil:prefix: no provider or project of this stack is called 'overskil'; is it mistyped?",
        "overskill:accountId: must be the Cloudflare account id: 32 hexadecimal digits (it is 'nope')",
        "overskill:domian: is not a key of this project; did you mean overskill:domain?",
        "overskill:edge.port: input should be a valid integer, unable to parse string as an integer (it is 'lots')",
        "overskill:prefix: is missing",
    ]


@pytest.mark.parametrize(
    ("changes", "offender"),
    [
        ({"overskill__prefix": "Over"}, "overskill:prefix: names every namespace and Worker"),
        ({"overskill__prefix": ["a"]}, "overskill:prefix: input should be a valid string"),
        ({"overskill__domain": "https://overskill.com"}, "overskill:domain: must be a lower-case host name"),
        ({"overskill__platformEnvironment": "prod"}, "overskill:platformEnvironment: input should be 'development'"),
        ({"overskill__workersDevSubdomain": "a.b"}, "overskill:workersDevSubdomain: must be one DNS label"),
        ({"overskill__githubOrganization": "a b"}, "overskill:githubOrganization: must be a GitHub user"),
        (
            {"overskill__templateRepository": "b"},
            "overskill:templateRepository: must be a GitHub repository with its own",
        ),
        ({"overskill__exemptHosts": ["a.b"]}, "overskill:exemptHosts.0: must be one DNS label"),
        ({"overskill__plans": {"Free": {}}}, "overskill:plans.Free.[key]: must be a plan's name"),
        ({"overskill__plans": {"free": {"cpuMs": 30_001}}}, "overskill:plans.free.cpuMs: input should be less than or"),
        (
            {"overskill__plans": {"free": {"egress": {"allow": ["*"]}}}},
            "overskill:plans.free.egress.allow.0: must be a low",
        ),
        ({"overskill__plans": {"free": {"cpu": 1}}}, "overskill:plans.free.cpu: is not a key of this project"),
        ({"overskill__certificate": {"kind": "some"}}, "overskill:certificate.kind: input should be 'universal'"),
        (
            {"overskill__rollout": {"stable": "1", "percentage": 5}},
            "overskill:rollout.stable: must be the id of a Worker's",
        ),
        (
            {"overskill__organizationSettings": {"allowedActions": ["x"]}},
            "overskill:organizationSettings.allowedActions.0",
        ),
        ({"overskill__appCacheSeconds": "0"}, "overskill:appCacheSeconds: input should be greater than or equal to 1"),
        ({"overskill__appCacheSeconds": 61}, "overskill:appCacheSeconds: input should be less than or equal to 60"),
        ({"overskill__redirectPaths": "maybe"}, "overskill:redirectPaths: input should be a valid boolean"),
        ({"overskill__parentCookies": "eat"}, "overskill:parentCookies: input should be 'keep' or 'drop'"),
        (
            {"overskill__previews": {"protect": ["production"]}},
            "overskill:previews.protect.0: input should be 'preview' or 'staging'",
        ),
        (
            {"overskill__previews": {"protect": ["preview"], "loginUrl": "/login"}},
            "overskill:previews.loginUrl: input should be a valid URL",
        ),
        ({"overskill__webhookBase": "overskill.com"}, "overskill:webhookBase: input should be a valid URL"),
        ({"overskill__edge": "{not json"}, "overskill:edge: Expecting property name"),
        ({"github__baseUrl": "http://127.0.0.1:8787"}, "github: baseUrl must end in /api/v3/"),
        ({"github__writeDelayMs": "soon"}, "github:writeDelayMs: input should be a valid integer"),
        ({"github__token": "planted"}, "github:token: credentials never live in the config; export GITHUB_TOKEN"),
    ],
)
def test_offender(changes, offender):
    (line,) = offenders(**changes)
    assert line.startswith(offender)
    assert "planted" not in line


DEEP = {"overskill__domain": "apps.overskill.com", "overskill__zone": "overskill.com", "overskill__edge": None}


@pytest.mark.parametrize(
    ("changes", "offender"),
    [
        (
            {"overskill__zone": "example.com"},
            "overskill:zone: domain overskill.localhost is not in zone example.com: its record and route would be",
        ),
        (
            DEEP,
            "overskill:certificate.kind: universal covers one level below zone overskill.com, so no browser would open "
            "*.apps.overskill.com: second-level hosts need an advanced certificate",
        ),
        (
            {**DEEP, "overskill__certificate": {"kind": "none"}, "overskill__customHostnames": "true"},
            "overskill:customHostnames: needs a zone of the domain's own: the route */* would take every host of zone "
            "overskill.com, and not only those of apps.overskill.com",
        ),
        (
            {"overskill__appEnvironments": ["preview"]},
            "overskill:appEnvironments: production is missing: no app would have an address without a prefix",
        ),
        (
            {"overskill__appEnvironments": ["production", "production"]},
            "overskill:appEnvironments: production is there twice: each is made once",
        ),
        (
            {"overskill__exemptHosts": ["www", "www"]},
            "overskill:exemptHosts: www is there twice: each is made once",
        ),
        (
            {"overskill__exemptHosts": ["shop"]},
            "overskill:exemptHosts: 'shop' could be an app's id, and that app's address would not reach it",
        ),
        (
            {"overskill__certificate": {"kind": "none", "hosts": ["overskill.localhost"]}},
            "overskill:certificate.hosts: says nothing to kind none: no certificate is ordered",
        ),
        (
            {"overskill__certificate": {"authority": "google"}},
            "overskill:certificate.authority: says nothing to kind universal: no certificate is ordered",
        ),
        (
            {"overskill__certificate": {"kind": "advanced", "hosts": ["overskill.localhost", "*.elsewhere.com"]}},
            "overskill:certificate.hosts: *.elsewhere.com not in zone overskill.localhost: no order is taken",
        ),
        (
            {"overskill__certificate": {"kind": "advanced", "hosts": ["*.overskill.localhost"]}},
            "overskill:certificate.hosts: overskill.localhost missing: Cloudflare takes no order without the zone",
        ),
        (
            {
                "overskill__certificate": {
                    "kind": "advanced",
                    "hosts": ["overskill.localhost", "*.overskill.localhost"]
                    + [f"a{number}.overskill.localhost" for number in range(49)],
                }
            },
            "overskill:certificate.hosts: 51 are too many: a certificate holds 50",
        ),
        (
            {"overskill__certificate": {"kind": "advanced", "authority": "lets_encrypt", "validityDays": 30}},
            "overskill:certificate.validityDays: lets_encrypt issues for 90 days, not for 30: the order would fail",
        ),
        (
            {"overskill__defaultPlan": "gold"},
            "overskill:defaultPlan: 'gold' is not among overskill:plans (free, pro): an app without a plan would",
        ),
        (
            {"overskill__redirectPaths": True, "overskill__urls": "path"},
            "overskill:redirectPaths: needs overskill:urls: subdomain (it is path): visitors would be sent away",
        ),
        (
            {"overskill__appEnvironments": ["production"], "overskill__previews": {"protect": ["preview", "staging"]}},
            "overskill:previews.protect: preview, staging is not among overskill:appEnvironments (production): there",
        ),
        (
            {"overskill__previews": {"loginUrl": "https://overskill.com/login"}},
            "overskill:previews.loginUrl: says nothing without overskill:previews.protect: nobody is sent there",
        ),
        (
            {"overskill__templateRepository": "acme/template"},
            "overskill:templateRepository: is made by the provider at github:owner, which is overskill and not acme",
        ),
        (
            {"overskill__template": "use", "overskill__adopt": ["template"]},
            "overskill:adopt: template is another stack's (overskill:template: use): two owners would undo each other",
        ),
    ],
)
def test_keys_that_do_not_go_together(changes, offender):
    assert any(line.startswith(offender) for line in offenders(**changes)), offenders(**changes)


def test_an_address_that_is_only_a_host_gets_no_slash():
    config = parse(
        values(overskill__webhookBase="https://hooks.overskill.com", overskill__apiBase="https://a.com/api/")
    )
    assert (config.overskill.webhook_base, config.overskill.api_base) == (
        "https://hooks.overskill.com",
        "https://a.com/api",
    )


def test_all_rules_are_told_at_once():
    broken = offenders(overskill__defaultPlan="gold", overskill__zone="example.com", overskill__exemptHosts=["shop"])
    assert [line.split(": ")[0] for line in broken] == [
        "overskill:defaultPlan",
        "overskill:exemptHosts",
        "overskill:zone",
    ]


def test_a_template_that_nobody_named_is_the_platforms_own():
    names = {parse(values(overskill__prefix=prefix)).template_repository for prefix in ("overskill", "acme")}
    assert names == {"overskill/overskill-app-template", "overskill/acme-app-template"}


@pytest.mark.parametrize(("protect", "protected"), [(None, False), ("true", True), (True, True), ("false", False)])
def test_protection_is_a_choice_outside_of_production(protect, protected):
    assert parse(values(overskill__protect=protect)).overskill.protected is protected


def test_the_schema_is_the_models():
    assert config_schema.FILE.read_text() == config_schema.text(), "run: python -m infra.config_schema"


def wrong_places(config: dict[str, object]) -> list[str]:
    return [error.json_path for error in SCHEMA.iter_errors({"config": config, "encryptionsalt": "v1:x"})]


SCHEMA = jsonschema.Draft202012Validator(json.loads(config_schema.FILE.read_text()))


@pytest.mark.parametrize("stack", sorted(STACKS))
def test_editors_accept_each_committed_stack_and_are_told_where_the_schema_is(stack):
    jsonschema.Draft202012Validator.check_schema(SCHEMA.schema)
    assert wrong_places(values(stack)) == []
    assert STACKS[stack].read_text().startswith("# yaml-language-server: $schema=infra/config.schema.json\n")


@pytest.mark.parametrize("changes", [{"github__writeDelayMs": 0}, {"overskill__protect": True}])
def test_editors_take_a_value_as_a_person_and_as_the_engine_writes_it(changes):
    ((key, value),) = changes.items()
    for written in (value, json.dumps(value)):
        assert wrong_places(values(**{key: written})) == []
        parse(values(**{key: written}))


@pytest.mark.parametrize(
    "changes",
    [
        {"github__writeDelayMs": "soon"},
        {"overskill__protect": "perhaps"},
        {"overskill__prefixx": "a"},
        {"overskill__prefix": "Over"},
        {"overskill__domain": None},
        {"overskill__plans": {"free": {"cpu": 1}}},
        {"overskill__exemptHosts": ["a.b"]},
        {"overskill__template": "mine"},
        {"overskill__appCacheSeconds": 61},
        {"overskill__previews": {"protect": ["production"]}},
        {"overskil__prefix": "a"},
    ],
)
def test_editors_refuse_what_the_program_refuses(changes):
    assert wrong_places(values(**changes)) != []
    assert offenders(**changes)
