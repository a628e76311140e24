"""The benchmark of provisioning: every contender makes so many apps, on one platform, one after the other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.names import Script, repository_webhook
from infra.outputs import PlatformOutputs
from overskill.bench.checkout import Checkout
from overskill.bench.growth import Growth
from overskill.bench.provision.contenders import CONTENDERS, FLEET, FLOOR, Contender
from overskill.bench.provision.forecast import Forecast, forecast, ratio_at
from overskill.bench.provision.run import Run, measured
from overskill.bench.provision.task import Task
from overskill.bench.result import Goal, result
from overskill.local_api import ask
from overskill.local_cloud_process import Programs
from overskill.progress import step
from overskill.toolchain import Toolchain

WALL_OF_FLOOR, AT_APPS = 2.0, 100
REALISTIC = "realistic"
"""The profile with the published limits."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`apps` are the sizes, one after the other; `profile` is how the local cloud behaves."""

    apps: Sequence[int]
    profile: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a contender has taken for so many apps."""

    contender: Contender
    apps: int
    run: Run

    def json(self, floor: Run) -> dict[str, Any]:
        each = {kind: count / self.apps for kind, count in self.run.calls.items()}
        return {
            "contender": self.contender.name,
            "makes": "apps" if self.contender.whole else "scripts",
            "apps": self.apps,
            "seconds": self.run.seconds,
            "secondsOfFloor": self.run.seconds / floor.seconds,
            "cpuPerApp": self.run.cpu / self.apps,
            "memoryBytes": self.run.memory,
            "callsPerApp": each,
        }


def measure(checkout: Checkout, toolchain: Toolchain, settings: Settings, folder: Path) -> list[Row]:
    """Each size by each contender. Raises `CommandError` where one fails."""
    outputs, programs = PlatformOutputs.model_validate(checkout.outputs()), Programs.of(toolchain)
    rows = []
    for apps in settings.apps:
        for contender in (one for one in CONTENDERS if one.most is None or apps <= one.most):
            # The limits count the calls of everybody before.
            checkout.start_afresh(programs, settings.profile)
            limited = ask(checkout.cloud, "GET", "profile")["enforce_limits"]
            task = _task(checkout, outputs, f"{contender.name}{apps}", apps, limited=limited)
            place = folder / f"{contender.name}-{apps}"
            place.mkdir()
            with step(f"{apps} apps by the {contender.name}") as running:
                run = measured(contender.program(task, checkout, toolchain, place), checkout, place / "output.log")
                running.detail = f"{run.cpu / apps:.2f} CPU s an app"
            rows.append(Row(contender=contender, apps=apps, run=run))
    return rows


def report(rows: Sequence[Row], settings: Settings, *, quick: bool, versions: Mapping[str, str]) -> dict[str, Any]:
    """The whole result. `ratio` is the fleet's wall time over the floor's, for the most apps."""
    most = max(settings.apps)
    limited = settings.profile == REALISTIC
    by = {(row.contender.name, row.apps): row.run for row in rows}
    ratio = by[FLEET, most].seconds / by[FLOOR, most].seconds
    foretold = list(forecast(by)) if limited else []
    peers = [
        row for row in rows if row.apps == most and row.contender.whole and row.contender.name not in (FLEET, FLOOR)
    ]
    return result(
        "provision",
        quick=quick,
        versions=versions,
        settings=settings,
        goals=[
            Goal(name=f"wall time for {most} apps, of the floor's", measured=ratio, below=WALL_OF_FLOOR),
            *(
                Goal(
                    name=f"wall time for {most} apps, of the {row.contender.name}'s",
                    measured=by[FLEET, most].seconds / row.run.seconds,
                    below=1,
                )
                for row in peers
            ),
            *_of_forecast(foretold, most),
        ],
        ratio=ratio,
        ratioOf=f"fleet's over floor's wall time: {most} apps, {settings.profile} profile",
        rows=[row.json(by[FLOOR, row.apps]) for row in rows],
        forecast=[each.json() for each in foretold],
        growth=[each.json() for each in _growth(rows)],
    )


def _task(checkout: Checkout, outputs: PlatformOutputs, prefix: str, apps: int, *, limited: bool) -> Task:
    cloud, overskill = checkout.cloud, checkout.project.stack_config("local")
    credentials = cloud.credentials()
    names = [f"{prefix}-{number}x" for number in range(apps)]
    return Task(
        scripts={app: list(_scripts(app, outputs)) for app in names},
        environments=list(outputs.namespaces),
        cloudflare=str(overskill.cloudflare.base_url),
        cloudflare_token=credentials["cloudflare_token"],
        github=str(overskill.github.base_url),
        github_token=credentials["github_token"],
        account=outputs.account_id,
        organization=outputs.github_organization,
        template=outputs.template,
        webhook=repository_webhook(outputs.webhook_base),
        limited=limited,
    )


def _scripts(app: str, outputs: PlatformOutputs) -> Iterator[tuple[str, str]]:
    for environment, namespace in outputs.namespaces.items():
        yield Script(app_id=app, environment=environment).name, namespace


def _of_forecast(foretold: Sequence[Forecast], most: int) -> Iterator[Goal]:
    if foretold and most < AT_APPS:
        name = f"wall time for {AT_APPS} apps, of the floor's, as forecast"
        yield Goal(name=name, measured=ratio_at(AT_APPS, foretold), below=WALL_OF_FLOOR)


def _growth(rows: Sequence[Row]) -> Iterator[Growth]:
    names = list(dict.fromkeys(row.contender.name for row in rows if row.contender.whole))
    for unit in ("seconds", "CPU seconds"):
        for name in names:
            own = [row for row in rows if row.contender.name == name]
            figures = [row.run.seconds if unit == "seconds" else row.run.cpu for row in own]
            yield Growth(name=name, unit=unit, apps=[row.apps for row in own], figures=figures)
