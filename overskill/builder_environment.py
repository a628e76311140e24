"""The environment of the builder, the Rails app that writes the apps, by its own names: what `overskill env` prints."""

import shlex
from collections.abc import Iterator, Mapping

from control_plane.billing.signing import public_key
from infra.config import StackConfig
from infra.credentials import ROOT_VARIABLE, events_secret

SECRETS = ("CLOUDFLARE_API_TOKEN", "GITHUB_CLIENT_SECRET", "GITHUB_PRIVATE_KEY", ROOT_VARIABLE)
EVENTS_SECRET = "OVERSKILL_EVENTS_SECRET"  # noqa: S105 - its name
"""Signs the events that the builder is sent; derived, so it is in no environment but the builder's."""
BILLING_KEY = "OVERSKILL_BILLING_KEY"
"""Checks the signatures of closed months; public."""


def plain_values(config: StackConfig, credentials: Mapping[str, str]) -> dict[str, str]:
    """What may be read by anybody. The GitHub App is the stack's, or else the one that `credentials` name."""
    platform = config.overskill
    origins, app = platform.origins, platform.github_app
    return {
        "CLOUDFLARE_ACCOUNT_ID": platform.account_id,
        **{f"WFP_NAMESPACE_{app_environment.upper()}": name for app_environment, name in platform.namespaces.items()},
        "WFP_DISPATCH_DOMAIN": origins.workers_dev + (f":{origins.port}" if origins.port else ""),
        "GITHUB_ORG": platform.github_organization,
        "GITHUB_TEMPLATE_REPO": config.template_repository.partition("/")[2],
        "GITHUB_APP_ID": str(app.id) if app else credentials.get("GITHUB_APP_ID", ""),
        "GITHUB_CLIENT_ID": app.client_id if app else credentials.get("GITHUB_CLIENT_ID", ""),
        "OVERSKILL_API_BASE": platform.api_base,
        "OVERSKILL_WEBHOOK_BASE": platform.webhook_base,
    }


def lines(config: StackConfig, credentials: Mapping[str, str], *, show_secrets: bool) -> Iterator[str]:
    """`NAME=value` for a shell or a `.env` file; a comment for what isn't known, and for secrets that stay hidden."""
    for name, value in plain_values(config, credentials).items():
        yield f"{name}={shlex.quote(value)}" if value else f"# {name}: set overskill:githubApp in the stack's file"
    root = credentials.get(ROOT_VARIABLE)
    yield f"{BILLING_KEY}={public_key(root)}" if root else f"# {BILLING_KEY}: follows from {ROOT_VARIABLE}"
    derived = {EVENTS_SECRET: events_secret(root) if root else ""}
    for name, secret in ({name: credentials.get(name) for name in SECRETS} | derived).items():
        if not secret:
            yield f"# {name} is not set in this environment"
        else:
            yield f"{name}={shlex.quote(secret)}" if show_secrets else f"# {name}: shown with --show-secrets"
