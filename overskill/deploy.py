"""A platform stack deployed: as planned, tried with an app, and undone at the one place that every request passes."""

from pathlib import Path

from overskill import smoke
from overskill.errors import CommandError
from overskill.progress import step
from overskill.rollout import give_back, serving_now
from overskill.session import check
from overskill.smoke import Probe
from overskill.stack_context import StackContext
from overskill.template.publish import publish


def plan(context: StackContext, file: Path) -> str:
    """Write the plan, and return what it does as Markdown. Raises `CommandError` with the engine's own words."""
    with step(f"Platform {context.stack}: pulumi preview") as running:
        outcome = context.engine.save_plan(context.stack, file.absolute())
        check(outcome, f"pulumi preview of stack {context.stack}")
        running.detail = outcome.summary()
    return f"### Plan of `{context.stack}`: {outcome.summary()}\n\n{outcome.diff()}"


def deploy(context: StackContext, plan: Path | None = None) -> list[Probe]:
    """Bring the platform up, by the plan if one is given, and try it; returns what has answered.

    Raises `CommandError` where the engine fails, or the smoke test does. If it is the latter and the dispatch Worker is
    a new version, that one gets no requests any more.
    """
    before = serving_now(context)
    context.up(plan.absolute() if plan else None)
    if context.config.overskill.template == "own":
        publish(context.project, context.config, context.credentials)
    try:
        return smoke.test(context, smoke.KNOWN_SECONDS if before else smoke.SECONDS)
    except CommandError as error:
        raise CommandError(f"{error}\n{_undo(context, before)}") from None


def _undo(context: StackContext, before: str | None) -> str:
    """What has been undone, or why nothing was."""
    if before is None:
        return "The dispatch Worker had no version before: nothing is undone."
    if serving_now(context) == before:
        return "The dispatch Worker is the version that it was before: nothing is undone."
    shares = give_back(context, before)
    return (
        f"The dispatch Worker is as it was before: {shares}. What else the deploy has changed stays. Mend it, and "
        f"deploy again without overskill:rollout in Pulumi.{context.stack}.yaml"
    )
