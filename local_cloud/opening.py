"""Taking up a state directory, whatever the process before this one was doing when it ended."""

import sqlite3

from local_cloud.actions import runner
from local_cloud.cloud import Cloud
from local_cloud.d1 import Databases
from local_cloud.git_repositories import GitRepositories
from local_cloud.github import outbox
from local_cloud.profiles import Conditions, Wanted
from local_cloud.rate_limits import RateLimits
from local_cloud.settings import Settings
from local_cloud.snapshots import Snapshots
from local_cloud.state import StateDirectory, StateError
from local_cloud.store import Store


def open_cloud(settings: Settings, state: StateDirectory, rate_limits: RateLimits | None = None) -> Cloud:
    """The cloud that `state`, acquired already, holds; a new one if it is empty. Raises `StateError`, `StoreError`.

    `rate_limits` are GitHub's; by default they are counted, and enforced where the profile says so.
    """
    try:
        return _opened(settings, state, rate_limits)
    except sqlite3.OperationalError:
        raise  # it is busy, or its disk is full
    except sqlite3.DatabaseError as error:
        raise StateError(
            f"{state.database} is damaged ({error}): put a copy of {state.path} back, or give up the state with: "
            f"rm -r {state.path}"
        ) from None


def _opened(settings: Settings, state: StateDirectory, rate_limits: RateLimits | None) -> Cloud:
    conditions = Conditions(Wanted(name=settings.profile, seed=settings.seed))
    cloud = Cloud(
        settings=settings,
        state=state,
        vault=state.vault(),
        credentials=state.credentials(),
        store=Store(state.database),
        repositories=GitRepositories(state.repositories),
        databases=Databases(state.databases),
        conditions=conditions,
        rate_limits=rate_limits or RateLimits(enforcing=lambda: conditions.enforce_limits),
    )
    Snapshots(cloud).finish()
    cloud.seed()
    outbox.end_interrupted(cloud)
    runner.end_interrupted(cloud)
    runner.end_orphans(cloud)
    cloud.repositories.sweep(keep=cloud.repository_paths())
    cloud.databases.sweep(keep=cloud.database_ids())
    cloud.store.sweep_blobs()
    return cloud
