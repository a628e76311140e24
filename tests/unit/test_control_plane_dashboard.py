"""The dashboard's pages: what they show, that they show all of it, and that nothing in them is run."""

import datetime as dt
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from control_plane_settings import browser, csrf, declare_app, plane

from app_stacks import cloudflare_api
from control_plane import audit, deployments, operators
from control_plane.dashboard import views
from control_plane.state import Plane
from control_plane.tables import App, Delivery, Provision

BEGAN = dt.datetime(2026, 11, 24, 20, 0, tzinfo=dt.UTC)
MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def served(tmp_path: Path) -> Plane:
    return plane(tmp_path)


@pytest.fixture
def client(served: Plane) -> Iterator[httpx.Client]:
    """An operator's, who is logged in."""
    with served.database.writing() as session:
        link = operators.login_link(session, "anna", "")
    with browser(served) as made:
        made.get(link)
        yield made


def deploy(served: Plane, app_id: str, run_id: int, *statuses: deployments.Status, **changed: object) -> None:
    for second, status in enumerate(statuses):
        told = {
            "app_id": app_id,
            "environment": "production",
            "script": app_id,
            "run_id": run_id,
            "run_attempt": 1,
            "commit": "c0ffee00c0ffee",
            "status": status,
            "at": BEGAN + dt.timedelta(seconds=second),
        }
        with served.database.writing() as session:
            deployments.record(session, deployments.Progress(**{**told, **changed}))


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", html))


def listed(html: str) -> list[str]:
    """The apps of a page's table, by the links in it."""
    return re.findall(r'<th scope="row"><a id="[^"]*" href="/apps/([^"]*)"', html)


def test_paging_shows_every_app_once(served: Plane, client: httpx.Client) -> None:
    ids = sorted(f"app{number}" for number in range(views.ROWS * 2 + 7))
    for number, app_id in enumerate(ids):
        declare_app(served, app_id, repository_id=number + 1)
    found, path = [], "/"
    while path:
        page = client.get(path).text
        found += listed(page)
        further = re.search(r'<a href="(\?[^"]*after=[^"]*)">Next', page)
        path = further and "/" + further[1].replace("&amp;", "&")
    assert found == ids


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=shop", ["cardshop", "shop1"]),
        ("q=SHOP acme", ["shop1"]),
        ("q=müller", ["bakery"]),
        ("q=MÜLLER", ["bakery"]),
        ("q=overskill-apps/bak", ["bakery"]),
        ("q=%25", []),
        ("q=_", []),
        ("q=nothing", []),
        ("state=suspended", ["cardshop"]),
        ("state=active", ["bakery", "shop1"]),
        ("q=shop&state=active", ["shop1"]),
    ],
)
def test_search(served: Plane, client: httpx.Client, query: str, expected: list[str]) -> None:
    declare_app(served, "shop1", customer="acme")
    declare_app(served, "cardshop")
    declare_app(served, "bakery", display_name="Müller & Söhne")
    with served.database.writing() as session:
        app = session.get(App, "cardshop")
        assert app
        app.state = "over-quota"
    page = client.get(f"/?{query}").text
    assert listed(page) == expected
    assert expected or "No app has this" in page


def test_an_app_with_its_addresses_deploys_and_audit(served: Plane, client: httpx.Client) -> None:
    declare_app(served, "abc123", customer="acme")
    deploy(served, "abc123", 1, "queued", "building", "failed", error="vite: no such file")
    deploy(served, "abc123", 2, "queued", "building", actor="bert", ref="refs/heads/main")
    with served.database.writing() as session:
        deed = audit.Deed("run:overskill-apps/abc123/2", "deploy.upload", "script:staging-abc123", "refused")
        audit.append(session, deed)
    html = client.get("/apps/abc123").text
    page = text(html)
    for address in ("abc123", "staging-abc123", "preview-abc123"):
        assert f'href="https://{address}.overskill.test/"' in html
    assert 'href="https://overskill-dispatch.overskill.workers.test/app/abc123/"' in html
    assert "vite: no such file" in page and "failed 2.0 s" in page
    assert "queued 1.0 s building c0ffee0 main" not in page
    assert "building c0ffee0 main queued 1.0 s building" in page, "the latest one, in its place"
    assert "deploy.upload refused" in page and "app.create ok" in page
    assert client.get("/apps/other").status_code == 404


def test_the_newest_come_first_and_older_ones_by_a_link(served: Plane, client: httpx.Client) -> None:
    declare_app(served, "abc123")
    for number in range(1, views.ROWS + 4):
        deploy(served, "abc123", number, "succeeded", commit=f"{number:07}")
    for path in ("/activity", "/apps/abc123"):
        page = client.get(path).text
        section = page[page.index('id="deployments"') :]
        shown = re.findall("<code>([0-9]{7})</code>", section)
        older = re.search(r'href="(\?before=[0-9]+)"', section)
        assert older
        section = client.get(path + older[1]).text
        shown += re.findall("<code>([0-9]{7})</code>", section[section.index('id="deployments"') :])
        assert shown == [f"{number:07}" for number in range(views.ROWS + 3, 0, -1)]


def test_provisions_failed_webhooks_and_the_audit(served: Plane, client: httpx.Client) -> None:
    with served.database.writing() as session:
        content = {
            "action": "create",
            "steps": {},
            "customer": "acme",
            "actor": "token:builder",
            "request": {},
            "error": None,
        }
        content |= {"created_at": BEGAN, "updated_at": BEGAN}
        session.add(Provision(id="1", app_id="made", status="ready", step="ready", **content))
        session.add(Provision(id="2", app_id="new", status="running", step="repository", **content))
        delivery = {"event": "github.push", "app_id": "gone", "body": {}, "received_at": BEGAN, "attempts": 3}
        session.add(Delivery(key="1", done_at=BEGAN, next_at=None, error="no app gone", **delivery))
        session.add(Delivery(key="2", done_at=BEGAN, next_at=None, error=None, **delivery))
        audit.append(session, audit.Deed("system", "app.create", "app:new"))
        audit.append(session, audit.Deed("system", "app.create", "app:made"))
    assert listed(client.get("/provisions").text) == ["new", "made"]
    failed = text(client.get("/failed-webhooks").text)
    assert failed.count("github.push failed came in gone no app gone 3") == 1
    assert "app:made" in client.get("/audit").text
    assert "app:made" not in client.get("/audit?subject=app:new").text


class Store:
    """An app store that has one value, or (`broken`) takes none."""

    def __init__(self) -> None:
        self.value: bytes | None = None
        self.broken = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path.endswith("/storage/kv/namespaces/store/values/state:abc123")
        if self.broken:
            return httpx.Response(403, json={"success": False, "errors": [{"code": 10000, "message": "not yours"}]})
        if request.method == "GET" and self.value is None:
            return httpx.Response(404, json={"success": False, "errors": [{"code": 10009, "message": "no key"}]})
        if request.method == "GET":
            return httpx.Response(200, content=self.value)
        form = re.search(rb"{.*}", request.read())
        self.value = form and form[0]
        return httpx.Response(200, json={"success": True, "result": None, "errors": []})


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    made = Store()
    with_store = partial(httpx.Client, transport=httpx.MockTransport(made.answer))
    monkeypatch.setattr(cloudflare_api.httpx, "Client", with_store)
    return made


def test_an_app_is_suspended_and_resumed(served: Plane, client: httpx.Client, store: Store) -> None:
    declare_app(served, "abc123")
    form = {"csrf": csrf(client), "reason": "unpaid", "state": "legal"}
    assert 'action="/apps/abc123/suspend"' in client.get("/apps/abc123").text
    assert client.post("/apps/abc123/suspend", data=form).headers["location"] == "/apps/abc123"
    assert store.value and b"unpaid" in store.value
    page = client.get("/apps/abc123").text
    assert "app.suspend ok operator:anna app:abc123" in text(page) and 'action="/apps/abc123/resume"' in page
    assert client.post("/apps/abc123/resume", data=form).status_code == 303
    assert store.value is None
    assert "app.resume ok operator:anna" in text(client.get("/apps/abc123").text)


def test_a_store_that_does_not_take_it_changes_nothing(served: Plane, client: httpx.Client, store: Store) -> None:
    declare_app(served, "abc123")
    store.broken = True
    form = {"csrf": csrf(client), "reason": "unpaid", "state": "legal"}
    answer = client.post("/apps/abc123/suspend", data=form)
    assert answer.status_code == 502 and "not yours" in answer.text
    assert 'action="/apps/abc123/suspend"' in client.get("/apps/abc123").text
    assert client.post("/apps/other/suspend", data=form).status_code == 404


def test_a_browser_that_is_refused_is_shown_a_page(client: httpx.Client) -> None:
    answer = client.post("/logout", data={"csrf": "guessed"}, headers={"Accept": "text/html"})
    assert (answer.status_code, "load its page again" in answer.text, "<main" in answer.text) == (403, True, True)
    assert client.get("/none", headers={"Accept": "application/json"}).json() == {"detail": "Not Found"}


def test_nothing_that_others_wrote_is_markup(served: Plane, client: httpx.Client) -> None:
    declare_app(served, "abc123", customer=MARKUP, display_name=MARKUP)
    deploy(served, "abc123", 1, "failed", error=MARKUP, actor=MARKUP, ref=MARKUP)
    deploy(served, "abc123", 2, "succeeded", url='javascript:alert("1")', log_url="javascript:alert(1)")
    with served.database.writing() as session:
        audit.append(session, audit.Deed(MARKUP, MARKUP, "app:abc123", details={MARKUP: MARKUP}))
    for path in ("/", "/apps/abc123", "/activity", "/audit", f"/?q={MARKUP}", f"/audit?subject={MARKUP}"):
        page = client.get(path).text
        assert MARKUP not in page
        assert 'href="javascript:' not in page
    assert "&lt;script&gt;" in client.get("/apps/abc123").text


def test_a_page_stands_without_its_scripts_for_those_who_do_not_see_it(served: Plane, client: httpx.Client) -> None:
    declare_app(served, "abc123")
    deploy(served, "abc123", 1, "building")
    for path in ("/", "/apps/abc123", "/activity", "/provisions", "/failed-webhooks", "/audit"):
        page = client.get(path).text
        assert page.count("<main") == page.count("<h1") == 1
        assert '<html lang="en">' in page and '<nav aria-label="Main">' in page and 'role="status"' in page
        fields = re.findall(r'<(?:input|select|textarea) id="([^"]*)"', page)
        assert all(f'<label class="unseen" for="{name}"' in page or f'<label for="{name}"' in page for name in fields)
        assert len(re.findall(' id="([^"]*)"', page)) == len(set(re.findall(' id="([^"]*)"', page)))
        assert page.count("<section") == len(re.findall("<section[^>]* aria-label", page))
