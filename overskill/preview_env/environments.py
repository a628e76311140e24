"""The platforms of pull requests beside one that they are copies of: made, listed, taken away.

Which there are, and since when, the engine's own list of stacks tells: there is no other record that could differ.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from infra.names import PullRequestPlatform
from overskill import smoke
from overskill.engine import Outcome
from overskill.errors import CommandError
from overskill.fleet.platform import Platform
from overskill.fleet.projects import app_ids_in_fleet
from overskill.preview_env import stack_file
from overskill.progress import step
from overskill.recovery import take_down
from overskill.session import check
from overskill.smoke import Probe
from overskill.stack_context import StackContext
from overskill.template.publish import publish


@dataclass(frozen=True)
class Preview:
    """One that there is. `updated` is when it was last brought up, None if it never was to an end."""

    pull_request: PullRequestPlatform
    updated: datetime | None
    resources: int

    def expired(self, ttl: timedelta, now: datetime) -> bool:
        return self.updated is None or self.updated + ttl <= now


class PreviewEnvironments:
    """Those that copy the stack of `base`. Every method raises `CommandError` for what its user can mend."""

    def __init__(self, base: StackContext) -> None:
        self.base = base
        self.project = base.project
        self.limits = base.config.overskill.preview_stacks
        self.ttl = timedelta(hours=self.limits.ttl_hours)

    def all(self) -> list[Preview]:
        """The oldest pull request first."""
        listed = json.loads(self.base.engine.capture("stack", "ls", "--json"))
        found = [preview for stack in listed if (preview := _preview(stack))]
        return sorted(found, key=lambda preview: preview.pull_request.number)

    def up(self, pull_request: PullRequestPlatform) -> tuple[Outcome, list[Probe]]:
        """Bring it up and try it with an app; what the run has changed, and what has answered."""
        before = self.all()
        known = any(preview.pull_request == pull_request for preview in before)
        if not known and len(before) >= self.limits.most:
            raise CommandError(self._full(before))
        stack_file.write(self.project, self.base.stack, pull_request)
        context = self._context(pull_request)
        if not known:
            context.engine.make(pull_request.stack)
        outcome = context.up()
        publish(self.project, context.config, context.credentials)
        return outcome, smoke.test(context)

    def down(self, pull_request: PullRequestPlatform) -> bool:
        """Take it away with its apps and their repositories; whether there was one."""
        if not any(preview.pull_request == pull_request for preview in self.all()):
            return False
        file = stack_file.write(self.project, self.base.stack, pull_request)
        context, stack = self._context(pull_request), pull_request.stack
        builder = smoke.builder(context)
        clouds = Platform.of(self.project, stack).clouds()
        here = {*self.project.app_ids(stack), *app_ids_in_fleet(self.project, stack)}
        for app_id in sorted({smoke.app_of(context), *here}):
            with step(f"App {app_id}: pulumi destroy"):
                builder.destroy(app_id)
                clouds.delete_archived(app_id)
        with step(f"Platform {stack}: pulumi destroy") as running, self.project.marked_run(stack) as unfinished:
            outcome = take_down(context.engine, stack, unfinished=unfinished)
            check(outcome, f"pulumi destroy of stack {stack}")
            running.detail = outcome.summary()
        file.unlink(missing_ok=True)
        return True

    def sweep(self, is_open: Callable[[int], bool], now: datetime | None = None) -> Iterator[tuple[Preview, str]]:
        """Take away what is over its time, or whose pull request is not `is_open` any more; each, and why.

        One that cannot be taken away stops none of the others: they are told at the end.
        """
        failures = []
        for preview in self.all():
            number = preview.pull_request.number
            if preview.expired(self.ttl, now or datetime.now(UTC)):
                why = f"not brought up for {self.limits.ttl_hours} hours"
            elif not is_open(number):
                why = f"pull request {number} is closed"
            else:
                continue
            try:
                self.down(preview.pull_request)
            except CommandError as error:
                failures.append(f"{preview.pull_request.stack} ({why}): {error}")
            else:
                yield preview, why
        if failures:
            raise CommandError("\n".join(failures))

    def _context(self, pull_request: PullRequestPlatform) -> StackContext:
        return StackContext(self.project, pull_request.stack)

    def _full(self, before: list[Preview]) -> str:
        stacks = ", ".join(preview.pull_request.stack for preview in before)
        oldest = min(before, key=lambda preview: preview.updated or datetime.min.replace(tzinfo=UTC))
        return (
            f"there are {len(before)} platforms of pull requests ({stacks}), and overskill:previewStacks.most in "
            f"Pulumi.{self.base.stack}.yaml allows {self.limits.most}: take one away, such as the one that waits "
            f"longest: ./dev stack preview-env down {oldest.pull_request.number} --from {self.base.stack}"
        )


def _preview(stack: dict[str, object]) -> Preview | None:
    """Of an entry of `pulumi stack ls --json`, which names a stack with its organisation where that is another one."""
    pull_request = PullRequestPlatform.of_stack(str(stack["name"]).rpartition("/")[2])
    if pull_request is None:
        return None
    updated = stack.get("lastUpdate")
    at = datetime.fromisoformat(str(updated)) if updated and updated != "n/a" else None
    return Preview(pull_request, at, int(str(stack.get("resourceCount") or 0)))
