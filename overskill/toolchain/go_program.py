"""A program that is built from its Go module, and is a part of the toolchain of its own."""

from dataclasses import dataclass
from functools import partial

from overskill.progress import CommandFailed, step
from overskill.toolchain.cache import Cache, Part, Workspace
from overskill.toolchain.errors import ToolchainError, Unavailable
from overskill.toolchain.go import Go

_REMEDY = "Make the Go module proxy reachable (Go's own settings, such as GOPROXY, hold), and run this again."


@dataclass(frozen=True, kw_only=True)
class GoProgram:
    """`package` is built in the module of ours that has the program's name.

    `version_variable` is the Go variable that is to hold the version; `why`: what the program is for, `takes`: how
    long a build takes, in words.
    """

    name: str
    version: str
    package: str
    version_variable: str
    why: str
    takes: str

    def install(self, cache: Cache) -> Part:
        """The program, under its name in the part. Raises `ToolchainError`."""
        return cache.install(self.name, self.version, partial(self._build, cache=cache))

    def _build(self, workspace: Workspace, *, cache: Cache) -> str:
        workspace.target.mkdir()
        try:
            go = Go.find(cache, why=self.why)
            title = f"Building {self.name} {self.version} from its Go module"
            with step(title, f"{self.why}; {self.takes}") as building:
                flags = f"-s -w -X {self.version_variable}={self.version}"
                go.build(self.package, module=self.name, flags=flags, workspace=workspace, step=building)
        except (CommandFailed, Unavailable) as reason:
            raise ToolchainError(f"{self.name} {self.version} cannot be had: {reason}", remedy=_REMEDY) from reason
        return f"built from its Go module with Go {go.origin}"
