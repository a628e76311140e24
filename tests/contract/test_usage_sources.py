"""Usage, read from what the edge keeps: data points by SQL, invocations by GraphQL."""

import datetime as dt
from dataclasses import dataclass

import pytest

from app_stacks.cloudflare_error import CloudflareError
from control_plane.usage import dispatched as points_of
from control_plane.usage import invocations as invocations_of
from control_plane.usage.analytics import AnalyticsApi
from control_plane.usage.dispatched import HOUR, Dispatched, dispatched
from control_plane.usage.invocations import invocations
from local_cloud.edge_data.analytics import keep_data_points
from local_cloud.invocations import Invocation, append

AT = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC)


@dataclass
class Edge:
    """What an edge would have told in an hour; `name` is of this test alone."""

    store: object
    name: str

    def tell(self, app, blobs, doubles=(1, 5, 0, 0), at=AT):
        point = {"timestamp": int(at.timestamp() * 1000), "index": app, "blobs": blobs, "doubles": [*doubles]}
        with self.store.transaction():
            keep_data_points(self.store, [{"dataset": self.name, **point}])

    def invoke(self, script, cpu_us, namespace="production", at=AT):
        row = Invocation(
            at=at.timestamp(),
            namespace=namespace,
            script=script,
            status="success",
            subrequests=0,
            cpu_us=cpu_us,
            wall_us=9,
        )
        with self.store.transaction():
            append(self.store, [row])


@pytest.fixture
def edge(local, name):
    return Edge(local.cloud.store, name.replace("-", "_"))


@pytest.fixture
def api(cf):
    with AnalyticsApi(cf.token, f"{cf.client.base_url}{cf.root}") as made:
        yield made


def test_data_points_are_added_up_by_app_and_app_environment(cf, api, edge):
    edge.tell("shop", ["shop", "production", "served", "read", "DE"], (1, 5, 0, 1000))
    edge.tell("shop", ["shop", "production", "app-exception", "write", "DE"], (1, 5, 70, 0))
    edge.tell("shop", ["preview-shop-pr7", "preview", "served", "read", "DE"], (1, 5, 0, 30))
    edge.tell("shop", ["shop", "production", "suspended", "read", "DE"])
    edge.tell("it's", ["x", "production", "no-app", "read", "DE"])
    edge.tell("-", ["", "", "landing", "read", "DE"])
    edge.tell("shop", ["shop", "production", "egress-observed", "GET", "api.example.com", "free"], (1,))
    edge.tell("shop", ["shop", "production", "served", "read", "DE"], at=AT + HOUR)
    edge.tell("shop", ["shop", "production", "served", "read", "DE"], at=AT - dt.timedelta(seconds=1))
    found = list(dispatched(api, cf.names["account"], edge.name, AT))
    exact = {"sample_interval": 1}
    assert found == [
        Dispatched(app_id="-", environment="", requests=2, dispatched=0, errors=0, bytes_in=0, bytes_out=0, **exact),
        Dispatched(
            app_id="shop", environment="preview", requests=1, dispatched=1, errors=0, bytes_in=0, bytes_out=30, **exact
        ),
        Dispatched(
            app_id="shop",
            environment="production",
            requests=3,
            dispatched=2,
            errors=1,
            bytes_in=70,
            bytes_out=1000,
            **exact,
        ),
    ]


def test_more_apps_than_an_answer_has_are_read_in_pages(cf, api, edge, monkeypatch):
    monkeypatch.setattr(points_of, "PAGE", 4)
    monkeypatch.setattr(invocations_of, "PAGE", 4)
    apps = [f"app{number}" for number in range(5)]
    for app in apps:
        for environment, script in (("production", app), ("staging", f"staging-{app}"), ("preview", f"preview-{app}")):
            edge.tell(app, [script, environment, "served", "read", "DE"])
            edge.invoke(script, 1000, f"{edge.name}-{environment}")
    namespaces = [f"{edge.name}-{environment}" for environment in ("preview", "staging", "production")]
    places = {
        (row.app_id, row.environment): row.requests for row in dispatched(api, cf.names["account"], edge.name, AT)
    }
    assert places == {(app, environment): 1 for app in apps for environment in ("production", "staging", "preview")}
    counted = invocations(api, cf.names["account"], namespaces, ["dispatch", "outbound"], AT)
    assert counted.requests == places


def test_invocations_are_those_of_the_platforms_scripts_and_workers(cf, api, edge):
    namespace = f"{edge.name}-production"
    edge.invoke("shop", 2000, namespace)
    edge.invoke("shop", 3000, namespace)
    edge.invoke("shop", 3000, namespace, AT + HOUR)
    edge.invoke("shop", 9000, "another-platforms")
    edge.invoke(f"{edge.name}-dispatch", 100, None)
    edge.invoke(f"{edge.name}-outbound", 50, None)
    edge.invoke("another-dispatch", 9000, None)
    workers = [f"{edge.name}-dispatch", f"{edge.name}-outbound"]
    counted = invocations(api, cf.names["account"], [namespace], workers, AT)
    assert counted.requests == {("shop", "production"): 2}
    assert counted.cpu_us == {("shop", "production"): 5000, ("-", ""): 150}
    assert counted.entered == 1


def test_a_dataset_that_nothing_was_written_to_has_no_rows_and_another_error_is_told(cf, api):
    assert list(dispatched(api, cf.names["account"], "nothing_yet", AT)) == []
    with pytest.raises(CloudflareError, match="HTTP 422"):
        api.rows(cf.names["account"], "SELECT colour FROM")
    with pytest.raises(CloudflareError, match="not authorized for that account"):
        invocations(api, "f" * 32, ["production"], ["dispatch"], AT)


def test_what_graphql_refuses_with_200_is_an_error_too(api, monkeypatch):
    """As Cloudflare does it of a query that it begins to run."""
    answer = {"data": None, "errors": [{"message": "quota exceeded"}]}
    monkeypatch.setattr(api, "_answer", lambda *_, **__: answer)
    with pytest.raises(CloudflareError, match="quota exceeded"):
        api.account("query", "account")
