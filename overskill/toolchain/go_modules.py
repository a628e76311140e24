"""The engine built from its Go modules.

`engine/` and `language_host/` are Go modules with nothing but pinned, checksummed requirements. There are two because
the Python language host left Pulumi's SDK module after v3.79, and the engine needs the SDK at its own version.
"""

import shutil
from pathlib import Path

from overskill.progress import CommandFailed, step
from overskill.toolchain.cache import Cache, Workspace
from overskill.toolchain.errors import Unavailable
from overskill.toolchain.go import Go, modules
from overskill.toolchain.versions import PULUMI

_VERSION = f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{PULUMI}"
_PROGRAMS = (
    ("engine", f"-s -w {_VERSION}", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"),
    ("language_host", "-s -w", "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"),
)
"""The module's folder, the linker's flags and the package of each program to build."""
_SDK_PROGRAMS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")


def build_engine(workspace: Workspace, *, cache: Cache, why: str) -> str:
    """Fill the target of `workspace` with the engine and its language host; returns how. Raises `Unavailable`."""
    go = Go.find(cache, why="to build the Pulumi engine")
    workspace.target.mkdir()
    try:
        with step(f"Building the Pulumi engine {PULUMI} from its Go modules", f"{why}; about 4 minutes") as building:
            for number, (module, flags, package) in enumerate(_PROGRAMS, start=1):
                building.detail = f"program {number} of {len(_PROGRAMS)}"
                go.build(package, module=module, flags=flags, workspace=workspace, step=building)
    except CommandFailed as failure:
        raise Unavailable(str(failure)) from failure
    for program in _SDK_PROGRAMS:
        copied = shutil.copy(
            modules(workspace) / f"github.com/pulumi/pulumi/sdk/v3@v{PULUMI}" / program, workspace.target
        )
        Path(copied).chmod(0o755)
    return f"built from its Go modules with Go {go.origin}"
