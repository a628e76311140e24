"""Each call of a workflow goes wrong in each way, one a drill: the workflow is run once to see its calls."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from overskill.drill.cloud import FAULTS, Cloud
from overskill.drill.row import drilled, require
from overskill.drill.setting import Setting


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """`run` does it for an app of this id, and raises `told_by` where it says that it has failed; done again, it goes
    on. `check` raises `Wrong` unless everything of the app is as it should be then."""

    name: str
    run: Callable[[str], object]
    check: Callable[[str], None]
    told_by: type[Exception]


@dataclass(frozen=True, kw_only=True)
class Call:
    """The `nth` one of this method and path, in which `*` stands for what is the app's."""

    method: str
    path: str
    nth: int

    def __str__(self) -> str:
        return shown(self.method, self.path) + (f" ({self.nth})" if self.nth > 1 else "")


def shown(method: str, path: str) -> str:
    """A call without what is the same in all of them."""
    return f"{method} {re.sub(r'^/(?:accounts/[0-9a-z]+/(?:workers/)?)?|(?<=/namespaces/)[^/]+/', '', path)}"


def drill(setting: Setting, workflow: Workflow, few: int | None) -> None:
    """All of them, or a `few` by chance."""
    cloud = setting.cloud
    pairs = [(call, name) for call in _calls(cloud, workflow) for name in FAULTS]
    for call, name in pairs if few is None else setting.chance.sample(pairs, min(few, len(pairs))):
        app_id = cloud.fresh()
        with drilled(workflow.name, str(call), name, setting.rows) as course:
            cloud.faults(_rule(call, FAULTS[name]))
            try:
                course.until_done(partial(workflow.run, app_id), workflow.told_by)
            finally:
                cloud.faults()
            workflow.check(app_id)


def _calls(cloud: Cloud, workflow: Workflow) -> Sequence[Call]:
    """What it calls where nothing goes wrong."""
    app_id = cloud.fresh()
    with cloud.watched() as made:
        workflow.run(app_id)
    workflow.check(app_id)
    require(bool(made), f"{workflow.name} has made no call")
    return list(_numbered((method, _any_app(path, app_id)) for method, path in made))


def _numbered(made: Iterator[tuple[str, str]]) -> Iterator[Call]:
    seen: Counter[tuple[str, str]] = Counter()
    for method, path in made:
        seen[method, path] += 1
        yield Call(method=method, path=path, nth=seen[method, path])


def _any_app(path: str, app_id: str) -> str:
    return "/".join("*" if app_id in part else part for part in path.split("/"))


def _rule(call: Call, fault: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"service": "cloudflare", "method": call.method, "path": call.path, "nth": call.nth, "fault": fault}
