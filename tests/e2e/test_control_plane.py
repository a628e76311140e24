"""The control plane that `./dev up` starts: an app made, suspended and destroyed by its API, by the real engine."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from conftest import PLANTED, Checkout

from control_plane.database import Database
from control_plane.tables import App, Provision
from overskill.control_plane_process import ControlPlane
from overskill.project import Project

SECONDS = 120
HOST = "shop.overskill.localhost"


@pytest.fixture(scope="module")
def up(checkout: Checkout) -> Checkout:
    checkout.run("up", "--detach")
    return checkout


def control_plane(checkout: Checkout) -> ControlPlane:
    found = ControlPlane.of(Project(checkout.root), "local", checkout.config)
    assert found
    return found


@pytest.fixture
def api(up: Checkout) -> Iterator[httpx.Client]:
    printed = up.run("token", "create", "builder", "--scope", "apps:read", "--scope", "apps:write")
    (token,) = re.findall(r"osk_\S+", printed)
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=up.config.overskill.api_base, headers=headers, trust_env=False, timeout=30) as client:
        yield client


def ended(api: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    path = f"/provisions/{answer.json()['id']}"
    ends = ("ready", "destroyed", "failed", "cancelled")
    deadline = time.monotonic() + SECONDS
    while (found := api.get(path).json())["status"] not in ends:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return dict(found)


def known(checkout: Checkout) -> list[str]:
    database = Database(f"sqlite:///{control_plane(checkout).state / 'control-plane.db'}")
    with database.reading() as session:
        apps = list(session.scalars(sa.select(App.id).order_by(App.id)))
    database.close()
    return apps


def lose_the_records_of_shop(checkout: Checkout) -> None:
    """As a database does that is restored to before it was made."""
    database = Database(f"sqlite:///{control_plane(checkout).state / 'control-plane.db'}")
    with database.writing() as session:
        session.execute(sa.delete(App).where(App.id == "shop"))
        session.execute(sa.delete(Provision).where(Provision.app_id == "shop"))
    database.close()


def test_an_app_is_made_suspended_and_destroyed(up: Checkout, api: httpx.Client) -> None:
    assert known(up) == ["ultrathink"]
    made = ended(api, api.post("/apps", json={"app_id": "shop", "display_name": "Shop", "first_deploy": False}))
    assert (made["status"], made["error"], list(made["steps"])) == ("ready", None, ["quota", "stack", "probe", "ready"])
    assert known(up) == ["shop", "ultrathink"]
    assert "Shop" in up.page(HOST).text
    assert re.search(r"shop\s+complete", up.run("app", "list"))
    api.post("/apps/shop/suspend", json={"reason": "unpaid"}).raise_for_status()
    up.await_status(HOST, 403)
    api.post("/apps/shop/resume").raise_for_status()
    up.await_status(HOST, 200)
    lose_the_records_of_shop(up)
    answer = api.post("/apps", json={"app_id": "shop", "first_deploy": False})
    assert answer.status_code == 409
    assert "./dev fleet apply FILE --verify --stack local" in answer.json()["detail"]
    (up.root / "lost.yaml").write_text("apps: [{id: shop, displayName: Shop}]\n")
    up.run("fleet", "apply", "lost.yaml", "--verify", "--stack", "local")
    assert known(up) == ["shop", "ultrathink"]
    up.await_status(HOST, 200)
    assert ended(api, api.delete("/apps/shop"))["status"] == "destroyed"
    up.await_status(HOST, 404)
    assert known(up) == ["ultrathink"]


def test_nothing_secret_is_in_its_files_and_it_ends_with_the_local_cloud(up: Checkout) -> None:
    plane = control_plane(up)
    assert up.run("up", "--detach").count(plane.url) == 1
    kept = [file for file in Path(plane.state).rglob("*") if file.is_file()]
    assert {"control-plane.db", "workflows.db"} <= {file.name for file in kept}
    secrets = [PLANTED, *up.cloud.credentials().values()]
    told = b"".join(file.read_bytes() for file in [*kept, plane.log])
    assert not [secret for secret in secrets if len(secret) > 20 and secret.encode() in told]
    up.run("down")
    assert plane.process() is None
