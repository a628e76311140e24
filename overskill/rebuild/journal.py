"""How far a rebuild is, in a file of its own: a line for each script that is done. Whatever ends it, the same command
goes on with the others."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from control_plane.rebuilding import Item, Rebuilt


class Journal:
    """That of the rebuilds into one platform, `rebuild.jsonl` in the folder of its control plane."""

    def __init__(self, folder: Path, *, anew: bool) -> None:
        self._file = folder / "rebuild.jsonl"
        if anew:
            self._file.unlink(missing_ok=True)
        self._done: dict[str, dict[str, Any]] = {}
        if self._file.exists():
            whole = self._file.read_bytes().rpartition(b"\n")[0]  # a kill may have cut the last line off
            self._done = {line["script"]: line for line in map(json.loads, whole.splitlines())}
            os.truncate(self._file, len(whole) + bool(whole))

    def has(self, item: Item) -> bool:
        """Whether it was made, from what is still the newest."""
        line = self._done.get(item.target.script)
        return line is not None and line["bundle"] == item.bundle

    def note(self, item: Item, rebuilt: Rebuilt) -> None:
        line = {"script": item.target.script, "bundle": item.bundle, **asdict(rebuilt)}
        with self._file.open("a") as file:
            file.write(f"{json.dumps(line)}\n")

    def close(self) -> None:
        """All is done: the next rebuild begins anew."""
        self._file.unlink(missing_ok=True)
