"""What the project runs on besides Python: Pulumi's engine, Node, the Workers runtime and act, at pinned versions.

Each part is made when it is first asked for, and kept in the user's cache folder.
"""

import os
import shutil
import sys
from functools import cached_property
from pathlib import Path

from overskill.toolchain.act import install_act
from overskill.toolchain.actionlint import install_actionlint
from overskill.toolchain.cache import Cache, Part
from overskill.toolchain.engine import install_engine
from overskill.toolchain.errors import ToolchainError
from overskill.toolchain.node import install_node, install_packages, install_peers, install_test_packages, workerd
from overskill.toolchain.vegeta import install_vegeta

__all__ = ["Part", "Toolchain", "ToolchainError"]


class Toolchain:
    """The parts for one checkout of the project. Every property may raise `ToolchainError`."""

    def __init__(self, project: Path, cache: Cache | None = None) -> None:
        """`project` is the folder with package.json."""
        self._project = project
        self._cache = cache or Cache()

    @cached_property
    def engine(self) -> Part:
        """Pulumi's engine and Python language host."""
        return install_engine(self._cache)

    @cached_property
    def node(self) -> Part:
        """Node and npm."""
        return install_node(self._cache)

    @cached_property
    def packages(self) -> Part:
        """The npm packages of the project."""
        return install_packages(self._cache, self.node, self._project)

    @cached_property
    def test_packages(self) -> Part:
        """The npm packages of the tests; no part of what runs the project."""
        return install_test_packages(self._cache, self.node, self._project)

    @cached_property
    def peers(self) -> Part:
        """The npm packages that benchmarks compare with; no part of what runs the project."""
        return install_peers(self._cache, self.node, self._project)

    @cached_property
    def runner(self) -> Part:
        """act, which runs workflows."""
        return install_act(self._cache)

    @cached_property
    def load_generator(self) -> Part:
        """vegeta, which benchmarks put load on Workers with; no part of what runs the project."""
        return install_vegeta(self._cache)

    @cached_property
    def workflow_linter(self) -> Part:
        """actionlint, which the tests check workflows with; no part of what runs the project."""
        return install_actionlint(self._cache)

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts, installed."""
        return self.engine, self.node, self.packages, self.runner

    @property
    def pulumi(self) -> Path:
        """The `pulumi` program."""
        return self.engine.path / "pulumi"

    @property
    def workerd(self) -> Path:
        """The `workerd` program."""
        return workerd(self.packages)

    @property
    def act(self) -> Path:
        """The `act` program."""
        return self.runner.path / "act"

    @property
    def actionlint(self) -> Path:
        """The `actionlint` program."""
        return self.workflow_linter.path / "actionlint"

    @property
    def vegeta(self) -> Path:
        """The `vegeta` program."""
        return self.load_generator.path / "vegeta"

    @property
    def wrangler(self) -> Path:
        """The `wrangler` program, which needs the Node of `environment` on PATH."""
        return self.packages.path / "node_modules" / ".bin" / "wrangler"

    def environment(self, *, engine: bool = True) -> dict[str, str]:
        """`PATH` with this Python environment, Node and the engine (unless it isn't needed) before all else."""
        folders = [Path(sys.executable).parent, self.node.path / "bin"]
        if engine and shutil.which("pulumi") != str(self.pulumi):
            folders.append(self.engine.path)
        inherited = os.environ.get("PATH", os.defpath)
        return {"PATH": os.pathsep.join([*map(str, folders), inherited])}
