"""What a fleet run has to do, from what is wanted and what the index knows. The engine is not asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from overskill.fleet import costs
from overskill.fleet.index import Entry
from overskill.fleet.scheduler import Job


@dataclass(frozen=True)
class Plan:
    """`unchanged` and `left_out` are ids: apps as wanted, and apps of the index that the file does not name."""

    jobs: Sequence[Job]
    unchanged: Sequence[str]
    left_out: Sequence[str]


def plan(wanted: Mapping[str, str], absent: Sequence[str], known: Mapping[str, Entry], *, verify: bool) -> Plan:
    """`wanted` has each app's digest, `absent` the apps that are known to exist and shall not.

    What a run before has left unfinished comes first. With `verify`, unchanged apps are looked at too.
    """
    jobs, unchanged = [], []
    for app_id, digest in wanted.items():
        entry = known.get(app_id)
        if entry is None or unfinished(entry) or entry.digest != digest:
            jobs.append(Job(app_id, "up", costs.most("up", entry)))
        else:
            unchanged.append(app_id)
    jobs.sort(key=lambda job: not unfinished(known.get(job.app_id)))
    if verify:
        jobs += [Job(app_id, "verify", costs.most("verify", known[app_id])) for app_id in unchanged]
    jobs += [Job(app_id, "destroy", costs.most("destroy", known.get(app_id))) for app_id in absent]
    left_out = sorted(known.keys() - wanted.keys() - set(absent))
    return Plan(jobs, unchanged, left_out)


def unfinished(entry: Entry | None) -> bool:
    """Whether the app's last run did not end well: the next one looks first at what really exists."""
    return entry is not None and entry.state != "done"
