"""`overskill app suspend NAME` and `overskill app resume NAME`: whether the dispatch Worker serves an app."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from control_plane.app_states import AppStates
from control_plane.app_store import AppState, AppStore, State
from infra.names import check_app_id
from overskill import control_plane_records
from overskill.errors import CommandError
from overskill.known_apps import require_app, told_of
from overskill.options import Stack
from overskill.project import LOCAL_STACK, Project
from overskill.stack_context import StackContext

VISITORS_GET: dict[State, str] = {
    "suspended": "403, This app is suspended",
    "over-quota": "429, This app takes a break",
    "legal": "451, Unavailable for legal reasons",
    "maintenance": "503, Back soon",
}
"""The status and the title of the page of `dispatch_worker/src/pages.js`."""

KV_SECONDS = 60
"""The most that Cloudflare's KV takes to show a change everywhere."""

Name = Annotated[str, typer.Argument(help="The app id.")]


def suspend(
    name: Name,
    *,
    reason: Annotated[str, typer.Option(help="Why, for whoever operates the platform; visitors never see it.")],
    state: Annotated[State, typer.Option(help="What visitors are told.")] = "suspended",
    until: Annotated[
        str,
        typer.Option(help="When it may be back (ISO 8601; UTC without an offset): told to clients, resumes nothing."),
    ] = "",
    stack: Stack = LOCAL_STACK,
) -> None:
    """Have the platform answer in an app's place, in every app environment."""
    context = StackContext(Project(), stack)
    now = datetime.now(UTC).replace(microsecond=0)
    wanted = AppState(state=state, reason=_reason(reason), since=now, until=_until(until, now))
    platform = context.config.overskill
    context.require()
    with AppStore.of(context.config, context.credentials) as store:
        require_app(store, platform, name, platform.app_environments)
        with control_plane_records.opened(context.project, stack) as database:
            before = AppStates(store, database).suspend(name, wanted, actor=control_plane_records.actor())
    if before:
        print(f"{name} was {before} since {before.since:%Y-%m-%d %H:%M} UTC; that is replaced.")
    print(f"{name} is {wanted}. Visitors get {VISITORS_GET[state]}, {_within(context)}; the reason is not shown.")
    print(f"Back: ./dev app resume {name}" + (f" --stack {stack}" if stack != LOCAL_STACK else ""))


def resume(name: Name, stack: Stack = LOCAL_STACK) -> None:
    """Have the dispatch Worker serve an app again."""
    check_app_id(name)
    context = StackContext(Project(), stack)
    context.require()
    with AppStore.of(context.config, context.credentials) as store:
        before = store.state(name)
        if not before:
            told = told_of(store.suspended(), name)
            print(f"{name} is not suspended: there is nothing to resume. Of suspended apps {told}")
            return
        with control_plane_records.opened(context.project, stack) as database:
            AppStates(store, database).resume(name, actor=control_plane_records.actor())
    print(f"{name} was {before} since {before.since:%Y-%m-%d %H:%M} UTC. It is served again, {_within(context)}.")


def _within(context: StackContext) -> str:
    """When a change is seen: the dispatch Worker relies for some seconds on what it knows."""
    seconds = context.config.overskill.app_cache_seconds + (0 if context.local else KV_SECONDS)
    return f"within {seconds} s at the latest"


def _reason(text: str) -> str:
    if not text.strip():
        raise CommandError("--reason is empty: say why, for whoever looks at ./dev app list later")
    return text.strip()


def _until(text: str, now: datetime) -> datetime | None:
    if not text:
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--until {text!r} is no time: write it like 2026-12-24 or 2026-12-24T18:00:00Z") from None
    until = (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
    if until <= now:
        raise CommandError(f"--until {text!r} is over: it is {now:%Y-%m-%dT%H:%M:%SZ}")
    return until
