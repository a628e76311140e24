"""act, which runs workflow files on this machine, built from its Go module."""

from functools import partial

from overskill.progress import CommandFailed, step
from overskill.toolchain.cache import Cache, Part, Workspace
from overskill.toolchain.errors import ToolchainError, Unavailable
from overskill.toolchain.go import Go
from overskill.toolchain.versions import ACT

_REMEDY = "Make the Go module proxy reachable (Go's own settings, such as GOPROXY, hold), and run this again."


def install_act(cache: Cache) -> Part:
    """The program, as `act` in the part. Raises `ToolchainError`."""
    return cache.install("act", ACT, partial(_build, cache=cache))


def _build(workspace: Workspace, *, cache: Cache) -> str:
    workspace.target.mkdir()
    why = "to run the workflows of the apps' repositories"
    try:
        go = Go.find(cache, why=why)
        with step(f"Building act {ACT} from its Go module", f"{why}; about a minute") as building:
            flags = f"-s -w -X main.version={ACT}"
            go.build("github.com/nektos/act", module="act", flags=flags, workspace=workspace, step=building)
    except (CommandFailed, Unavailable) as reason:
        raise ToolchainError(f"act {ACT} cannot be had: {reason}", remedy=_REMEDY) from reason
    return f"built from its Go module with Go {go.origin}"
