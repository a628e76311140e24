"""Two versions of an account Worker side by side, in a real workerd."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from edge_harness import EMPTY, RunningEdge, bundle, replying, serve

from local_cloud.edge import UnrunnableError
from local_cloud.edge.model import Split, Version

HOST = "app.overskill.workers.localhost"
OVERRIDES = "Cloudflare-Workers-Version-Overrides"
OLD, NEW = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"


def split(old: float, new: float) -> Split:
    shares = ((OLD, old, "old"), (NEW, new, "new"))
    versions = [Version(id=name, percentage=share, bundle=replying("app", text)) for name, share, text in shares]
    return Split(name="app", versions=tuple(versions))


@pytest.fixture(scope="module")
def edge(workerd_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEdge]:
    account = replace(EMPTY, workers=(split(50, 50),), workers_dev=frozenset({"app"}))
    with serve(workerd_binary, tmp_path_factory.mktemp("splits"), account) as running:
        yield running


@pytest.fixture
def deploy(edge: RunningEdge) -> Callable[[float, float], None]:
    return lambda old, new: edge.change(workers=(split(old, new),))


def answers(edge: RunningEdge, number: int, **headers: str) -> Counter[str]:
    return Counter(edge.get(HOST, headers=headers).text for _ in range(number))


def test_each_version_gets_its_share(edge: RunningEdge, deploy: Callable[[float, float], None]) -> None:
    deploy(80, 20)
    counted = answers(edge, 1000)
    assert set(counted) == {"old", "new"}
    assert 130 < counted["new"] < 270  # five standard deviations


@pytest.mark.parametrize(("old", "new", "served"), [(100, 0, "old"), (0, 100, "new")])
def test_a_share_of_nothing_gets_nothing(
    edge: RunningEdge, deploy: Callable[[float, float], None], old: float, new: float, served: str
) -> None:
    deploy(old, new)
    assert answers(edge, 200) == {served: 200}


@pytest.mark.parametrize(
    "header",
    [f'app="{NEW}"', f'other="{OLD}", app="{NEW}"', f'app="{OLD}",app="{NEW}"', f'a="x,y" , app="{NEW}";b=1, c="d"'],
)
def test_a_header_chooses_a_version_of_the_deployment(
    edge: RunningEdge, deploy: Callable[[float, float], None], header: str
) -> None:
    deploy(100, 0)
    assert answers(edge, 20, **{OVERRIDES: header}) == {"new": 20}


@pytest.mark.parametrize(
    "header",
    [f'other="{NEW}"', 'app="00000000-0000-4000-8000-000000000003"', f"app={NEW}", f'x="app=\\"{NEW}\\""', "", '"'],
)
def test_any_other_header_chooses_nothing(
    edge: RunningEdge, deploy: Callable[[float, float], None], header: str
) -> None:
    deploy(100, 0)
    assert answers(edge, 20, **{OVERRIDES: header}) == {"old": 20}


def test_a_request_and_its_answer_pass_unchanged(edge: RunningEdge) -> None:
    source = """export default { async fetch(request) {
      const { url, method, redirect, cf } = request;
      return Response.json({ url, method, redirect, cf, body: await request.text() }, { status: 202 });
    } };"""
    whole = split(50, 50)
    versions = tuple(replace(version, bundle=bundle("app", source)) for version in whole.versions)
    edge.change(workers=(replace(whole, versions=versions),))
    answer = edge.get(HOST, "/a%2Fb?c=%20d", method="PATCH", content=b"body")
    assert answer.status_code == 202
    url = f"http://{HOST}:{edge.port}/a%2Fb?c=%20d"
    assert answer.json() == {
        "url": url,
        "method": "PATCH",
        "redirect": "manual",
        "cf": {"country": "XX"},
        "body": "body",
    }


def test_a_version_that_does_not_start_is_named_and_the_others_are_served(edge: RunningEdge) -> None:
    edge.change(workers=(split(0, 100),))
    old, new = split(50, 50).versions
    broken = replace(new, bundle=bundle("app", "export default {"))
    before = edge.state.current
    with pytest.raises(UnrunnableError, match=f"Worker app@{NEW}: Uncaught SyntaxError"):
        edge.change(workers=(Split(name="app", versions=(old, broken)),))
    edge.state.current = before
    assert answers(edge, 10) == {"new": 10}
