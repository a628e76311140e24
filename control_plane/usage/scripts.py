"""How many scripts each app has, noted once a day: they are paid for, and those of pull requests stay till removed."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable

import sqlalchemy as sa

from app_stacks.cloudflare_api import CloudflareApi
from control_plane.database import Database
from control_plane.usage.invocations import Place
from control_plane.usage.tables import NO_APP, UsageScripts
from infra.names import parse_script


def note(api: CloudflareApi, database: Database, account_id: str, namespaces: Iterable[str], day: dt.date) -> None:
    """Count the scripts of all namespaces, unless that was done today. Raises `CloudflareError`."""
    of_day = UsageScripts.day == day
    with database.reading() as session:
        if session.scalar(sa.select(sa.exists().where(of_day))):
            return
    scripts: Counter[Place] = Counter()
    previews: Counter[Place] = Counter()
    for namespace in namespaces:
        for name in api.script_names(account_id, namespace):
            script = parse_script(name)
            place = (script.app_id, script.environment) if script else (NO_APP, "")
            scripts[place] += 1
            previews[place] += bool(script and script.pull_request)
    rows = [
        {"day": day, "app_id": place[0], "environment": place[1], "scripts": count, "previews": previews[place]}
        for place, count in sorted(scripts.items())
    ]
    with database.writing() as session:
        session.execute(sa.delete(UsageScripts).where(of_day))
        if rows:
            session.execute(sa.insert(UsageScripts), rows)
