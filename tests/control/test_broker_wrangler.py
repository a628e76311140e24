"""Plain wrangler deploys through the broker, to the local cloud: live, recorded, seen as it happens, and no drift."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import chromium
import pytest
import sqlalchemy as sa
from broker_world import NAMESPACES
from chromium import Chromium
from onlookers import Dashboard, Watcher
from wrangler_world import REPOSITORY, Local, commit, local_world

from control_plane import access, deployments, operators
from control_plane.broker.bundles import Bundles, Folder
from control_plane.tables import AuditEntry, Deployment


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    with local_world(tmp_path_factory.mktemp("broker")) as made:
        yield made


def test_a_push_goes_live_and_a_pull_request_has_a_preview_that_goes_with_it(local: Local) -> None:
    sha = commit(local, 1)
    local.clone.git("push", "-q", "origin", "HEAD")
    run = local.run(1)
    assert local.answer("shop").json() == [1, "hello", "The shop", "s3cret", [{"one": 1}]]
    assert local.answer("shop", path="/").text == "<h1>version 1</h1>"
    (row,) = local.deployments()
    assert (row.script, row.status, row.commit, row.run_id) == ("shop", "uploaded", sha, run["id"])
    read = local.provider.read("id", local.props)
    assert not local.provider.diff("id", local.props, read.outs).changes
    assert not local.provider.diff("id", read.outs, local.props).changes

    store = Bundles(Folder(local.state / "bundles"))
    bundle = store.open(row.bundle)
    assert store.store.get(bundle["assets"]["/index.html"]["digest"]).decode() == "<h1>version 1</h1>"
    assert b"version" not in store.store.get(bundle["modules"][0]["digest"])

    local.clone.git("checkout", "-q", "-b", "feature")
    commit(local, 2)
    local.clone.git("push", "-q", "origin", "feature")
    pull = {"title": "Two", "head": "feature", "base": "main"}
    number = local.cloud.api("POST", f"{REPOSITORY}/pulls", json=pull).json()["number"]
    local.run(2)
    preview = f"preview-shop-pr{number}"
    assert local.answer(preview, "preview").json() == [2, "hello", "The shop", None, [{"one": 1}]]
    assert local.answer("shop").json()[0] == 1
    assert local.deployments()[-1].pull_request == number

    local.cloud.api("PATCH", f"{REPOSITORY}/pulls/{number}", json={"state": "closed"})
    local.run(3)
    assert local.answer(preview, "preview").status_code == 500
    with local.database.reading() as session:
        entries = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id)).all()
    told = [(entry.action, entry.subject, entry.result) for entry in entries if entry.action.startswith("deploy.")]
    assert told == [
        ("deploy.session", "script:shop", "ok"),
        ("deploy.upload", "script:shop", "ok"),
        ("deploy.session", f"script:{preview}", "ok"),
        ("deploy.upload", f"script:{preview}", "ok"),
        ("deploy.delete", f"script:{preview}", "ok"),
    ]


def test_wrangler_shows_why_it_is_refused(local: Local) -> None:
    wrangler = local.wrangler()
    own = {"d1_databases": [{"binding": "OTHERS", "database_name": "x", "database_id": "0" * 8}]}
    folder = wrangler.project("attack", "export default { fetch() { return new Response('mine'); } };", **own)
    namespace = NAMESPACES["production"]
    assert "this run deploys to script shop, not attack" in wrangler.refused(
        f"deploy --dispatch-namespace {namespace}", folder
    )
    refused = wrangler.refused(f"deploy --dispatch-namespace {namespace} --name shop", folder)
    assert (
        "binding OTHERS of type d1 is not the app's; its stack declares OVERSKILL_APP_NAME (plain_text), DB" in refused
    )


@dataclass(frozen=True)
class Seen:
    """A deploy that people watched: its row, what they were told, and what a browser showed, if there is one."""

    row: Deployment
    watcher: Watcher
    dashboard: Dashboard | None


@pytest.fixture(scope="module")
def seen(local: Local, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    with local.database.writing() as session:
        token = access.issue(session, "watcher", ["events:read"])
        link = operators.login_link(session, "anna", local.broker)
    with ExitStack() as stack:
        dashboard = None
        if chromium.installed():
            folder = tmp_path_factory.mktemp("browser")
            dashboard = Dashboard(stack.enter_context(Chromium(folder)), link)
        watcher = Watcher(f"{local.broker}/api", token)
        wrangler = local.wrangler(run_id="4711", sha="5" * 40)
        folder = wrangler.project("by-hand", "export default { fetch() { return new Response('by hand'); } };")
        wrangler.run(f"deploy --dispatch-namespace {NAMESPACES['production']} --name shop", folder)
        assert local.answer("shop").text == "by hand"
        (row,) = [row for row in local.deployments() if row.run_id == 4711]
        watcher.until("deploy.uploaded", 10, commit=row.commit)
        yield Seen(row, watcher, dashboard)


def test_a_deploy_is_told_at_once(seen: Seen) -> None:
    (wait,) = seen.watcher.waits().values()
    print(f"\nto the event: {wait * 1000:.0f} ms")
    assert wait < 5, "it has waited for the stream's next beat"


def test_a_deploy_appears_by_itself_at_once_in_an_open_browser(seen: Seen, tmp_path: Path) -> None:
    if seen.dashboard is None:
        pytest.skip(chromium.MISSING)
    seen.dashboard.browser.wait("document.querySelector('#deployments code')?.textContent === '5555555'")
    ((_, wait),) = seen.dashboard.waits([deployments.public(seen.row)])
    print(f"\nto the page: {wait * 1000:.0f} ms")
    assert wait < 5, "it has waited for the stream's next beat"
    seen.dashboard.screenshot(tmp_path / "dashboard.png")
    assert seen.dashboard.browser.messages == []
