"""`overskill usage`, `cost` and `billing` against the local cloud."""

import asyncio
import base64
import csv
import datetime as dt
import json
import time
from contextlib import closing

import pytest
from checkout import ACCOUNT, add_script, cloud_of_checkout
from nacl.signing import VerifyKey
from typer.testing import CliRunner

from control_plane.billing.signing import public_key
from control_plane.database import Database
from control_plane.state import Plane
from control_plane.tables import App
from control_plane.usage import task
from control_plane.usage.tables import FIGURES, UsageDay, UsageReading
from infra.outputs import PlatformOutputs
from infra.platform_config import Quota
from local_cloud.edge_data.analytics import keep_data_points
from overskill import billing_command, cli, control_plane_records, serve_command, usage_command
from overskill.errors import CommandError
from overskill.project import Project
from overskill.stack_context import StackContext

ROOT_SECRET = "planted-webhook-secret"
COUNTS = ("sample_interval", "requests", "dispatched", "invocations", "entered")
STORES = f"/client/v4/accounts/{ACCOUNT}/storage/kv/namespaces"


@pytest.fixture
def now():
    """On the day on which the test ends, too."""
    left = 24 * 3600 - time.time() % (24 * 3600)
    if left < 60:
        time.sleep(left)
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def last(now):
    """In the month before this one."""
    return now.replace(day=1) - dt.timedelta(days=1)


@pytest.fixture
def cloud(local, tmp_path, monkeypatch, now, last):
    """The local cloud of a checkout, to which a dispatch Worker has told of an app."""
    monkeypatch.setenv("OVERSKILL_WEBHOOK_SECRET", ROOT_SECRET)
    with cloud_of_checkout(tmp_path, monkeypatch, usage_command, billing_command) as made:
        for script in ("preview-shop", "preview-shop-pr3"):
            add_script(made, "preview", script)
        made.client.post(STORES, json={"title": "overskill-development-apps"}).raise_for_status()
        points = [
            {"timestamp": int(at.timestamp() * 1000), "index": "shop", "blobs": ["shop", "production", "served"]}
            for at in (now, now)
        ]
        store = made.cloud.store
        with store.transaction():
            whole = {"dataset": "overskill_development_usage", "doubles": [1, 5, 0, 2_000_000]}
            keep_data_points(store, [{**point, **whole} for point in points])
        with control_plane_records.writing(Project(tmp_path), "local") as session:
            said = {"plan": "free", "repository": "apps/shop", "repository_id": 1, "declared": {}, "state": "active"}
            session.add(App(id="shop", display_name="Shop", created_at=last, updated_at=last, **said))
        yield made


def run(*words):
    result = CliRunner().invoke(cli.app, words)
    if result.exception:
        raise result.exception
    return result.output


def test_usage_is_collected_and_shown(cloud, now):
    today = f"{now:%Y-%m-%d}"
    run("usage", "collect", "--since", today)
    shown = run("usage", "show")
    assert "shop" in shown
    assert "4.0" in shown
    (gap,) = [line for line in shown.splitlines() if line.startswith("Nothing is known")] or [""]
    assert now.day == 1 or gap.endswith(f"to {today} 00:00 UTC: ./dev usage collect")
    document = json.loads(run("usage", "show", "shop", "--json"))
    assert document["usage"][f"{today} production"]["requests"] == 2
    assert document["coverage"]["sample_interval"] == 1


def test_a_server_collects_by_itself_and_holds_it_against_the_quotas(cloud, now, tmp_path, monkeypatch):
    with control_plane_records.writing(Project(tmp_path), "local") as session:
        hours = [now.replace(minute=0, second=0, microsecond=0) - dt.timedelta(hours=n) for n in range(1, 24 * now.day)]
        session.add_all(UsageReading(hour=hour, read_at=now, **dict.fromkeys(COUNTS, 0)) for hour in hours)
    monkeypatch.setattr(task, "FIRST", 0)
    context = StackContext(Project(tmp_path), "local")
    platform = context.config.overskill
    (store,) = [one["id"] for one in cloud.client.get(STORES).json()["result"]]
    outputs = {name: getattr(platform, name, "") for name in PlatformOutputs.model_fields}
    outputs |= {"origins": platform.origins, "oidc_subject": False, "customer_hosts": None, "app_store": store}
    outputs |= {"plans": [*platform.plans], "template": "apps/template", "dispatcher_version": "1"}
    quotas = {"free": Quota(requests_per_day=2)}
    settings = serve_command.settings_of(context, platform=PlatformOutputs(**outputs), quotas=quotas)
    assert settings.usage_minutes == serve_command.USAGE_MINUTES

    async def until_it_is_over_quota() -> None:
        async with task.collecting(plane):
            while plane_state() != "over-quota":
                await asyncio.sleep(0.05)

    def plane_state() -> str:
        with plane.database.reading() as session:
            return session.get_one(App, "shop").state

    with closing(Database(settings.database)) as database:
        plane = Plane(settings, database)
        asyncio.run(asyncio.wait_for(until_it_is_over_quota(), 30))
    values = f"{STORES}/{store}/values/state:shop"
    assert cloud.client.get(values).json()["reason"] == "2 of 2 requests a day"


def test_what_a_month_costs_is_told_in_each_form(cloud, now, tmp_path):
    run("usage", "collect", "--since", f"{now:%Y-%m-%d}")
    table = run("cost")
    assert "The bill of" in table
    assert "1 of 2 scripts are of pull requests" in table
    (row,) = csv.DictReader(run("cost", "--csv").splitlines())
    assert (row["app"], row["requests"], row["cost"]) == ("shop", "2", "25.000000")
    document = json.loads(run("cost", "--json"))
    assert document["apps"]["shop"]["cost"] == document["total"] == 25_000_000
    assert [one["apps"] for one in document["scenarios"]] == [100, 1000, 50_000]
    file = tmp_path / "report.html"
    run("cost", "--html", str(file))
    assert file.read_text().count("<svg") == 3
    amounts = tmp_path / "amounts.csv"
    amounts.write_text("app,meter,amount\nshop,kv_reads,12000000\n")
    assert json.loads(run("cost", "--json", "--amounts", str(amounts)))["total"] == 26_000_000


def test_a_month_is_closed_and_written_out_with_its_signature(cloud, last, tmp_path):
    month = f"{last:%Y-%m}"
    with control_plane_records.writing(Project(tmp_path), "local") as session:
        used = dict.fromkeys(FIGURES, 1)
        session.add(UsageDay(day=last.date(), app_id="shop", environment="production", **used))
    with pytest.raises(CommandError, match=r"nothing is known of .*--accept-gaps"):
        run("billing", "close", "--month", month)
    assert "is closed at $25.00" in run("billing", "close", "--month", month, "--accept-gaps")
    run("billing", "export", "--month", month, "--to", str(tmp_path))
    made = (tmp_path / f"usage-{month}.json").read_bytes()
    signed = base64.b64decode((tmp_path / f"usage-{month}.json.sig").read_text())
    VerifyKey(base64.b64decode(public_key(ROOT_SECRET))).verify(made, signed)
    assert [(row["app_id"], row["requests"]) for row in json.loads(made)["apps"]] == [("shop", 1)]


def test_what_is_wrong_is_told(cloud, now):
    wrong = {
        "is no day": ("usage", "collect", "--since", "soon"),
        "is no month": ("usage", "show", "--month", "2026-13"),
        "has no price of workers-for-platforms for 2024-01": ("cost", "--month", "2024-01"),
        "--amounts missing.csv": ("cost", "--amounts", "missing.csv"),
        "2025-01 is not closed": ("billing", "export", "--month", "2025-01"),
        "is not over": ("billing", "close", "--month", f"{now:%Y-%m}"),
    }
    for told, words in wrong.items():
        with pytest.raises(CommandError, match=told):
            run(*words)
