"""What every part of the control plane is given."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Protocol

from fastapi import Depends, Request

from control_plane.apps import Declaration
from control_plane.database import Database
from control_plane.inbox import Inbox
from control_plane.settings import Settings
from control_plane.stream import Stream
from infra.credentials import derived


class Builder(Protocol):
    """Whoever runs the engine: `overskill serve` gives the control plane one."""

    def has(self, app_id: str) -> bool:
        """Whether there is a stack of an app, whatever the records say."""

    def create(self, app_id: str, options: dict[str, object]) -> Declaration:
        """Bring an app to what `options` say: keys of its stack file. Idempotent."""

    def destroy(self, app_id: str) -> None:
        """Remove all that an app has. Idempotent."""


@dataclass(frozen=True)
class Plane:
    """The settings, the database, and whoever runs the engine (None: apps are made elsewhere)."""

    settings: Settings
    database: Database
    builder: Builder | None = None

    @cached_property
    def inbox(self) -> Inbox:
        return Inbox(self.database)

    @cached_property
    def stream(self) -> Stream:
        return Stream(self.database)

    def app_secret(self, app_id: str) -> str:
        """What signs the webhooks of an app: GitHub's of its repository, and its pipeline's."""
        return derived(self.settings.webhook_secret.get_secret_value(), f"webhook:{app_id}")


def plane(request: Request) -> Plane:
    found: Plane = request.app.state.plane
    return found


GivenPlane = Annotated[Plane, Depends(plane)]
"""The parameter of a route that needs it."""
