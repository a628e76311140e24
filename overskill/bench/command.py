"""`overskill bench`: measurements that anybody can repeat."""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from overskill.bench import measuring
from overskill.bench.check_table import show_check
from overskill.bench.checkout import Checkout, checkout
from overskill.bench.control_plane.table import show_control_plane
from overskill.bench.dispatch_result import Settings
from overskill.bench.provision.table import show_provision
from overskill.bench.push_table import show_push
from overskill.bench.table import show
from overskill.bench.whole import COLUMNS, Benchmark, together, write_page
from overskill.local_command import Profile
from overskill.project import Project

bench = typer.Typer(no_args_is_help=True, help="Measure, beside what else there is, in one run.")

Apps = Annotated[
    list[int] | None, typer.Option(min=1, max=1000, help="So many apps, beside one; repeatable. [default: 500]")
]
Sizes = Annotated[list[int] | None, typer.Option("--apps", min=1, help="So many apps; repeatable. [default: 1, 10]")]
Quick = Annotated[bool, typer.Option("--quick", help="As little as shows that it works: little to judge by.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one line of JSON instead of tables.")]
Pushes = Annotated[int | None, typer.Option(min=2, help="So many, the first of which fills npm's cache. [default: 21]")]


@bench.command()
def dispatch(apps: Apps = None, *, quick: Quick = False, as_json: AsJson = False) -> None:
    """Measure what the dispatch Worker costs a request, beside a direct call and a bare forwarder."""
    _tell(measuring.dispatch(Project(), Settings.of(apps or [], quick=quick), quick=quick), show, as_json=as_json)


@bench.command()
def provision(
    apps: Sizes = None, *, profile: Profile = "realistic", quick: Quick = False, as_json: AsJson = False
) -> None:
    """Measure what it takes to make apps, beside a loop of wrangler and curl, alchemy, and the least of calls."""
    with _platform() as made:
        found = measuring.provision(*made, sizes=apps, profile=profile, quick=quick)
    _tell(found, show_provision, as_json=as_json)


@bench.command()
def check(apps: Sizes = None, *, quick: Quick = False, as_json: AsJson = False) -> None:
    """Measure what it takes to find that nothing differs, by `overskill drift` and by a refresh of each stack."""
    with _platform() as made:
        found = measuring.check(*made, sizes=apps, quick=quick)
    _tell(found, show_check, as_json=as_json)


@bench.command("control-plane")
def control_plane(*, quick: Quick = False, as_json: AsJson = False) -> None:
    """Measure what the control plane takes: webhooks a second, watchers at once, pages with very many apps."""
    with _platform() as made:
        found = measuring.control_plane(*made, quick=quick)
    _tell(found, show_control_plane, as_json=as_json)


@bench.command()
def push(pushes: Pushes = None, *, quick: Quick = False, as_json: AsJson = False) -> None:
    """Measure how long it takes from a git push until the page serves it, and where the time goes."""
    with _platform() as made:
        found = measuring.push(*made, pushes=pushes, quick=quick)
    _tell(found, show_push, as_json=as_json)


@bench.command("all")
def whole(
    *,
    page: Annotated[Path | None, typer.Option(help="Write what was found to this file, as Markdown.")] = None,
    quick: Quick = False,
    as_json: AsJson = False,
) -> None:
    """Run all of them, one after the other, on one platform."""
    with _platform() as made:
        # Before the apps that others leave, which no stack has, and before the database is full of copies.
        benchmarks = [
            Benchmark(
                name="push",
                title="From a push to a live page",
                measure=lambda: measuring.push(*made, pushes=None, quick=quick),
                show=show_push,
            ),
            Benchmark(
                name="check",
                title="Finding that nothing differs",
                measure=lambda: measuring.check(*made, sizes=None, quick=quick),
                show=show_check,
            ),
            Benchmark(
                name="provision",
                title="Making apps",
                measure=lambda: measuring.provision(*made, sizes=None, profile="realistic", quick=quick),
                show=show_provision,
            ),
            Benchmark(
                name="control-plane",
                title="The control plane",
                measure=lambda: measuring.control_plane(*made, quick=quick),
                show=show_control_plane,
            ),
        ]
        results = [one.measure() for one in benchmarks]
    benchmarks.append(
        Benchmark(
            name="dispatch",
            title="The dispatch Worker",
            measure=lambda: measuring.dispatch(Project(), Settings.of([], quick=quick), quick=quick),
            show=show,
        )
    )
    found = together([*results, benchmarks[-1].measure()], quick=quick)
    if page:
        write_page(page, benchmarks, found)
    if as_json:
        print(json.dumps(found))
    else:
        for one in benchmarks:
            _tell(found["results"][one.name], one.show, as_json=False)


@contextmanager
def _platform() -> Iterator[tuple[Checkout, Path]]:
    """A copy of this checkout with a platform of its own, and a folder for files beside it."""
    with (
        tempfile.TemporaryDirectory(prefix="overskill-bench-") as folder,
        checkout(Project(), Path(folder) / "checkout") as made,
    ):
        yield made, Path(folder)


def _tell(found: Mapping[str, Any], show: Callable[[Mapping[str, Any], Console], None], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found))
    else:
        show(found, Console(highlight=False, width=None if sys.stdout.isatty() else COLUMNS))
