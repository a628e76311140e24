"""Where an engine keeps the state of its stacks: in a folder of this machine, or elsewhere."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

FILES = "file://"
REMEDY = "export PULUMI_BACKEND_URL (docs/operations.md says which), or run: pulumi login"


@dataclass(frozen=True)
class Backend:
    """`url` as the engine is told it; one that is relative counts from `start`, the folder that it runs in."""

    url: str
    start: Path

    @property
    def folder(self) -> Path | None:
        """Of the state, which is below `.pulumi` in it; None where it is in no files of this machine."""
        path = self._path
        if path is None:
            return None
        if path.startswith("~"):
            # The engine's `~` is the user's in the system's list, whatever HOME says.
            path = os.path.join(pwd.getpwuid(os.getuid()).pw_dir, path[2:])
        return Path(os.path.abspath(self.start / path))

    @property
    def is_relative(self) -> bool:
        """Whether each project's engine has a folder of its own, so that no app's stack finds its platform's."""
        return self._path is not None and not self._path.startswith(("/", "~"))

    @property
    def _path(self) -> str | None:
        return unquote(self.url.removeprefix(FILES).partition("?")[0]) if self.url.startswith(FILES) else None
