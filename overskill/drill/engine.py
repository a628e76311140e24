"""The engine, in a copy of this checkout: calls that fail under it, its death in the middle, half a state."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import psutil

from app_stacks.cloudflare_error import CloudflareError
from overskill import apps
from overskill.checkout_copy import copied
from overskill.drill.cloud import FAULTS
from overskill.drill.faulty_calls import shown
from overskill.drill.files import HALF, halve
from overskill.drill.row import Row, drilled, require
from overskill.drill.setting import Setting
from overskill.errors import CommandError
from overskill.local_api import ask
from overskill.project import Project
from overskill.removal import Removal
from overskill.session import Session

CREATES, DESTROYS, KILLS = 6, 3, 3
SERVICES = {"Cloudflare": ("cloudflare", "/client/v4"), "GitHub": ("github", "/api/v3")}
TOLD = (CommandError, CloudflareError)
"""What the command line tells without a traceback."""

AT_ONCE = Removal(delete_repository=True)


def drill(setting: Setting) -> None:
    if setting.quick:
        return
    rows, chance = setting.rows, setting.chance
    session = Session(Project(copied(Project().root, setting.folder / "checkout")))
    session.cloud.start(setting.cloud.programs)
    try:
        with drilled("platform up", "any call", "one in ten goes wrong", rows) as course:
            ask(session.cloud, "PUT", "profile", json={"name": "hostile", "latencies": False, "enforce_limits": False})
            course.until_done(session.up_platform, TOLD, again=9)
            ask(session.cloud, "PUT", "profile", json={})
            session.publish_template()
        drills = _Drills(session, rows, chance)
        drills.create()
        drills.destroy()
        drills.kill()
        drills.half_a_state()
    finally:
        session.cloud.stop()


class _Drills:
    def __init__(self, session: Session, rows: list[Row], chance: random.Random) -> None:
        self._session, self._rows, self._chance = session, rows, chance
        self._apps = 0

    def create(self) -> None:
        calls = self._calls(lambda app_id: apps.create(self._session, app_id), self._fresh())
        for call, name in self._chosen(calls, CREATES):
            app_id = self._fresh()
            with drilled("app create", shown(*call[1:]), name, self._rows) as course:
                with self._failing(call, app_id, name):
                    course.until_done(partial(apps.create, self._session, app_id), TOLD)
                self._check(app_id)

    def destroy(self) -> None:
        def removed(app_id: str) -> None:
            apps.destroy(self._session, app_id, AT_ONCE)

        first = self._made()
        for call, name in self._chosen(self._calls(removed, first), DESTROYS):
            app_id = self._made()
            with drilled("app destroy", shown(*call[1:]), name, self._rows) as course:
                with self._failing(call, app_id, name):
                    course.until_done(partial(removed, app_id), TOLD)
                left = [one.app_id for one in apps.list_apps(self._session)]
                require(app_id not in left, "it is still listed")
                require(self._clouds.github(f"repos/{self._clouds.owner}/{app_id}") is None, "its repository is there")

    def kill(self) -> None:
        for _ in range(KILLS):
            app_id, seconds = self._fresh(), self._chance.uniform(1, 6)
            with drilled("app create", f"engine, after {seconds:.1f} s", "kill -9", self._rows):
                command = [sys.executable, "-m", "overskill", "app", "create", app_id]
                root = self._session.project.root
                environment = {**os.environ, "PYTHONPATH": str(root)}
                with subprocess.Popen(
                    command, cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                ) as run:
                    time.sleep(seconds)
                    victims = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
                    for victim in victims:
                        with suppress(psutil.NoSuchProcess):
                            victim.kill()
                apps.create(self._session, app_id)
                self._check(app_id)

    def half_a_state(self) -> None:
        app_id = self._made()
        stack = self._session.app_stack(app_id)
        (file,) = self._session.project.backend.glob(f".pulumi/stacks/*/{stack}.json")
        place = f"state of the stack, {self._session.app_stack('APP')}.json"
        with drilled("app update", place, HALF, self._rows) as course:
            whole = file.read_bytes()
            halve(file)
            try:
                apps.create(self._session, app_id)
            except TOLD as error:
                course.tell(error)
                require(str(file) in str(error), f"the error does not name the file: {course.told}")
            require(bool(course.told), "half a state was taken for whole")
            file.write_bytes(whole)
            apps.create(self._session, app_id)
            self._check(app_id)

    @property
    def _clouds(self) -> Any:
        return self._session.clouds(self._session.config.overskill.github_organization)

    def _fresh(self) -> str:
        self._apps += 1
        return f"drill{self._apps}"

    def _made(self) -> str:
        app_id = self._fresh()
        apps.create(self._session, app_id)
        return app_id

    def _check(self, app_id: str) -> None:
        found = {one.app_id: one for one in apps.list_apps(self._session)}
        require(app_id in found and found[app_id].complete, "a script of it is missing")
        require(self._clouds.github(f"repos/{self._clouds.owner}/{app_id}") is not None, "its repository is missing")

    def _calls(self, work: Any, app_id: str) -> list[tuple[str, str, str]]:
        """The calls that it makes for an app: service, method, and the path with `*` for what is the app's."""
        last = ask(self._session.cloud, "GET", "requests")["requests"][0]["number"]
        work(app_id)
        made = ask(self._session.cloud, "GET", f"requests?after={last}")["requests"]
        found = []
        for one in reversed(made):
            if known := SERVICES.get(one["service"]):
                service, root = known
                path = one["path"].removeprefix(root)
                shown = "/".join("*" if app_id in part else part for part in path.split("/"))
                found.append((service, one["method"], shown))
        return list(dict.fromkeys(found))

    def _chosen(self, calls: list[tuple[str, str, str]], number: int) -> list[tuple[tuple[str, str, str], str]]:
        faults = [name for name in FAULTS if name != "slow"]
        return self._chance.sample([(call, name) for call in calls for name in faults], number)

    @contextmanager
    def _failing(self, call: tuple[str, str, str], app_id: str, fault: str) -> Iterator[None]:
        service, method, path = call
        rule: Mapping[str, Any] = {"service": service, "method": method, "path": path, "fault": FAULTS[fault]}
        ask(self._session.cloud, "PUT", "profile", json={"calls": [rule]})
        try:
            yield
        finally:
            ask(self._session.cloud, "PUT", "profile", json={})
