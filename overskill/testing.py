"""`./dev test`: the suites, cheapest first, each with what it needs and no more."""

import os
import subprocess
import sys
from collections.abc import Sequence

from overskill.errors import CommandError
from overskill.project import Project
from overskill.toolchain import Toolchain

SUITES = ("unit", "components", "worker", "contract", "e2e")
NEED_TOOLCHAIN = {"worker", "contract", "e2e"}


def run(project: Project, suites: Sequence[str], *, slow: bool) -> int:
    """Run `suites` (all if none is named) in one pytest and return its exit code; `slow` adds the tests marked so."""
    if unknown := sorted(set(suites) - set(SUITES)):
        raise CommandError(f"no such suite: {', '.join(unknown)}; there are {', '.join(SUITES)}")
    chosen = [suite for suite in SUITES if suite in (suites or SUITES)]
    environment = dict(os.environ)
    if NEED_TOOLCHAIN & set(chosen):
        toolchain = Toolchain(project.root)
        environment |= toolchain.environment() | {"OVERSKILL_WORKERD": str(toolchain.workerd)}
    command = [sys.executable, "-m", "pytest", *(f"tests/{suite}" for suite in chosen)]
    command += [] if slow else ["-m", "not slow"]
    return subprocess.run(command, cwd=project.root, env=environment, check=False).returncode
