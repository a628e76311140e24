"""`overskill drift`."""

import importlib.metadata
import os
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TextIO, cast

import typer
from rich.console import Console

from overskill.drift import declared, platform_stack, report
from overskill.drift.apis import Access, Apis
from overskill.drift.estimate import Fleet, lines
from overskill.drift.examine import examiner
from overskill.drift.findings import DRIFTS, Drift
from overskill.drift.memory import Memory
from overskill.drift.place import Place
from overskill.drift.repair import carry_out, plan
from overskill.drift.sweep import Report, Sweep
from overskill.engine import Engine
from overskill.errors import CommandError
from overskill.fleet.limits import Calls
from overskill.fleet.platform import Platform
from overskill.fleet.projects import home
from overskill.options import Stack
from overskill.project import LOCAL_STACK, Project

PIPE_COLUMNS = 200
"""Where there is no terminal, a finding is one line."""

ENGINES = 2


def drift(  # noqa: PLR0913 - an option each
    *,
    stack: Stack = LOCAL_STACK,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    sarif: Annotated[Path | None, typer.Option(help="Write the findings there as SARIF too.")] = None,
    deep: Annotated[float, typer.Option(min=0, max=100, help="Per cent of the apps to look at closely, in turn.")] = 1,
    settle: Annotated[int, typer.Option(min=0, help="Minutes; what is younger and in no record is left out.")] = 15,
    lists_only: Annotated[bool, typer.Option("--lists-only", help="Ask the engine of nothing.")] = False,
    repair: Annotated[str, typer.Option(help="Mend these: missing, changed, orphan; separated by commas.")] = "",
    delete: Annotated[list[str] | None, typer.Option(help="An orphan that --repair orphan deletes, by name.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Mend without asking.")] = False,
    estimate: Annotated[int | None, typer.Option(min=1, help="Tell what a sweep of so many apps costs.")] = None,
) -> None:
    """Find what differs from what the stacks declare. Exits with 0 if nothing does, 7 if something, 1 for errors."""
    drifts = _drifts(repair)
    project = Project()
    if estimate:
        environments = len(project.stack_config(stack).overskill.app_environments)
        print("\n".join(lines(Fleet(apps=estimate, environments=environments, deep=deep / 100))))
        return
    platform = Platform.of(project, stack)
    options = Options(deep=deep / 100, settles=timedelta(minutes=settle), lists_only=lists_only)
    with closing(apis_of(platform)) as apis:
        swept = Swept.of(platform, apis, options)
        if drifts:
            swept.show(sys.stderr)
            planned = plan(swept.found.findings, drifts, delete or ())
            print("\n".join(planned.lines()) or "nothing to mend", file=sys.stderr)
            if planned and (yes or _confirmed()):
                carry_out(planned, platform, apis)
                swept = Swept.of(platform, apis, options)
    found = swept.found
    if as_json:
        print(report.as_json(found, swept.calls, swept.seconds))
    else:
        swept.show(sys.stdout)
    if sarif:
        files = {one.stack: _file(platform, one.stack) for one in found.findings}
        sarif.write_text(report.as_sarif(found.findings, files, importlib.metadata.version("overskill")))
    raise typer.Exit(report.exit_code(found))


def apis_of(platform: Platform) -> Apis:
    cloudflare, github = platform.urls
    tokens = platform.environment
    return Apis(
        {
            "cloudflare": Access(url=cloudflare, token=tokens["CLOUDFLARE_API_TOKEN"]),
            "github": Access(url=github, token=tokens["GITHUB_TOKEN"]),
        },
        platform.limits,
    )


@dataclass(frozen=True, kw_only=True)
class Options:
    """Of a sweep: `deep` is a share, 0 to 1."""

    deep: float
    settles: timedelta
    lists_only: bool


def sweep(platform: Platform, apis: Apis, options: Options) -> Report:
    """The platform stack and all its apps."""
    folder = platform.project.home / "drift"
    folder.mkdir(exist_ok=True)

    def read() -> declared.Declared:
        return declared.read(platform.project, platform.stack)

    first = read()
    place = Place.of(platform.stack, platform.config, platform.outputs)
    with closing(Memory(folder / f"{platform.stack}.sqlite")) as memory:
        examine = None if options.lists_only else examiner(platform, ENGINES)
        found = Sweep(place, apis, memory, examine, options.settles).run(first, read, options.deep)
    if found.scripts and not first.apps and not _records_are_here(platform):
        raise CommandError(
            f"there are {found.scripts} scripts and no record of any app: set OVERSKILL_DATABASE_URL to the control "
            "plane's database, which has what is declared"
        )
    if not options.lists_only:
        engine = Engine(platform.project, platform.project.root, platform.environment)
        try:
            found.findings += platform_stack.examine(engine, platform.stack, platform.config, apis)
        except CommandError as error:
            found.problems.append(str(error))
    found.findings.sort()
    return found


def _records_are_here(platform: Platform) -> bool:
    """Whether an empty database can be the platform's own."""
    local = platform.stack in platform.project.local_stacks()
    return local or bool(os.environ.get("OVERSKILL_DATABASE_URL"))


@dataclass(frozen=True)
class Swept:
    """A sweep with what it took."""

    found: Report
    calls: Calls
    seconds: float

    @classmethod
    def of(cls, platform: Platform, apis: Apis, options: Options) -> "Swept":
        began, before = time.monotonic(), apis.made
        found = sweep(platform, apis, options)
        return cls(found, apis.made - before, time.monotonic() - began)

    def show(self, file: TextIO) -> None:
        console = Console(file=file, highlight=False, width=None if file.isatty() else PIPE_COLUMNS)
        report.show(self.found, console, self.calls, self.seconds)


def _drifts(given: str) -> Sequence[Drift]:
    wanted = [word.strip() for word in given.split(",") if word.strip()]
    if unknown := [word for word in wanted if word not in DRIFTS]:
        raise CommandError(f"--repair: {', '.join(unknown)}: is none of {', '.join(DRIFTS)}")
    if "foreign" in wanted:
        raise CommandError("--repair foreign: what is somebody else's is never touched; leave it out")
    return cast("list[Drift]", wanted)


def _confirmed() -> bool:
    if not sys.stdin.isatty():
        raise CommandError("nothing was changed: --yes carries that out")
    return typer.confirm("Carry that out?", err=True)


def _file(platform: Platform, stack: str) -> Path:
    """A stack's file, relative to the checkout."""
    root = platform.project.root
    if stack == platform.stack:
        return Path(f"Pulumi.{stack}.yaml")
    return home(platform.project, stack.removeprefix(f"{platform.stack}."), stack).file.relative_to(root)
