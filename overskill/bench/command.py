"""`overskill bench`: measurements that anybody can repeat."""

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from overskill.bench.dispatch import Bench
from overskill.bench.dispatch_result import Settings, report
from overskill.bench.load import Load
from overskill.bench.provision import bench as provisioning
from overskill.bench.provision.checkout import checkout
from overskill.bench.provision.table import show_provision
from overskill.bench.table import show
from overskill.local_cloud_process import Programs
from overskill.local_command import Profile
from overskill.project import Project
from overskill.toolchain import Part, Toolchain
from overskill.toolchain.programs import answer

PIPE_COLUMNS = 120
"""Where there is no terminal."""

bench = typer.Typer(no_args_is_help=True, help="Measure, beside what else there is, in one run.")

Apps = Annotated[
    list[int] | None, typer.Option(min=1, max=1000, help="So many apps, beside one; repeatable. [default: 500]")
]
Quick = Annotated[bool, typer.Option("--quick", help="A minute at most: too little to judge by.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one line of JSON instead of tables.")]


@bench.callback()
def group() -> None:
    """A group, also while it has one command."""


@bench.command()
def dispatch(apps: Apps = None, *, quick: Quick = False, as_json: AsJson = False) -> None:
    """Measure what the dispatch Worker costs a request, beside a direct call and a bare forwarder."""
    project = Project()
    source = project.root / "dispatch_worker" / "src"
    found = measured(Toolchain(project.root), Settings.of(apps or [], quick=quick), source, quick=quick)
    _tell(found, show, as_json=as_json)


@bench.command()
def provision(
    apps: Annotated[list[int] | None, typer.Option(min=1, help="So many apps; repeatable. [default: 1, 10]")] = None,
    *,
    profile: Profile = "realistic",
    quick: Annotated[bool, typer.Option("--quick", help="Two apps, without latencies and limits.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure what it takes to make apps, beside a loop of wrangler and curl, alchemy, and the least of calls."""
    sizes, chosen = ([2], "instant") if quick else (sorted(set(apps or [1, 10])), profile)
    settings, project = provisioning.Settings(apps=sizes, profile=chosen), Project()
    toolchain = Toolchain(project.root)
    with (
        tempfile.TemporaryDirectory(prefix="overskill-bench-") as folder,
        checkout(project, Path(folder) / "checkout") as made,
    ):
        rows = provisioning.measure(made, toolchain, settings, Path(folder))
    versions = {"alchemy": _version(toolchain.peers, "alchemy"), "wrangler": _version(toolchain.packages, "wrangler")}
    found = provisioning.report(rows, settings, quick=quick, versions=versions)
    _tell(found, show_provision, as_json=as_json)


def _version(packages: Part, name: str) -> str:
    return json.loads((packages.path / "node_modules" / name / "package.json").read_text())["version"]


def _tell(found: Mapping[str, Any], show: Callable[[Mapping[str, Any], Console], None], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found))
    else:
        show(found, Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS))


def measured(toolchain: Toolchain, settings: Settings, source: Path, *, quick: bool) -> dict[str, Any]:
    """The result, of the dispatch Worker whose modules are in `source`. Raises `CommandError` for a wrong answer."""
    programs = Programs(workerd=toolchain.workerd, act=None, environment=toolchain.environment(engine=False))
    versions = {
        "workerd": answer([str(toolchain.workerd), "--version"]).removeprefix("workerd "),
        "vegeta": toolchain.load_generator.version,
    }
    with tempfile.TemporaryDirectory(prefix="overskill-bench-") as folder:
        load = Load(toolchain.vegeta, Path(folder))
        run = Bench(load=load, settings=settings, source=source, folder=Path(folder))
        one, edge = run.one_workerd(programs.workerd), run.local_edge(programs)
    return report(one, edge, settings, quick=quick, versions=versions)
