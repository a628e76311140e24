"""The engine's word on apps: a refresh of each one's stack that changes nothing, some at a time."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from overskill.drift.findings import Change, changes
from overskill.engine import NO_SUCH_STACK, Engine
from overskill.errors import CommandError
from overskill.fleet.platform import Platform
from overskill.fleet.projects import home
from overskill.locks import living_holder

Answer = list[Change] | CommandError | None
"""None: the stack is being changed."""


def engine_of(platform: Platform, app_id: str) -> Engine:
    """Where the app's stack is."""
    return platform.engine(home(platform.project, app_id, platform.app_stack(app_id)))


def examiner(platform: Platform, workers: int) -> Callable[[Sequence[str]], Iterator[tuple[str, Answer]]]:
    """As `sweep.Examine`."""

    def one(app_id: str) -> tuple[str, Answer]:
        try:
            return app_id, _changes(platform, app_id)
        except CommandError as error:
            return app_id, error

    def all_of(app_ids: Sequence[str]) -> Iterator[tuple[str, Answer]]:
        with ThreadPoolExecutor(workers) as threads:
            yield from threads.map(one, app_ids)

    return all_of


def _changes(platform: Platform, app_id: str) -> list[Change] | None:
    """Raises `CommandError` where the engine cannot tell."""
    stack = platform.app_stack(app_id)
    engine = engine_of(platform, app_id)
    if living_holder(engine, stack):
        return None
    outcome = engine.preview_refresh(stack)
    if outcome.code == NO_SUCH_STACK:
        raise CommandError(
            f"the control plane has a record of app {app_id}, and there is no stack {stack}: it was made, or is "
            "gone, elsewhere; ./dev app create or a fleet's file makes it again"
        )
    if not outcome.ok:
        raise CommandError(outcome.failure())
    return changes(outcome.results)
