"""KV namespaces and their values."""

import base64
import json
import time
from urllib.parse import quote

import pytest
from contract_service import upload

from local_cloud import kv
from local_cloud.cloudflare import kv_values

NAMESPACES = "/accounts/{account}/storage/kv/namespaces"


@pytest.fixture
def kv_namespace(cf, name, cleanup):
    """The path of a new namespace."""
    made = cf.post(NAMESPACES, json={"title": name})["result"]
    path = f"{NAMESPACES}/{made['id']}"
    cleanup(lambda: cf.send("DELETE", path))
    return path


def test_a_namespace_is_made_listed_renamed_and_deleted(cf, name, kv_namespace):
    made = cf.get(kv_namespace)["result"]
    assert made == {"id": kv_namespace.rpartition("/")[2], "title": name, "supports_url_encoding": True}
    listed = cf.get(NAMESPACES, params={"per_page": "1000", "order": "title", "direction": "desc"})
    assert made in listed["result"]
    titles = [one["title"] for one in listed["result"]]
    assert titles == sorted(titles, reverse=True)
    assert listed["result_info"]["count"] == len(titles)
    renamed = {**made, "title": f"{name}-renamed"}
    assert cf.put(kv_namespace, json={"title": renamed["title"]})["result"] == renamed
    assert cf.get(kv_namespace)["result"] == renamed
    assert cf.delete(kv_namespace)["result"] is None
    for method, body in (("GET", None), ("PUT", {"title": "x"}), ("DELETE", None)):
        assert cf.refused(method, kv_namespace, 404, json=body)[0] == 10013


def test_a_title_is_taken_once(cf, name, kv_namespace, cleanup):
    assert cf.refused("POST", NAMESPACES, 400, json={"title": name})[0] == 10014
    other = cf.post(NAMESPACES, json={"title": f"{name}-other"})["result"]
    cleanup(lambda: cf.send("DELETE", f"{NAMESPACES}/{other['id']}"))
    assert cf.refused("PUT", kv_namespace, 400, json={"title": f"{name}-other"})[0] == 10014
    cf.put(kv_namespace, json={"title": name})


@pytest.mark.parametrize(
    ("query", "code"), [({"order": "age"}, 10043), ({"direction": "up"}, 10044), ({"title": "x"}, 9207)]
)
def test_a_list_is_sorted_by_what_there_is(cf, local, query, code):
    assert cf.refused("GET", NAMESPACES, 400, params=query)[0] == code


@pytest.mark.parametrize(("body", "code"), [({"title": ""}, 10019), ({}, 9207), ({"title": "x", "region": "y"}, 9207)])
def test_a_wrong_namespace_is_refused(cf, local, body, code):
    assert cf.refused("POST", NAMESPACES, 400, json=body)[0] == code


@pytest.mark.parametrize("key", ["a", "a/b", "%2F", "ü ?&#", "."])
def test_a_value_is_put_read_and_deleted(cf, local, kv_namespace, key):
    path = f"{kv_namespace}/values/{quote(key, safe='')}"
    if key == ".":
        assert cf.refused("PUT", f"{kv_namespace}/values/%2E", 400, content=b"x")[0] == 10042
        return
    assert cf.refused("GET", path, 404)[0] == 10009
    for body in (b"\0\xff binary", b""):
        assert cf.put(path, content=body)["result"] is None
        answer = cf.send("GET", path)
        assert (answer.status_code, answer.content) == (200, body)
    assert [one["name"] for one in cf.get(f"{kv_namespace}/keys")["result"]] == [key]
    assert cf.delete(path)["result"] is None
    assert cf.refused("GET", path, 404)[0] == 10009
    cf.delete(path)


def test_a_value_with_metadata_and_expiration(cf, kv_namespace):
    path, until = f"{kv_namespace}/values/a", int(time.time()) + 3600
    form = {"value": (None, b"\0value"), "metadata": (None, json.dumps({"é": [1]}))}
    cf.put(path, files=form, params={"expiration": str(until)})
    answer = cf.send("GET", path)
    assert (answer.content, answer.headers["expiration"]) == (b"\0value", str(until))
    metadata = f"{kv_namespace}/metadata/a"
    assert cf.get(metadata)["result"] == {"é": [1]}
    (listed,) = cf.get(f"{kv_namespace}/keys")["result"]
    assert listed == {"name": "a", "expiration": until, "metadata": {"é": [1]}}
    cf.put(path, content=b"x", params={"expiration_ttl": "60"})
    (listed,) = cf.get(f"{kv_namespace}/keys")["result"]
    assert abs(listed["expiration"] - time.time() - 60) < 5
    assert "metadata" not in listed
    assert cf.get(metadata)["result"] is None
    cf.delete(path)
    assert cf.refused("GET", metadata, 404)[0] == 10009


def test_many_values_at_once(cf, kv_namespace):
    until = int(time.time()) + 3600
    pairs = [
        {"key": "a", "value": "x", "expiration": until, "metadata": {"m": [1]}},
        {"key": "b", "value": base64.b64encode(b"\0\xff").decode(), "base64": True, "expiration_ttl": 60},
        {"key": "c/c", "value": "z"},
    ]
    assert cf.put(f"{kv_namespace}/bulk", json=pairs)["result"] == {"successful_key_count": 3, "unsuccessful_keys": []}
    listed = cf.get(f"{kv_namespace}/keys")["result"]
    assert listed[0] == {"name": "a", "expiration": until, "metadata": {"m": [1]}}
    assert [one["name"] for one in listed] == ["a", "b", "c/c"]
    assert cf.send("GET", f"{kv_namespace}/values/b").content == b"\0\xff"
    read = cf.post(f"{kv_namespace}/bulk/get", json={"keys": ["a", "c/c", "none"]})["result"]
    assert {key: value for key, value in read["values"].items() if value is not None} == {"a": "x", "c/c": "z"}
    deleted = cf.delete(f"{kv_namespace}/bulk", json=["a", "none"])["result"]
    assert deleted == {"successful_key_count": 2, "unsuccessful_keys": []}
    assert cf.post(f"{kv_namespace}/bulk/delete", json=["c/c"])["result"]["successful_key_count"] == 1
    assert [one["name"] for one in cf.get(f"{kv_namespace}/keys")["result"]] == ["b"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"key": "b"}, 9207),
        ({"key": "b", "value": "?", "base64": True}, 9207),
        ({"key": "b", "value": "é", "base64": True}, 9207),
        ({"key": "b", "value": 1}, 9207),
        ({"key": "b", "value": "x", "ttl": 60}, 9207),
        ({"key": "b", "value": "x", "expiration_ttl": 59}, 10034),
        ({"key": "", "value": "x"}, 10042),
    ],
)
def test_of_many_values_all_are_kept_or_none(cf, local, kv_namespace, wrong, code):
    assert cf.refused("PUT", f"{kv_namespace}/bulk", 400, json=[{"key": "a", "value": "x"}, wrong])[0] == code
    assert cf.get(f"{kv_namespace}/keys")["result"] == []


def test_ten_thousand_values_at_once_are_enough(cf, local, kv_namespace):
    keys = [f"k{number}" for number in range(kv_values.MAX_BULK + 1)]
    assert "at most 10000 items" in cf.refused("DELETE", f"{kv_namespace}/bulk", 400, json=keys)[1]
    pairs = [{"key": key, "value": ""} for key in keys]
    assert "at most 10000 items" in cf.refused("PUT", f"{kv_namespace}/bulk", 400, json=pairs)[1]
    many = {"keys": keys[: kv_values.MAX_BULK_GET + 1]}
    assert "at most 100 items" in cf.refused("POST", f"{kv_namespace}/bulk/get", 400, json=many)[1]


def test_an_expired_value_is_gone(cf, local, kv_namespace, monkeypatch):
    path, later = f"{kv_namespace}/values/a", time.time() + 61
    cf.put(path, content=b"x", params={"expiration_ttl": "60"})
    monkeypatch.setattr(kv.time, "time", lambda: later)
    assert cf.refused("GET", path, 404)[0] == 10009
    assert cf.get(f"{kv_namespace}/keys")["result"] == []


def test_keys_come_by_prefix_and_in_pages(cf, kv_namespace):
    for number in range(12):
        cf.put(f"{kv_namespace}/values/p{number:02}", content=b"x")
    cf.put(f"{kv_namespace}/values/other", content=b"x")
    first = cf.get(f"{kv_namespace}/keys", params={"prefix": "p", "limit": "10"})
    assert [one["name"] for one in first["result"]] == [f"p{number:02}" for number in range(10)]
    cursor = first["result_info"]["cursor"]
    assert first["result_info"]["count"] == 10
    second = cf.get(f"{kv_namespace}/keys", params={"prefix": "p", "limit": "10", "cursor": cursor})
    assert [one["name"] for one in second["result"]] == ["p10", "p11"]
    assert second["result_info"] == {"count": 2, "cursor": ""}


@pytest.mark.parametrize(
    "wrong",
    [
        ("a", {"params": {"expiration_ttl": "59"}}, 400, 10034),
        ("a", {"params": {"expiration_ttl": "x"}}, 400, 10034),
        ("a", {"params": {"expiration": "1"}}, 400, 10033),
        ("a", {"params": {"ttl": "60"}}, 400, 9207),
        ("k" * 513, {}, 414, 10030),
        ("a", {"content": bytes(kv.MAX_VALUE_BYTES + 1)}, 413, 10024),
        ("a", {"files": {"value": (None, b"x"), "metadata": (None, "{")}}, 400, 10029),
        ("a", {"files": {"value": (None, b"x"), "metadata": (None, "NaN")}}, 400, 10029),
        ("a", {"files": {"value": (None, b"x"), "metadata": (None, f'"{"m" * 1024}"')}}, 413, 10024),
        ("a", {"files": {"metadata": (None, "{}")}}, 400, 9207),
    ],
)
def test_a_wrong_value_is_refused(cf, local, kv_namespace, wrong):
    key, options, status, code = wrong
    assert cf.refused("PUT", f"{kv_namespace}/values/{key}", status, **options)[0] == code
    assert cf.get(f"{kv_namespace}/keys")["result"] == []


def test_a_missing_namespace_has_no_values(cf, local):
    missing = f"{NAMESPACES}/{'0' * 32}"
    for method, path in (("GET", "keys"), ("GET", "values/a"), ("PUT", "values/a"), ("DELETE", "values/a")):
        assert cf.refused(method, f"{missing}/{path}", 404)[0] == 10013
    for method in ("PUT", "DELETE"):
        assert cf.refused(method, f"{missing}/bulk", 404, json=[])[0] == 10013


def test_a_namespaces_values_go_with_it(cf, local, kv_namespace):
    cf.put(f"{kv_namespace}/values/a", content=b"x")
    cf.delete(kv_namespace)
    assert local.cloud.store.count("kv_values", kv_namespace.rpartition("/")[2]) == 0


def test_a_worker_is_bound_to_a_namespace_that_exists(cf, local, kv_namespace, namespace, cleanup):
    identifier = kv_namespace.rpartition("/")[2]
    script = f"/accounts/{{account}}/workers/scripts/{namespace.rpartition('/')[2]}"
    cleanup(lambda: cf.send("DELETE", script))
    binding = {"type": "kv_namespace", "name": "KV", "namespace_id": identifier}
    cf.put(script, files=upload({"bindings": [binding]}))
    assert cf.get(f"{script}/settings")["result"]["bindings"] == [binding]
    assert dict(local.edge.served.workers[-1].bindings[0]) == binding
    missing = upload({"bindings": [{**binding, "namespace_id": "0" * 32}]})
    code, message = cf.refused("PUT", script, 400, files=missing)
    assert (code, message.partition(", ")[2]) == (10021, "which does not exist")
    app = f"{namespace}/scripts/app"
    cf.put(app, files=upload({"bindings": [binding]}))
    assert cf.get(f"{app}/bindings")["result"] == [binding]
