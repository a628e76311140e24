"""What an open page follows, without a browser: what has changed, from where the page was made, until the logout."""

import html
import re
import time
from collections.abc import Iterator

import httpx
import pytest
from dashboard_steps import tell
from server_process import Installation, ServerProcess

from control_plane import operators


@pytest.fixture
def server(installation: Installation) -> ServerProcess:
    return installation.declare("abc123", "shop").server()


@pytest.fixture
def client(installation: Installation, server: ServerProcess) -> Iterator[httpx.Client]:
    """An operator's, who is logged in."""
    with installation.database.writing() as session:
        link = operators.login_link(session, "anna", server.url)
    with httpx.Client(base_url=server.url, headers={"Origin": server.url}, trust_env=False, timeout=20) as made:
        made.get(link)
        yield made


def followed(page: str) -> str:
    found = re.search('sse-connect="([^"]*)"', page)
    assert found
    return html.unescape(found[1])


def until(lines: Iterator[str], line: str) -> list[str]:
    """The lines up to this one."""
    seen = []
    for one in lines:
        seen.append(one)
        if one == line:
            return seen
    raise AssertionError(seen)


def test_a_page_is_told_at_once_of_what_came_after_it(client: httpx.Client, installation: Installation) -> None:
    page = client.get("/apps/abc123").text
    tell(installation, "queued")  # between the page and its stream
    with client.stream("GET", followed(page)) as stream:
        lines = stream.iter_lines()
        until(lines, "event: deploy")
        tell(installation, "building")
        began = time.monotonic()
        until(lines, "data: abc123: building")
        shown = client.get("/apps/abc123").text
        assert time.monotonic() - began < 5, "it has waited for the stream's next beat"
        assert ">building</span>" in shown


def test_a_page_of_an_app_is_told_of_no_other(client: httpx.Client, installation: Installation) -> None:
    page = client.get("/apps/shop").text
    tell(installation, "queued")
    tell(installation, "queued", app_id="shop")
    with client.stream("GET", followed(page)) as stream:
        assert "abc123" not in "".join(until(stream.iter_lines(), "data: shop: queued"))


def test_a_stream_ends_with_its_session(client: httpx.Client, installation: Installation) -> None:
    page = client.get("/").text
    csrf = re.search('name="csrf" value="([^"]*)"', page)
    assert csrf
    with client.stream("GET", followed(page)) as stream:
        lines = stream.iter_lines()
        client.post("/logout", data={"csrf": csrf[1]})
        tell(installation, "queued")
        until(lines, "event: over")
        assert list(lines)[-1] == ""
    refused = client.get(followed(page), headers={"Accept": "text/event-stream"})
    assert refused.status_code == 401
