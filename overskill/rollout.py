"""The dispatch Worker's versions: a new one for some of the requests, and back to the one before.

What is rolled out is the stack file's `overskill:rollout`. The version that serves now is read from Cloudflare's own
list of deployments, the newest first.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app_stacks.cloudflare_api import CloudflareApi
from infra.config import StackConfig
from overskill.errors import CommandError
from overskill.progress import step
from overskill.session import check
from overskill.stack_context import StackContext

KEY = "overskill:rollout"


def roll_out(context: StackContext, percentage: int) -> str:
    """Give the program's version of the dispatch Worker `percentage` of the requests; returns what runs then."""
    if percentage == 100:
        _set(context, None)
    else:
        rollout = context.config.overskill.rollout
        stable = rollout.stable if rollout else serving(_deployments(context))
        _set(context, {"stable": stable, "percentage": percentage})
    return _up(context)


def roll_back(context: StackContext) -> str:
    """Give every request to the version before the newest; returns what runs then.

    In the middle of a rollout that is the stable one, otherwise the one that was deployed before.
    """
    rollout = context.config.overskill.rollout
    stable = rollout.stable if rollout else previous(_deployments(context))
    _set(context, {"stable": stable, "percentage": 0})
    return _up(context)


def serving(deployments: Sequence[Mapping[str, Any]]) -> str:
    """The version with the largest share now. Raises `CommandError` where nothing has been deployed."""
    if not deployments:
        raise CommandError("the dispatch Worker has never been deployed: bring the platform up first")
    return max(deployments[0]["versions"], key=lambda share: share["percentage"])["version_id"]


def previous(deployments: Sequence[Mapping[str, Any]]) -> str:
    """The newest version that served before the one that serves now. Raises `CommandError` where there was none."""
    now = serving(deployments)
    for deployment in deployments[1:]:
        if (before := serving([deployment])) != now:
            return before
    raise CommandError(f"there is no version before {now}: the dispatch Worker has been deployed once")


def _deployments(context: StackContext) -> list[Mapping[str, Any]]:
    config: StackConfig = context.config
    base_url = str(config.cloudflare.base_url) if config.cloudflare.base_url else None
    with CloudflareApi(context.credentials.get("CLOUDFLARE_API_TOKEN", ""), base_url) as api:
        return api.deployments(config.overskill.account_id, config.overskill.origins.worker)


def _set(context: StackContext, rollout: Mapping[str, Any] | None) -> None:
    """Write the key into the stack file, by the engine, which leaves the rest of the file as it is."""
    if rollout is None:
        context.engine.capture("config", "rm", KEY, "--stack", context.stack)
        return
    pairs = [word for name, value in rollout.items() for word in ("--plaintext", f"{KEY}.{name}={value}")]
    context.engine.capture("config", "set-all", "--path", *pairs, "--stack", context.stack)


def _up(context: StackContext) -> str:
    with step(f"Platform {context.stack}: pulumi up") as running:
        outcome = context.engine.up(context.stack)
        check(outcome, f"pulumi up of stack {context.stack}")
        running.detail = outcome.summary()
    shares = _deployments(context)[0]["versions"]
    return ", ".join(f"version {share['version_id']} {share['percentage']:g}%" for share in shares)
