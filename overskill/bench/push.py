"""From a push to a live page: the app's own pipeline on a platform of its own, again and again."""

import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import sqlalchemy as sa

from control_plane.database import Database
from control_plane.tables import Deployment
from overskill import control_plane_records
from overskill.bench.checkout import Checkout
from overskill.bench.result import Goal, result
from overskill.bench.samples import Spread
from overskill.errors import CommandError
from overskill.git_repository import GitRepository
from overskill.progress import step
from overskill.project import LOCAL_STACK
from overskill.session import Session

APP = "ultrathink"
HEADLINE = re.compile(r'export const HEADLINE = ".*";')
VERSION_FILE = ".well-known/overskill.json"
"""Where an app says which commit it is: `app_template/.github/overskill/live.mjs`."""

WORST, MEDIAN = 60.0, 25.0
LONGEST = 300
POLL = 0.1
PHASES = ("queued", "building", "built", "uploaded", "succeeded")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """So many pushes, one after the other has ended."""

    pushes: int


@dataclass(frozen=True, kw_only=True)
class Push:
    """`live`: seconds from `git push` until the page serves it. `phases`: at which of them each was come to."""

    live: float
    phases: Mapping[str, float]


def measure(checkout: Checkout, settings: Settings, folder: Path) -> list[Push]:
    """Push headline after headline. Raises `CommandError` where one isn't live after five minutes."""
    session, files = Session(checkout.project), folder / "files"
    shutil.copytree(checkout.project.template, files)
    page = files / "src" / "App.tsx"
    with (
        step(f"{settings.pushes} pushes") as running,
        control_plane_records.opened(checkout.project, LOCAL_STACK) as database,
    ):
        pushes: list[Push] = []
        for number in range(settings.pushes):
            headline = f'export const HEADLINE = "Push {number}";'
            page.write_text(HEADLINE.sub(headline, page.read_text()))
            pushes.append(_push(session, database, files, f"Push {number}"))
            running.detail = f"number {number + 1}, live after {pushes[-1].live:.1f} s"
    return pushes


def report(found: Sequence[Push], settings: Settings, *, quick: bool, versions: Mapping[str, str]) -> dict[str, Any]:
    """The whole result. `ratio` is the worst over the median; the first push fills npm's cache and is told apart."""
    first, *warm = found
    live = Spread.of([push.live for push in warm])
    return result(
        "push",
        quick=quick,
        versions=versions,
        settings=settings,
        goals=[
            Goal(name="seconds from push to live, worst", measured=live.max, below=WORST),
            Goal(name="seconds from push to live, median", measured=live.median, below=MEDIAN),
        ],
        ratio=live.max / live.median,
        ratioOf="worst over median seconds from push to live, with npm's cache warm",
        firstSeconds=first.live,
        seconds=asdict(live),
        phases={
            phase: asdict(Spread.of([push.phases[phase] for push in warm]))
            for phase in PHASES
            if all(phase in push.phases for push in warm)
        },
    )


def _push(session: Session, database: Database, files: Path, message: str) -> Push:
    full_name = f"{session.config.overskill.github_organization}/{APP}"
    with GitRepository.cloned(session.config, session.credentials, full_name) as repository:
        tree = repository.tree_with(files, ignored=files / ".gitignore")
        began, clock = datetime.now().astimezone(), time.monotonic()
        commit = repository.push(tree, message)
    deployment = None
    while deployment is None or deployment.status not in ("succeeded", "failed", "cancelled"):
        if time.monotonic() - clock > LONGEST:
            raise CommandError(f"push {message} was not live after {LONGEST} s: ./dev logs and the run say more")
        time.sleep(POLL)
        deployment = _deployment(database, commit)
    if deployment.status != "succeeded":
        raise CommandError(f"the deploy of {message} has {deployment.status}: {deployment.error}, {deployment.log_url}")
    phases = {name: (datetime.fromisoformat(at) - began).total_seconds() for name, at in deployment.phases.items()}
    served = session.answer(urljoin(str(deployment.url), VERSION_FILE))
    if served.status_code != httpx.codes.OK or served.json().get("commit") != commit:
        raise CommandError(f"{deployment.url} is said to be live with {commit}, and answers {served.text[:200]}")
    return Push(live=phases["succeeded"], phases=phases)


def _deployment(database: Database, commit: str) -> Deployment | None:
    with database.reading() as reading:
        return reading.scalar(sa.select(Deployment).where(Deployment.app_id == APP, Deployment.commit == commit))
