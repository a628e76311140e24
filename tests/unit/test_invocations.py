"""Invocations, counted as they come and kept small."""

from pathlib import Path
from typing import Any

import pytest

from local_cloud.cloudflare.invocation_groups import groups
from local_cloud.invocations import MAX_SAMPLES, Invocation, append, between
from local_cloud.store import Store

AT = 1_700_000_000


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = Store(tmp_path / "cloud.sqlite3")
    yield opened
    opened.close()


def invocation(**fields: Any) -> Invocation:
    usual = {"at": AT, "namespace": "apps", "script": "abc", "status": "success", "subrequests": 1}
    return Invocation(**{**usual, "cpu_us": 1000, "wall_us": 5000, **fields})


def kept(store: Store, *rows: Invocation) -> list[dict[str, Any]]:
    with store.transaction():
        append(store, rows)
    return list(between(store, 0, 2**40))


def test_what_is_alike_is_counted_together(store: Store) -> None:
    first, second = kept(
        store,
        invocation(at=AT + 0.2),
        invocation(at=AT + 0.9, cpu_us=3000, subrequests=2),
        invocation(status="scriptThrewException"),
    )
    assert (first["status"], second["status"]) == ("scriptThrewException", "success")
    assert (first["requests"], first["errors"]) == (1, 1)
    counted = {name: second[name] for name in ("requests", "errors", "subrequests", "cpu_us", "cpu_samples")}
    assert counted == {"requests": 2, "errors": 0, "subrequests": 3, "cpu_us": 4000, "cpu_samples": [1000, 3000]}


def test_documents_are_read_by_time(store: Store) -> None:
    kept(store, *(invocation(at=AT + second, namespace=None) for second in (3, 1, 2, 0)))
    assert [one["at"] - AT for one in between(store, AT + 1, AT + 2)] == [1, 2]
    assert list(between(store, AT + 4, AT + 9)) == []


def test_of_many_invocations_a_sample_is_kept(store: Store) -> None:
    (counted,) = kept(store, *(invocation(cpu_us=number) for number in range(1000)))
    assert (counted["requests"], counted["cpu_us"]) == (1000, 499500)
    assert len(counted["cpu_samples"]) == len(set(counted["cpu_samples"])) == MAX_SAMPLES
    assert max(counted["cpu_samples"]) > MAX_SAMPLES


def test_quantiles_fall_between_samples(store: Store) -> None:
    counted = kept(
        store, *(invocation(at=AT + number, cpu_us=value) for number, value in enumerate((200, 210, 215, 262)))
    )
    (group,) = groups(counted, [], {}, [])
    assert group["quantiles"]["cpuTimeP50"] == 212.5
    assert group["quantiles"]["cpuTimeP99"] == pytest.approx(260.59)
    assert group["sum"]["cpuTimeUs"] == 887


def test_groups_are_ordered_by_each_criterion_in_turn(store: Store) -> None:
    rows = [invocation(script=name, at=AT + hour * 3600) for name, hour in (("b", 0), ("a", 0), ("a", 1), ("a", 1))]
    found = groups(kept(store, *rows), ["scriptName", "datetimeHour"], {}, ["scriptName_ASC", "sum_requests_DESC"])
    assert [(group["dimensions"]["scriptName"], group["sum"]["requests"]) for group in found] == [
        ("a", 2),
        ("a", 1),
        ("b", 1),
    ]
