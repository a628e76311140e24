"""actionlint, which finds what is wrong in workflow files. It is made for the tests."""

from overskill.toolchain.cache import Cache, Part
from overskill.toolchain.go_program import GoProgram
from overskill.toolchain.versions import ACTIONLINT

_PROGRAM = GoProgram(
    name="actionlint",
    version=ACTIONLINT,
    package="github.com/rhysd/actionlint/cmd/actionlint",
    version_variable="github.com/rhysd/actionlint.version",
    why="to check the workflows",
    takes="about half a minute",
)


def install_actionlint(cache: Cache) -> Part:
    """The program, as `actionlint` in the part. Raises `ToolchainError`."""
    return _PROGRAM.install(cache)
