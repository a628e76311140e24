"""R2 buckets and their objects."""

from urllib.parse import quote

import pytest
from contract_service import upload

from local_cloud.r2 import errors

BUCKETS = "/accounts/{account}/r2/buckets"


@pytest.fixture
def bucket(cf, name, cleanup):
    """The path of a new bucket."""
    cf.post(BUCKETS, json={"name": name})
    cleanup(lambda: cf.send("DELETE", f"{BUCKETS}/{name}"))
    return f"{BUCKETS}/{name}"


@pytest.fixture
def put(cf, bucket, cleanup):
    """Puts an object, deletes it after the test; its path."""

    def made(key, content=b"", **headers):
        path = f"{bucket}/objects/{key}"
        cf.put(path, content=content, headers={name.replace("_", "-"): value for name, value in headers.items()})
        cleanup(lambda: cf.send("DELETE", path))
        return path

    return made


def test_a_bucket_is_made_listed_and_deleted(cf, name, bucket):
    made = cf.get(bucket)["result"]
    assert (made["name"], made["storage_class"], made["jurisdiction"]) == (name, "Standard", "default")
    listed = cf.get(BUCKETS, params={"name_contains": name})["result"]["buckets"]
    assert [one["name"] for one in listed] == [name]
    assert cf.refused("POST", BUCKETS, 409, json={"name": name})[0] == 10073
    assert cf.delete(bucket)["result"] == {}
    for method, path in (
        ("GET", bucket),
        ("DELETE", bucket),
        ("GET", f"{bucket}/objects"),
        ("PUT", f"{bucket}/objects/a"),
    ):
        assert cf.refused(method, path, 404)[0] == 10006


def test_buckets_come_in_pages(cf, local, name, cleanup):
    names = [f"{name}-{number}" for number in range(3)]
    for one in names:
        cf.post(BUCKETS, json={"name": one})
        cleanup(lambda one=one: cf.send("DELETE", f"{BUCKETS}/{one}"))
    for direction, expected in (("asc", names), ("desc", names[::-1])):
        query = {"name_contains": name, "per_page": "2", "direction": direction}
        first = cf.get(BUCKETS, params=query)
        second = cf.get(BUCKETS, params={**query, "cursor": first["result_info"]["cursor"]})
        assert [one["name"] for page in (first, second) for one in page["result"]["buckets"]] == expected
        assert "cursor" not in second["result_info"]


def test_where_it_is_to_be_is_kept(cf, local, name, cleanup):
    made = cf.post(BUCKETS, json={"name": name, "locationHint": "weur", "storageClass": "InfrequentAccess"})["result"]
    cleanup(lambda: cf.send("DELETE", f"{BUCKETS}/{name}"))
    assert (made["location"], made["storage_class"]) == ("WEUR", "InfrequentAccess")
    assert cf.get(f"{BUCKETS}/{name}")["result"] == made


@pytest.mark.parametrize(
    ("body", "code"),
    [({"name": "No"}, 10005), ({"name": "a-"}, 10005), ({}, 9207), ({"name": "abc", "acl": "x"}, 9207)],
)
def test_a_wrong_bucket_is_refused(cf, local, body, code):
    assert cf.refused("POST", BUCKETS, 400, json=body)[0] == code


def test_another_jurisdiction_is_refused_by_name(cf, local, bucket):
    headers = {"cf-r2-jurisdiction": "eu"}
    assert "cf-r2-jurisdiction" in cf.refused("GET", bucket, 403, headers=headers)[1]
    cf.get(bucket, headers={"cf-r2-jurisdiction": "default"})


@pytest.mark.parametrize("key", ["a", "a/b/c.txt", "folder/", quote("ü ?&#"), "a%2Fb"])
def test_an_object_is_put_read_and_deleted(cf, bucket, cleanup, key):
    path = f"{bucket}/objects/{key}"
    cleanup(lambda: cf.send("DELETE", path))
    assert cf.refused("GET", path, 404)[0] == 10007
    for body in (b"\0\xff binary", b""):
        made = cf.put(path, content=body)["result"]
        answer = cf.send("GET", path)
        assert (answer.status_code, answer.content) == (200, body)
        assert (made["size"], answer.headers["etag"]) == (str(len(body)), f'"{made["etag"]}"')
    assert cf.delete(path)["result"]["key"] == made["key"]
    assert cf.refused("GET", path, 404)[0] == 10007
    cf.delete(path)


def test_headers_are_metadata(cf, bucket, put):
    sent = {
        "content_type": "text/plain; charset=utf-8",
        "content_language": "de",
        "content_disposition": "attachment",
        "cache_control": "max-age=60",
        "expires": "Wed, 21 Oct 2026 07:28:00 GMT",
        "cf_r2_storage_class": "InfrequentAccess",
    }
    answer = cf.send("GET", put("a", b"text", **sent))
    del sent["cf_r2_storage_class"]
    assert {name: answer.headers[name.replace("_", "-")] for name in sent} == sent
    (listed,) = cf.get(f"{bucket}/objects")["result"]
    assert listed["http_metadata"] == {
        "contentType": "text/plain; charset=utf-8",
        "contentLanguage": "de",
        "contentDisposition": "attachment",
        "cacheControl": "max-age=60",
        "cacheExpiry": "2026-10-21T07:28:00.000Z",
    }
    assert (listed["key"], listed["size"], listed["storage_class"]) == ("a", 4, "InfrequentAccess")
    assert cf.send("GET", put("b")).headers["content-type"] == "application/octet-stream"


def test_a_wrong_object_is_refused(cf, local, bucket, monkeypatch):
    assert cf.refused("PUT", f"{bucket}/objects/{'k' * 1025}", 400)[0] == 10020
    assert cf.refused("PUT", f"{bucket}/objects/a", 400, headers={"expires": "soon"})[0] == 9207
    assert cf.refused("PUT", f"{bucket}/objects/a", 400, headers={"cf-r2-storage-class": "Cheap"})[0] == 10029
    monkeypatch.setattr(errors, "MAX_OBJECT_BYTES", 3)
    assert cf.refused("PUT", f"{bucket}/objects/a", 400, content=b"four")[0] == 100100
    assert cf.get(f"{bucket}/objects")["result"] == []


def test_a_bucket_with_objects_is_not_deleted(cf, bucket, put):
    put("a")
    assert cf.refused("DELETE", bucket, 409)[0] == 10008
    assert [one["key"] for one in cf.get(f"{bucket}/objects")["result"]] == ["a"]


def test_objects_are_listed_by_prefix_delimiter_and_in_pages(cf, bucket, put):
    for key in ("a", "b/1", "b/2", "b/c/3", "d", "e/4"):
        put(key)

    def listed(**query):
        answer = cf.get(f"{bucket}/objects", params=query)
        info = answer["result_info"]
        return [one["key"] for one in answer["result"]], info["delimited"], info.get("cursor"), info["is_truncated"]

    assert listed() == (["a", "b/1", "b/2", "b/c/3", "d", "e/4"], [], None, False)
    assert listed(prefix="b/", delimiter="/") == (["b/1", "b/2"], ["b/c/"], None, False)
    assert listed(start_after="b/2") == (["b/c/3", "d", "e/4"], [], None, False)
    keys, joined, cursor, truncated = listed(delimiter="/", per_page="2")
    assert (keys, joined, truncated) == (["a"], ["b/"], True)
    assert listed(delimiter="/", per_page="2", cursor=cursor) == (["d"], ["e/"], None, False)
    assert cf.refused("GET", f"{bucket}/objects", 400, params={"cursor": "?"})[0] == 10029


def test_a_worker_is_bound_to_a_bucket_that_exists(cf, local, name, bucket, cleanup):
    script = f"/accounts/{{account}}/workers/scripts/{name}"
    cleanup(lambda: cf.send("DELETE", script))
    binding = {"type": "r2_bucket", "name": "FILES", "bucket_name": name}
    cf.put(script, files=upload({"bindings": [binding]}))
    assert cf.get(f"{script}/settings")["result"]["bindings"] == [binding]
    missing = upload({"bindings": [{**binding, "bucket_name": f"{name}-other"}]})
    code, message = cf.refused("PUT", script, 400, files=missing)
    assert (code, message.partition(", ")[2]) == (10021, "which does not exist")


def test_what_was_written_over_is_given_up_at_the_next_start(cf, local, bucket, put):
    put("a", b"first of all")
    put("a", b"then this")
    local.cloud.store.sweep_blobs()
    assert cf.send("GET", put("b", b"more")).content == b"more"
    assert cf.send("GET", f"{bucket}/objects/a").content == b"then this"
    blobs = [body for (body,) in local.cloud.store._connection.execute("SELECT body FROM blobs")]
    assert b"first of all" not in blobs
