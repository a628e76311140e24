"""What was used, as it is paid for: by app, day after day."""

import csv
import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from control_plane.cost.allocation import apportion
from control_plane.cost.bill import Day
from control_plane.cost.prices import METERS, Meter
from control_plane.deployments import ENDS
from control_plane.tables import App, Deployment
from control_plane.usage.months import Month
from control_plane.usage.tables import NO_APP, UsageDay, UsageReading, UsageScripts


def days(session: Session, month: Month) -> Iterator[Day]:
    """Each day's requests, CPU time and Actions minutes.

    Requests however they ended: Cloudflare counts one for dispatch Worker, app and outbound Worker. Of those that the
    dispatch Worker entered and did not tell of, nobody knows whose they are. What the platform's Workers took of CPU
    time is the apps', by their requests.
    """
    lost: Counter[dt.date] = Counter()
    readings = sa.select(UsageReading).where(UsageReading.hour >= month.begin, UsageReading.hour < month.end)
    for reading in session.scalars(readings):
        lost[reading.hour.date()] += max(reading.entered - reading.requests, 0)
    minutes = _actions_minutes(session, month)
    sums = sa.func.sum(UsageDay.requests), sa.func.sum(UsageDay.cpu_us)
    for day in month.days:
        query = sa.select(UsageDay.app_id, *sums).where(UsageDay.day == day).group_by(UsageDay.app_id)
        rows = session.execute(query).all()
        requests = {app: int(count) for app, count, _ in rows}
        cpu_us = {app: int(amount) for app, _, amount in rows}
        shared = cpu_us.pop(NO_APP, 0)
        if shared:
            parts = apportion(shared, requests if any(requests.values()) else {NO_APP: 1})
            cpu_us = {app: cpu_us.get(app, 0) + part for app, part in parts.items()}
        requests[NO_APP] = requests.get(NO_APP, 0) + lost[day]
        yield {"requests": requests, "cpu_us": cpu_us, "actions_minutes": minutes[day]}


def scripts(session: Session, month: Month) -> Counter[str]:
    """Those of the day of the month on which there were most."""
    within = UsageScripts.day.between(month.days[0], month.days[-1])
    count = sa.func.sum(UsageScripts.scripts)
    day = session.scalar(
        sa.select(UsageScripts.day)
        .where(within)
        .group_by(UsageScripts.day)
        .order_by(count.desc(), UsageScripts.day)
        .limit(1)
    )
    query = sa.select(UsageScripts.app_id, count).where(UsageScripts.day == day).group_by(UsageScripts.app_id)
    return Counter({app: int(number) for app, number in session.execute(query)})


def previews(session: Session, month: Month) -> int:
    """How many scripts of pull requests there are on the last day of the month that was counted."""
    last = sa.select(sa.func.max(UsageScripts.day)).where(UsageScripts.day <= month.days[-1]).scalar_subquery()
    return session.scalar(sa.select(sa.func.sum(UsageScripts.previews)).where(UsageScripts.day == last)) or 0


def _actions_minutes(session: Session, month: Month) -> dict[dt.date, Counter[str]]:
    """Of each day, from the deploys that are recorded: from a run's first sign to its last, in begun minutes.

    That is one job a run, as the pipeline's is, and without what a job does before it tells of itself.
    """
    query = sa.select(Deployment.app_id, Deployment.created_at, Deployment.phases).where(
        Deployment.run_id > 0, Deployment.created_at >= month.begin, Deployment.created_at < month.end
    )
    days: dict[dt.date, Counter[str]] = defaultdict(Counter)
    for app, at, phases in session.execute(query):
        ended = [dt.datetime.fromisoformat(phases[status]) for status in ENDS if status in phases]
        if ended:
            days[at.date()][app] += max(1, math.ceil((max(ended) - at).total_seconds() / 60))
    return days


def apps(session: Session, month: Month) -> set[str]:
    """Those that were there in the month: made before its end, or used, or with scripts in it."""
    found = set(session.scalars(sa.select(App.id).where(App.created_at < month.end)))
    for table in (UsageDay, UsageScripts):
        within = table.day.between(month.days[0], month.days[-1])
        found |= set(session.scalars(sa.select(table.app_id).where(within).distinct()))
    return found - {NO_APP}


def given(file: Path) -> Day:
    """What a CSV file with the columns `app`, `meter` and `amount` has: use that is not collected, such as D1's.

    Raises `ValueError` that names each line which is none.
    """
    found: dict[Meter, Counter[str]] = defaultdict(Counter)
    wrong = []
    with file.open(newline="") as opened:
        for number, row in enumerate(csv.DictReader(opened), 2):
            app, meter, amount = (row.get(name) or "" for name in ("app", "meter", "amount"))
            if app and meter in METERS and amount.isdecimal():
                found[meter][app] += int(amount)
            else:
                wrong.append(f"line {number}: {','.join(str(value) for value in row.values())}")
    if wrong:
        listed = "\n".join(wrong)
        raise ValueError(f"columns are app, meter (of {', '.join(METERS)}) and amount, a whole number:\n{listed}")
    return found
