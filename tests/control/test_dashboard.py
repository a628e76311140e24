"""The dashboard in a real browser, over a real server: what happens shows by itself, and the keyboard is enough."""

import datetime as dt
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Chromium
from dashboard_steps import tell
from server_process import Installation, ServerProcess

from control_plane import operators
from control_plane.cost.report import report
from control_plane.dashboard.cost import standalone
from control_plane.usage.months import Month
from control_plane.usage.tables import FIGURES, UsageDay

PASSWORD = "correct horse battery"

LATEST = {
    "/": "#apps [data-label='Last deploy'] > span > :first-child",
    "/apps/abc123": "#places .badge",
    "/activity": "#deployments .badge",
}
"""Where a page has the status of the latest deploy of the first app."""

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no database makes a difference to."""


@pytest.fixture
def server(installation: Installation) -> ServerProcess:
    with installation.declare("abc123", "shop").database.writing() as session:
        operators.set_password(session, "anna", PASSWORD)
    return installation.server()


@pytest.fixture
def page(tmp_path: Path, server: ServerProcess, installation: Installation) -> Iterator[Chromium]:
    """A browser in which an operator is logged in."""
    with installation.database.writing() as session:
        link = operators.login_link(session, "anna", server.url)
    with Chromium(tmp_path / "browser") as browser:
        browser.open(link)
        browser.wait("document.querySelector('#live')?.dataset.state === 'on'")
        yield browser
        assert browser.messages == [], "nothing that the page's policy refused, and no error"


def test_each_phase_shows_within_a_second(page: Chromium, server: ServerProcess, installation: Installation) -> None:
    waits = {}
    for run_id, path in enumerate(("/", "/apps/abc123", "/activity"), 1):
        page.open(f"{server.url}{path}")
        page.wait("document.querySelector('#live').dataset.state === 'on'")
        for status, word in (("building", "building"), ("uploaded", "going live"), ("succeeded", "live")):
            tell(installation, status, run_id)
            began = time.monotonic()
            page.wait(f'document.querySelector("{LATEST[path]}").textContent === "{word}"')
            waits[path, status] = time.monotonic() - began
            page.wait(f"document.querySelector('[role=status]').textContent === 'abc123: {word}'")
    print({case: f"{seconds * 1000:.0f} ms" for case, seconds in waits.items()})
    assert statistics.median(waits.values()) < 1
    assert max(waits.values()) < 5, "one has waited for the stream's next beat"


@on_sqlite
def test_what_happened_while_the_connection_was_gone_is_shown(
    page: Chromium, server: ServerProcess, installation: Installation
) -> None:
    page.open(f"{server.url}/apps/abc123")
    page.wait("document.querySelector('#live').dataset.state === 'on'")
    server.kill()
    page.wait("document.querySelector('#live').dataset.state === 'off'")
    tell(installation, "building")
    server.start()
    page.wait("document.querySelector('main .badge.working')", 60)
    page.messages.clear()  # of connections that were refused


@on_sqlite
def test_logging_in_and_out_by_keyboard_alone(page: Chromium, server: ServerProcess) -> None:
    page.run("document.querySelector('.who').requestSubmit()")
    page.wait("location.pathname === '/login' && document.activeElement?.id === 'name'")
    page.write("anna")
    page.press("Tab")
    page.write(PASSWORD)
    page.press("Enter")
    page.wait("location.pathname === '/' && document.readyState === 'complete'")
    page.press("Tab")
    assert page.run("document.activeElement.textContent") == "Skip to the content"
    page.press("Enter")
    page.wait("document.activeElement?.id === 'main'")
    page.press("Tab")
    assert page.run("document.activeElement?.id") == "q"
    page.write("sho")
    page.wait("document.querySelectorAll('#apps tbody tr').length === 1")
    assert page.run("location.search") == "?q=sho&state="
    assert page.run("document.activeElement?.id") == "q", "the focus stays where it is written"


@on_sqlite
def test_no_page_is_wider_than_its_screen(page: Chromium, server: ServerProcess, installation: Installation) -> None:
    tell(installation, "building")
    wide = []
    for width in (320, 390, 1280):
        page.size(width, 800, phone=width < 500)
        for path in ("/", "/apps/abc123", "/activity", "/provisions", "/failed-webhooks", "/audit"):
            page.open(f"{server.url}{path}")
            page.run("document.querySelectorAll('details').forEach(part => (part.open = true))")
            if page.run("document.documentElement.scrollWidth") > width:
                wide.append((width, path))
    assert wide == []


@on_sqlite
def test_an_operator_suspends_an_app_by_keyboard(
    page: Chromium, server: ServerProcess, installation: Installation
) -> None:
    page.open(f"{server.url}/apps/shop")
    page.run("document.querySelector('.state summary').focus()")
    page.press("Enter")
    page.wait("document.querySelector('.state details').open")
    page.press("Tab")
    page.press("Tab")
    assert page.run("document.activeElement?.id") == "reason"
    page.write("unpaid")
    page.press("Enter")
    page.wait("document.title.startsWith('Nothing has changed')")  # no Cloudflare answers here, and that is said
    page.messages.clear()


@on_sqlite
def test_what_a_month_costs_is_drawn_and_as_a_file_asks_for_nothing(
    page: Chromium, server: ServerProcess, installation: Installation, tmp_path: Path
) -> None:
    now = dt.datetime.now(dt.UTC)
    with installation.database.writing() as session:
        figures = dict.fromkeys(FIGURES, 10_000_000)
        for app in ("abc123", "shop"):
            session.add(UsageDay(day=now.replace(day=1).date(), app_id=app, environment="production", **figures))
    file = tmp_path / "report.html"
    with installation.database.reading() as session:
        file.write_text(standalone(report(session, Month.of(now), now)))
    drawn = (
        "[...document.querySelectorAll('.chart rect:is(.production, .requests, .base, .above)')].map(bar =>"
        " bar.getBoundingClientRect().height > 2 && getComputedStyle(bar).fill !== 'rgb(0, 0, 0)')"
    )
    for address in (f"{server.url}/cost", file.as_uri()):
        page.open(address)
        bars = page.run(drawn)
        assert len(bars) >= 3
        assert all(bars)
        assert page.run("document.documentElement.scrollWidth <= innerWidth")
    assert page.run("performance.getEntriesByType('resource').length") == 0
    page.size(390, 800, phone=True)
    assert page.run("document.documentElement.scrollWidth <= innerWidth")


def test_a_form_that_is_open_stays_open_whatever_happens_and_is_used_by_keyboard(
    page: Chromium, server: ServerProcess, installation: Installation
) -> None:
    for run_id, bundle in enumerate("ab", 1):
        tell(installation, "uploaded", run_id, bundle=bundle * 64)
        tell(installation, "succeeded", run_id)
    page.open(f"{server.url}/apps/abc123")
    page.wait("document.querySelector('#live').dataset.state === 'on'")
    page.run("document.querySelector('#back-production').focus()")
    page.press("Enter")
    focused = []
    for _ in range(3):
        page.press("Tab")
        focused.append(page.run("document.activeElement.name || document.activeElement.textContent"))
    assert focused == ["to", "pin", "Roll production back"]
    tell(installation, "building", 3)
    page.wait("document.querySelector('[role=status]').textContent === 'abc123: building'")
    assert page.run("document.activeElement.textContent") == "Roll production back"
    page.run("document.querySelector('#back-production').closest('details').open = false")
    page.wait("document.querySelector('#places .badge').textContent === 'building'")
