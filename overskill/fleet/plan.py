"""What a fleet run has to do, from what is wanted and what the index knows. The engine is not asked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from overskill.fleet import costs
from overskill.fleet.costs import Costs
from overskill.fleet.desired_state import Desired
from overskill.fleet.index import Entry
from overskill.fleet.scheduler import Job
from overskill.removal import Step


@dataclass(frozen=True)
class Absent:
    """An app that shall not be: what is done next to it, and what its runs cost."""

    step: Step
    costs: Costs


@dataclass(frozen=True)
class Plan:
    """Beside the jobs, ids: apps as wanted, those in their time of grace, and those that the file does not name."""

    jobs: Sequence[Job]
    unchanged: Sequence[str]
    waiting: Sequence[str]
    left_out: Sequence[str]


def plan(
    wanted: Mapping[str, Desired],
    absent: Mapping[str, Absent],
    known: Mapping[str, Entry],
    resumed: Collection[str] = (),
    *,
    verify: bool,
) -> Plan:
    """`absent` are the apps that are known to exist and shall not.

    What a run before has left unfinished comes first. `resumed` are suspended, and wanted again. With `verify`,
    unchanged apps are looked at too.
    """
    jobs, unchanged = [], []
    for app_id, desired in wanted.items():
        entry = known.get(app_id)
        if app_id in resumed:
            jobs.append(Job(app_id, "up", desired.costs.most("up", entry) + costs.RESUME))
        elif entry is None or unfinished(entry) or entry.digest != desired.digest:
            jobs.append(Job(app_id, "up", desired.costs.most("up", entry)))
        else:
            unchanged.append(app_id)
    jobs.sort(key=lambda job: not unfinished(known.get(job.app_id)))
    if verify:
        jobs += [Job(app_id, "verify", wanted[app_id].costs.most("verify", known[app_id])) for app_id in unchanged]
    for app_id, one in absent.items():
        if one.step != "wait":
            jobs.append(Job(app_id, one.step, one.costs.most(one.step, known.get(app_id))))
    waiting = [app_id for app_id, one in absent.items() if one.step == "wait"]
    left_out = sorted(known.keys() - wanted.keys() - absent.keys())
    return Plan(jobs, unchanged, waiting, left_out)


def unfinished(entry: Entry | None) -> bool:
    """Whether the app's last run did not end well: the next one looks first at what really exists."""
    return entry is not None and entry.state != "done"
