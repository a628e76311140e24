"""The dispatch Worker's versions: a new one for some of the requests, and back to the one before.

What is rolled out is the stack file's `overskill:rollout`. The version that serves now is read from Cloudflare's own
list of deployments, the newest first.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app_stacks.cloudflare_api import CloudflareApi, base_url
from infra.platform_config import Rollout
from overskill.errors import CommandError
from overskill.progress import step
from overskill.session import check
from overskill.stack_context import StackContext

KEY = "overskill:rollout"
DEPLOYMENT = "**::dispatcher-deployment"
"""The URN of the dispatch Worker's deployment, in any stack."""


def roll_out(context: StackContext, percentage: int) -> str:
    """Give the program's version of the dispatch Worker `percentage` of the requests; returns what runs then."""
    if percentage == 100:
        return _apply(context, None)
    rollout = context.config.overskill.rollout
    stable = rollout.stable if rollout else serving(_deployments(context))
    return _apply(context, Rollout(stable=stable, percentage=percentage))


def roll_back(context: StackContext) -> str:
    """Give every request to the version before the newest; returns what runs then.

    In the middle of a rollout that is the stable one, otherwise the one that was deployed before. Nothing else of the
    stack is touched, whatever the checkout has changed: this is for an emergency.
    """
    rollout = context.config.overskill.rollout
    stable = rollout.stable if rollout else previous(_deployments(context))
    return give_back(context, stable)


def serving_now(context: StackContext) -> str | None:
    """The version with the largest share now; None where none has been deployed."""
    deployments = _deployments(context)
    return serving(deployments) if deployments else None


def give_back(context: StackContext, version: str) -> str:
    """Give every request to a version that served before, and touch nothing else; returns what runs then."""
    return _apply(context, Rollout(stable=version, percentage=0), target=DEPLOYMENT)


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


def _deployments(context: StackContext) -> Sequence[Mapping[str, Any]]:
    config = context.config
    token = context.credentials.get("CLOUDFLARE_API_TOKEN", "")
    with CloudflareApi(token, base_url(config.cloudflare.base_url)) as api:
        return api.deployments(config.overskill.account_id, config.overskill.origins.worker)


def _apply(context: StackContext, rollout: Rollout | None, target: str = "") -> str:
    """Write the key, and bring the stack, or its `target` alone, to it. What fails leaves the file as it was."""
    _write(context, rollout)
    try:
        with step(f"Platform {context.stack}: pulumi up") as running:
            outcome = context.engine.up(context.stack, target=target)
            check(outcome, f"pulumi up of stack {context.stack}")
            running.detail = outcome.summary()
    except CommandError:
        _write(context, context.config.overskill.rollout)
        raise
    shares = _deployments(context)[0]["versions"]
    return ", ".join(f"version {share['version_id']} {share['percentage']:g}%" for share in shares)


def _write(context: StackContext, rollout: Rollout | None) -> None:
    """Write the key into the stack file, by the engine, which leaves the rest of the file as it is."""
    if rollout is None:
        context.engine.capture("config", "rm", KEY, "--stack", context.stack)
        return
    values = rollout.model_dump(by_alias=True)
    pairs = [word for name, value in values.items() for word in ("--plaintext", f"{KEY}.{name}={value}")]
    context.engine.capture("config", "set-all", "--path", *pairs, "--stack", context.stack)
