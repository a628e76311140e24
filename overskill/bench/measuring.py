"""Each benchmark from its options to its result; what it loads is loaded when it is run."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from overskill.bench import dispatch_result
from overskill.bench.checkout import Checkout
from overskill.bench.dispatch import Bench
from overskill.bench.load import Load
from overskill.local_cloud_process import Programs
from overskill.project import Project
from overskill.toolchain import Part, Toolchain
from overskill.toolchain.programs import answer
from overskill.toolchain.versions import PULUMI

PUSHES, QUICK_PUSHES = 21, 3
SIZES, QUICK_SIZES = (1, 10), (2,)


def dispatch(project: Project, settings: dispatch_result.Settings, *, quick: bool) -> dict[str, Any]:
    """Of the dispatch Worker of `project`. Raises `CommandError` for a wrong answer."""
    toolchain = Toolchain(project.root)
    programs = Programs(workerd=toolchain.workerd, act=None, environment=toolchain.environment(engine=False))
    versions = {"workerd": answer([str(toolchain.workerd), "--version"]).removeprefix("workerd "), **_vegeta(toolchain)}
    with tempfile.TemporaryDirectory(prefix="overskill-bench-") as folder:
        load, source = Load(toolchain.vegeta, Path(folder)), project.root / "dispatch_worker" / "src"
        run = Bench(load=load, settings=settings, source=source, folder=Path(folder))
        one, edge = run.one_workerd(programs.workerd), run.local_edge(programs)
    return dispatch_result.report(one, edge, settings, quick=quick, versions=versions)


def provision(
    checkout: Checkout, folder: Path, *, sizes: Sequence[int] | None, profile: str | None, quick: bool
) -> dict[str, Any]:
    """On the platform of `checkout`; quick is without latencies and limits. Raises `CommandError` where one fails."""
    from overskill.bench.provision import bench  # noqa: PLC0415

    apps = sorted(set(sizes or (QUICK_SIZES if quick else SIZES)))
    settings = bench.Settings(apps=apps, profile="instant" if quick else profile or bench.REALISTIC)
    toolchain = Toolchain(checkout.project.root)
    rows = bench.measure(checkout, toolchain, settings, folder)
    versions = {"alchemy": _npm(toolchain.peers, "alchemy"), "wrangler": _npm(toolchain.packages, "wrangler")}
    return bench.report(rows, settings, quick=quick, versions=versions)


def control_plane(checkout: Checkout, folder: Path, *, quick: bool) -> dict[str, Any]:
    """On the platform of `checkout`. Raises `CommandError` for a wrong answer."""
    from overskill.bench.control_plane import bench  # noqa: PLC0415

    settings, toolchain = bench.Settings.of(quick=quick), Toolchain(checkout.project.root)
    found = bench.measure(checkout, Load(toolchain.vegeta, folder), settings)
    return bench.report(found, settings, quick=quick, versions=_vegeta(toolchain))


def check(checkout: Checkout, folder: Path, *, sizes: Sequence[int] | None, quick: bool) -> dict[str, Any]:
    """On the platform of `checkout`. Raises `CommandError` where one fails."""
    from overskill.bench import check as bench  # noqa: PLC0415

    settings = bench.Settings(apps=sorted(set(sizes or (QUICK_SIZES if quick else SIZES))))
    rows = bench.measure(checkout, settings, folder)
    return bench.report(rows, settings, quick=quick, versions={"pulumi": PULUMI})


def push(checkout: Checkout, folder: Path, *, pushes: int | None, quick: bool) -> dict[str, Any]:
    """On the platform of `checkout`. Raises `CommandError` where a push does not get live."""
    from overskill.bench import push as bench  # noqa: PLC0415

    settings = bench.Settings(pushes=pushes or (QUICK_PUSHES if quick else PUSHES))
    found = bench.measure(checkout, settings, folder)
    versions = {"wrangler": _npm(Toolchain(checkout.project.root).packages, "wrangler")}
    return bench.report(found, settings, quick=quick, versions=versions)


def _vegeta(toolchain: Toolchain) -> dict[str, str]:
    return {"vegeta": toolchain.load_generator.version}


def _npm(packages: Part, name: str) -> str:
    return json.loads((packages.path / "node_modules" / name / "package.json").read_text())["version"]
