"""The environment that the builder is given."""

import shlex
from pathlib import Path

import yaml

from infra.config import StackConfig, parse
from overskill.builder_environment import EVENTS_SECRET, SECRETS, lines

ROOT = Path(__file__).parents[2]
GIVEN = {name: f"planted {name}\nsecond line" for name in SECRETS}


def config(stack: str) -> StackConfig:
    return parse(yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"])


def test_the_names_are_those_that_the_builder_uses():
    assert list(lines(config("prod"), {}, show_secrets=False)) == [
        "CLOUDFLARE_ACCOUNT_ID=e03523c149209369c46ebc10b8a30b43",
        "WFP_NAMESPACE_PREVIEW=overskill-production-preview",
        "WFP_NAMESPACE_STAGING=overskill-production-staging",
        "WFP_NAMESPACE_PRODUCTION=overskill-production-production",
        "WFP_DISPATCH_DOMAIN=overskill.workers.dev",
        "GITHUB_ORG=overskill-apps",
        "GITHUB_TEMPLATE_REPO=vite-wfp-template",
        "GITHUB_APP_ID=1815066",
        "GITHUB_CLIENT_ID=Iv23linLjuIIrIXD6pC7",
        "OVERSKILL_API_BASE=https://overskill.com/api",
        "OVERSKILL_WEBHOOK_BASE=https://overskill.com/webhooks",
        "# OVERSKILL_BILLING_KEY: follows from OVERSKILL_WEBHOOK_SECRET",
        *(f"# {name} is not set in this environment" for name in (*SECRETS, EVENTS_SECRET)),
    ]


def test_secrets_are_shown_only_when_asked_for():
    hidden = "\n".join(lines(config("prod"), GIVEN, show_secrets=False))
    assert "planted" not in hidden
    assert "whsec_" not in hidden
    shown = "\n".join(lines(config("prod"), GIVEN, show_secrets=True))
    read = dict(word.split("=", 1) for word in shlex.split(shown, comments=True))
    assert {name: read[name] for name in SECRETS} == GIVEN
    assert read[EVENTS_SECRET].startswith("whsec_")


def test_the_local_clouds_own_app_is_named_where_the_stack_names_none():
    printed = list(lines(config("local"), {"GITHUB_APP_ID": "7", "GITHUB_CLIENT_ID": ""}, show_secrets=False))
    assert "GITHUB_APP_ID=7" in printed
    assert "# GITHUB_CLIENT_ID: set overskill:githubApp in the stack's file" in printed
