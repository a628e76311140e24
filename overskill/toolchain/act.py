"""act, which runs workflow files on this machine."""

from overskill.toolchain.cache import Cache, Part
from overskill.toolchain.go_program import GoProgram
from overskill.toolchain.versions import ACT

_PROGRAM = GoProgram(
    name="act",
    version=ACT,
    package="github.com/nektos/act",
    version_variable="main.version",
    why="to run the workflows of the apps' repositories",
    takes="about a minute",
)


def install_act(cache: Cache) -> Part:
    """The program, as `act` in the part. Raises `ToolchainError`."""
    return _PROGRAM.install(cache)
