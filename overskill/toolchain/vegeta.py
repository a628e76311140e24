"""vegeta, which puts load on a server and notes each answer. It is made when a benchmark first asks for it."""

from overskill.toolchain.cache import Cache, Part
from overskill.toolchain.go_program import GoProgram
from overskill.toolchain.versions import VEGETA

_PROGRAM = GoProgram(
    name="vegeta",
    version=VEGETA,
    package="github.com/tsenart/vegeta/v12",
    version_variable="main.Version",
    why="to put load on Workers",
    takes="some seconds",
)


def install_vegeta(cache: Cache) -> Part:
    """The program, as `vegeta` in the part. Raises `ToolchainError`."""
    return _PROGRAM.install(cache)
