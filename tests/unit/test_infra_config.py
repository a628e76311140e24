"""The platform stack's configuration: what is accepted, and what each offender is told."""

from pathlib import Path

import pytest
import yaml

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
        "github:ownr: is not a key of this project; is it mistyped?",
        "overskil:prefix: no provider or project of this stack is called 'overskil'; is it mistyped?",
        "overskill:accountId: must be the Cloudflare account id: 32 hexadecimal digits",
        "overskill:domian: is not a key of this project; is it mistyped?",
        "overskill:edge.port: input should be a valid integer, unable to parse string as an integer (it is 'lots')",
        "overskill:prefix: is missing",
    ]


@pytest.mark.parametrize(
    ("changes", "offender"),
    [
        ({"overskill__prefix": "Over"}, "overskill:prefix: names every namespace and Worker"),
        ({"overskill__prefix": ["a"]}, "overskill:prefix: input should be a valid string"),
        ({"overskill__domain": "https://overskill.com"}, "overskill:domain: must be a lower-case host name"),
        ({"overskill__zone": "example.com"}, "overskill: domain overskill.localhost is not in zone example.com"),
        ({"overskill__platformEnvironment": "prod"}, "overskill:platformEnvironment: input should be 'development'"),
        ({"overskill__workersDevSubdomain": "a.b"}, "overskill:workersDevSubdomain: must be one DNS label"),
        ({"overskill__githubOrganization": "a b"}, "overskill:githubOrganization: must be a GitHub user"),
        ({"overskill__templateRepository": "a/b"}, "overskill:templateRepository: must be a GitHub repository name"),
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
