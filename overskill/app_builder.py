"""What runs the engine for the control plane: an app's stack is where the fleet would have it."""

from dataclasses import dataclass
from functools import cached_property

from control_plane.apps import Declaration
from overskill import app_stack_file
from overskill.engine import Engine
from overskill.fleet.platform import Platform
from overskill.fleet.projects import StackHome, home
from overskill.project import Project
from overskill.recovery import bring_up, take_down
from overskill.session import check
from overskill.toolchain.providers import Mode


@dataclass(frozen=True)
class EngineBuilder:
    """A `control_plane.state.Builder` for one platform stack. Raises `CommandError` where the engine fails."""

    project: Project
    stack: str
    providers: Mode | None = None

    @cached_property
    def _platform(self) -> Platform:
        return Platform.of(self.project, self.stack, self.providers)

    def has(self, app_id: str) -> bool:
        return home(self.project, app_id, f"{self.stack}.{app_id}").file.exists()

    def create(self, app_id: str, options: dict[str, object]) -> Declaration:
        """What is encrypted in the stack's file stays."""
        stack, place, engine = self._opened(app_id)
        self._write(place, options)
        with self.project.marked_run(stack) as unfinished:
            outcome, _ = bring_up(engine, stack, self._platform.clouds(), unfinished=unfinished)
            check(outcome, f"pulumi up of stack {stack}")
        return Declaration.model_validate(outcome.outputs["declaration"])

    def destroy(self, app_id: str) -> None:
        stack, place, engine = self._opened(app_id)
        self._write(place, {})
        with self.project.marked_run(stack) as unfinished:
            check(take_down(engine, stack, unfinished=unfinished), f"pulumi destroy of stack {stack}")
        place.file.unlink(missing_ok=True)

    def _opened(self, app_id: str) -> tuple[str, StackHome, Engine]:
        stack = self._platform.app_stack(app_id)
        place = home(self.project, app_id, stack)
        return stack, place, self._platform.engine(place)

    def _write(self, place: StackHome, options: dict[str, object]) -> None:
        app_stack_file.write(place.file, {**app_stack_file.encrypted(place.file), **self._platform.app_values(options)})
