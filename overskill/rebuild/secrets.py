"""The texts of the secrets that apps' stacks declare: encrypted in their files, and decrypted by the engine alone."""

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from threading import BoundedSemaphore

from overskill.errors import CommandError
from overskill.fleet.platform import Platform
from overskill.fleet.projects import home

ENGINES = 2
"""At once."""


class SecretTexts:
    """Those of the apps of one platform stack, which is only looked at where an app has secrets."""

    def __init__(self, platform: Callable[[], Platform]) -> None:
        self._made = platform
        self._turn = BoundedSemaphore(ENGINES)

    @cached_property
    def _platform(self) -> Platform:
        return self._made()

    def of(self, app_id: str) -> Mapping[str, str]:
        """By their names; none where the app has no stack here, or the engine can't read it."""
        with self._turn:
            stack = self._platform.app_stack(app_id)
            place = home(self._platform.project, app_id, stack)
            if not place.file.exists():
                return {}
            engine = self._platform.engine(place)
            try:
                values = json.loads(engine.capture("config", "--show-secrets", "--json", "--stack", stack))
            except CommandError:
                return {}
        texts: Mapping[str, str] = values.get("overskill-apps:secrets", {}).get("objectValue") or {}
        return texts
