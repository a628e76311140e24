"""Where an engine keeps the state of its stacks: in a folder of this machine, or elsewhere."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

FILES = "file://"


@dataclass(frozen=True)
class Backend:
    """`url` as the engine is told it; one that begins with a dot counts from `start`, the folder that it runs in."""

    url: str
    start: Path

    @property
    def folder(self) -> Path | None:
        """Of the state, which is below `.pulumi` in it; None where it is in no files of this machine."""
        if not self.url.startswith(FILES):
            return None
        path = unquote(self.url.removeprefix(FILES).partition("?")[0])
        if path.startswith("~"):
            # The engine's `~` is the user's in the system's list, whatever HOME says.
            path = os.path.join(pwd.getpwuid(os.getuid()).pw_dir, path[2:])
        return Path(os.path.abspath(self.start / path))
