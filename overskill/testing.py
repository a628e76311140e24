"""`./dev test`: the suites, cheapest first, each with what it needs and no more."""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from overskill.errors import CommandError
from overskill.project import Project
from overskill.toolchain import Toolchain

SUITES = ("unit", "components", "worker", "contract", "control", "e2e")
NEED_TOOLCHAIN = {"worker", "contract", "control", "e2e"}
TWO_FILES_AT_ONCE = ["--numprocesses=2", "--dist=loadfile"]
"""What is expensive to make, an edge or a checkout, belongs to a file; a local cloud, a PostgreSQL to each process."""
OPTIONS = {"contract": ["--no-loadscope-reorder"]}
"""The contract's files come in an order of their own, in which the last judges all the others."""


def test(
    suites: Annotated[
        list[str] | None, typer.Argument(help="unit, components, worker, contract, control, e2e; all by default.")
    ] = None,
    slow: Annotated[bool, typer.Option("--slow", help="Also what takes long.")] = False,
) -> None:
    """Run the tests."""
    raise typer.Exit(run(Project(), suites or [], slow=slow))


def run(project: Project, suites: Sequence[str], *, slow: bool) -> int:
    """Run `suites` (all if none is named) and return the first exit code that isn't 0; `slow` adds the tests marked so.

    Each is a process of its own: Pulumi's mocks live on an event loop of the process, which other tests make and close.
    """
    if unknown := sorted(set(suites) - set(SUITES)):
        raise CommandError(f"no such suite: {', '.join(unknown)}; there are {', '.join(SUITES)}")
    chosen = [suite for suite in SUITES if suite in (suites or SUITES)]
    environment = dict(os.environ)
    if NEED_TOOLCHAIN & set(chosen):
        toolchain = Toolchain(project.root)
        environment |= toolchain.environment()
        programs = {"ACT": toolchain.act, "WORKERD": toolchain.workerd, "WRANGLER": toolchain.wrangler}
        environment |= {f"OVERSKILL_{name}": str(path) for name, path in programs.items()}
        if "worker" in chosen:
            environment["OVERSKILL_ACTIONLINT"] = str(toolchain.actionlint)
        if {"worker", "contract"} & set(chosen):
            environment["OVERSKILL_TEST_PACKAGES"] = str(toolchain.test_packages.path / "node_modules")
    marks = [] if slow else ["-m", "not slow"]
    codes = [
        subprocess.run(
            [sys.executable, "-m", "pytest", f"tests/{suite}", *TWO_FILES_AT_ONCE, *OPTIONS.get(suite, []), *marks],
            cwd=project.root,
            env=environment,
            check=False,
        ).returncode
        for suite in chosen
    ]
    return next((code for code in codes if code), 0)
