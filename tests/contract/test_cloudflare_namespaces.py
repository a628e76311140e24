"""Dispatch namespaces and the scripts in them."""

import json

import pytest
from contract_service import HELLO, JAVASCRIPT, upload

NAMESPACES = "/accounts/{account}/workers/dispatch/namespaces"


@pytest.fixture
def script(cf, namespace):
    """The path of a script with two tags, a plain text and a secret."""
    bindings = [
        {"type": "plain_text", "name": "PLAIN", "text": "shown"},
        {"type": "secret_text", "name": "TOKEN", "text": "hidden-text"},
    ]
    cf.put(f"{namespace}/scripts/app", files=upload({"bindings": bindings, "tags": ["app-a", "environment-preview"]}))
    return f"{namespace}/scripts/app"


def settings_part(settings):
    return [("settings", (None, json.dumps(settings), "application/json"))]


def test_a_namespace_from_birth_to_death(cf, namespace, name):
    made = cf.get(namespace)["result"]
    assert made["namespace_name"] == name
    assert made["script_count"] == 0
    assert made["trusted_workers"] is False
    assert made.keys() == {
        *("namespace_id", "namespace_name", "created_on", "created_by"),
        *("modified_on", "modified_by", "script_count", "trusted_workers"),
    }
    changed = cf.put(namespace, json={"name": name, "trusted_workers": True})["result"]
    assert changed["trusted_workers"] is True
    assert changed["namespace_id"] == made["namespace_id"]
    cf.put(namespace, json={"name": f"{name}-b"})
    renamed = f"{namespace}-b"
    assert cf.get(renamed)["result"]["trusted_workers"] is True
    assert cf.refused("GET", namespace, 404)[0] == 100119
    assert cf.delete(renamed)["result"] is None
    assert cf.refused("GET", renamed, 404)[0] == 100119


def test_namespaces_are_listed_by_page(cf, namespace, name):
    listed = cf.get(NAMESPACES, params={"per_page": "50"})
    assert name in [one["namespace_name"] for one in listed["result"]]
    info = listed["result_info"]
    assert info["page"] == 1
    assert info["total_count"] >= info["count"] >= 1
    assert cf.get(NAMESPACES, params={"page": "9999"})["result"] == []


def test_a_namespace_that_exists_is_not_made_twice(cf, local, namespace, name):
    assert cf.refused("POST", NAMESPACES, 409, json={"name": name})[0] == 100118


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, "name: Field required"),
        ({"name": "Capital"}, "name: must be"),
        ({"name": "x", "colour": "red"}, "colour: Extra"),
        ({"name": "-x", "a": 1, "b": 2}, "b: Extra"),
    ],
)
def test_a_wrong_body_is_refused_with_all_that_is_wrong(cf, local, body, wrong):
    code, message = cf.refused("POST", NAMESPACES, 400, json=body)
    assert code == 10026
    assert wrong in message


def test_a_script_is_uploaded_read_and_deleted(cf, namespace):
    made = cf.put(f"{namespace}/scripts/app", files=upload({}))["result"]
    assert made["id"] == "app"
    assert made["handlers"] == ["fetch"]
    assert len(made["deployment_id"]) == 32
    read = cf.get(f"{namespace}/scripts/app")["result"]
    assert read["script"]["etag"] == made["etag"]
    assert read["script"]["id"] == "app"
    assert cf.get(namespace)["result"]["script_count"] == 1
    changed = cf.put(f"{namespace}/scripts/app", files=upload({}, index="export default {};"))["result"]
    assert changed["etag"] != made["etag"]
    assert changed["created_on"] == made["created_on"]
    assert cf.delete(f"{namespace}/scripts/app", params={"force": "true"})["result"] is None
    assert cf.refused("GET", f"{namespace}/scripts/app", 404)[0] == 10092
    assert cf.get(namespace)["result"]["script_count"] == 0


def test_content_comes_back_as_it_was(cf, script):
    content = cf.send("GET", f"{script}/content")
    assert content.headers["content-type"].startswith("multipart/form-data")
    assert HELLO.encode() in content.content
    binary = b"\r\n--\x00\xff\r\n\r\n"
    parts = [*upload({}), ("files", ("data.bin", binary, "application/octet-stream"))]
    cf.put(script, files=parts)
    assert binary in cf.send("GET", f"{script}/content").content


def test_the_code_changes_alone(cf, script):
    parts = [("metadata", (None, json.dumps({"main_module": "b.js"}))), ("files", ("b.js", "export {}", JAVASCRIPT))]
    cf.put(f"{script}/content", files=parts)
    assert b"export {}" in cf.send("GET", f"{script}/content").content
    settings = cf.get(f"{script}/settings")["result"]
    assert settings["tags"] == ["app-a", "environment-preview"]
    assert [binding["name"] for binding in settings["bindings"]] == ["PLAIN", "TOKEN"]


def test_settings_change_without_the_code(cf, script):
    before = cf.get(f"{script}/settings")["result"]
    assert before["bindings"] == [
        {"type": "plain_text", "name": "PLAIN", "text": "shown"},
        {"type": "secret_text", "name": "TOKEN"},
    ]
    bindings = [{"type": "json", "name": "DATA", "json": {"a": [1]}}, {"type": "inherit", "name": "TOKEN"}]
    wanted = {"bindings": bindings, "tags": ["app-a"], "compatibility_flags": ["nodejs_compat"]}
    cf.patch(f"{script}/settings", files=settings_part(wanted))
    after = cf.get(f"{script}/settings")["result"]
    assert after["bindings"] == [bindings[0], {"type": "secret_text", "name": "TOKEN"}]
    assert after["tags"] == ["app-a"]
    assert after["compatibility_flags"] == ["nodejs_compat"]
    assert after["compatibility_date"] == before["compatibility_date"]
    assert cf.get(f"{script}/bindings")["result"] == after["bindings"]
    assert HELLO.encode() in cf.send("GET", f"{script}/content").content


def test_keep_bindings_keeps_secrets_over_an_upload(cf, script):
    cf.put(script, files=upload({"keep_bindings": ["secret_text"]}))
    assert cf.get(f"{script}/bindings")["result"] == [{"type": "secret_text", "name": "TOKEN"}]
    cf.put(script, files=upload({}))
    assert cf.get(f"{script}/bindings")["result"] == []


def test_secrets(cf, script):
    secrets = f"{script}/secrets"
    cf.put(secrets, json={"name": "SECOND", "text": "hidden-text", "type": "secret_text"})
    assert [secret["name"] for secret in cf.get(secrets)["result"]] == ["SECOND", "TOKEN"]
    assert cf.get(f"{secrets}/SECOND")["result"] == {"name": "SECOND", "type": "secret_text"}
    cf.delete(f"{secrets}/SECOND")
    assert cf.refused("GET", f"{secrets}/SECOND", 404)[0] == 10056
    for path in (script, f"{script}/settings", f"{script}/bindings", secrets):
        assert "hidden-text" not in cf.send("GET", path).text


def test_tags(cf, script):
    tags = f"{script}/tags"
    assert cf.get(tags)["result"] == ["app-a", "environment-preview"]
    cf.put(f"{tags}/third")
    cf.put(f"{tags}/third")
    assert cf.get(tags)["result"] == ["app-a", "environment-preview", "third"]
    cf.delete(f"{tags}/third")
    cf.put(tags, json=["only"])
    assert cf.get(tags)["result"] == ["only"]


@pytest.mark.parametrize(
    ("tags", "wrong"), [(list("abcdefghi"), "9 tags"), (["a,b"], "must not"), (["a&b"], "must not"), ([""], "must not")]
)
def test_wrong_tags_are_refused_and_nothing_is_stored(cf, local, script, tags, wrong):
    assert wrong in cf.refused("PUT", f"{script}/tags", 400, json=tags)[1]
    assert wrong in cf.refused("PUT", script, 400, files=upload({"tags": tags}))[1]
    assert cf.get(f"{script}/tags")["result"] == ["app-a", "environment-preview"]


def test_scripts_are_listed_by_cursor_and_tag(cf, namespace):
    for name, tag in (("a", "x"), ("b", "y"), ("c", "x")):
        cf.put(f"{namespace}/scripts/{name}", files=upload({"tags": [tag]}))
    first = cf.get(f"{namespace}/scripts", params={"limit": "2"})
    assert [script["id"] for script in first["result"]] == ["a", "b"]
    rest = cf.get(f"{namespace}/scripts", params={"limit": "2", "cursor": first["result_info"]["cursor"]})
    assert [script["id"] for script in rest["result"]] == ["c"]
    assert rest["result_info"]["cursor"] == ""
    tagged = cf.get(f"{namespace}/scripts", params={"tags": "x:yes"})
    assert [script["id"] for script in tagged["result"]] == ["a", "c"]
    untagged = cf.get(f"{namespace}/scripts", params={"tags": "x:no"})
    assert [script["id"] for script in untagged["result"]] == ["b"]
    cf.delete(f"{namespace}/scripts", params={"tags": "x:yes"})
    assert [script["id"] for script in cf.get(f"{namespace}/scripts")["result"]] == ["b"]


def test_a_filter_that_is_unknown_or_missing_is_refused(cf, local, namespace):
    assert "unknown filter" in cf.refused("GET", f"{namespace}/scripts", 400, params={"colour": "red"})[1]
    assert "needs a filter" in cf.refused("DELETE", f"{namespace}/scripts", 400)[1]
    assert ":yes or :no" in cf.refused("GET", f"{namespace}/scripts", 400, params={"tags": "x"})[1]
    assert "limit" in cf.refused("GET", f"{namespace}/scripts", 400, params={"limit": "1001"})[1]


def test_deleting_a_namespace_deletes_its_scripts(cf, namespace, name):
    cf.put(f"{namespace}/scripts/app", files=upload({}))
    cf.delete(namespace)
    cf.post(NAMESPACES, json={"name": name})
    assert cf.get(f"{namespace}/scripts")["result"] == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_script_in_a_missing_namespace(cf, method):
    files = upload({}) if method == "PUT" else None
    assert cf.refused(method, f"{NAMESPACES}/contract-none/scripts/app", 404, files=files)[0] == 100119


@pytest.mark.parametrize(
    ("metadata", "wrong"),
    [
        ({"bindings": [{"type": "analytics_engine", "name": "AE", "dataset": "x"}]}, "'analytics_engine'"),
        ({"bindings": [{"type": "kv_namespace", "name": "KV", "namespace_id": "x"}]}, "does not exist"),
        ({"bindings": [{"type": "dispatch_namespace", "name": "NS", "namespace": "x"}]}, "'dispatch_namespace'"),
        ({"bindings": [{"type": "plain_text", "name": "A", "text": "1"}] * 2}, "declared 2 times"),
        ({"bindings": [{"type": "inherit", "name": "A"}]}, "inherits from 'A'"),
        ({"bindings": [{"type": "service", "name": "A", "service": "x", "entrypoint": "E"}]}, "entrypoint 'E'"),
        ({"bindings": [{"type": "plain_text", "name": "A"}]}, "text: Field required"),
        ({"main_module": "other.js"}, 'No such module "other.js"'),
        ({"placement": {"mode": "smart"}}, "'placement'"),
        ({"compatibility_date": "2999-01-01"}, "in the future"),
        ({"compatibility_date": "soon"}, "must be a date"),
        ({"colour": "red"}, "colour: Extra"),
    ],
)
def test_a_wrong_upload_is_refused_and_nothing_is_stored(cf, local, namespace, metadata, wrong):
    assert wrong in cf.refused("PUT", f"{namespace}/scripts/app", 400, files=upload(metadata))[1]
    assert cf.refused("GET", f"{namespace}/scripts/app", 404)[0] == 10092


def test_every_unserved_binding_is_named(cf, local, namespace):
    bindings = [{"type": "analytics_engine", "name": "AE"}, {"type": "queue", "name": "JOBS"}]
    answer = cf.call("PUT", f"{namespace}/scripts/app", status=400, files=upload({"bindings": bindings}))
    assert [("AE" in error["message"], "JOBS" in error["message"]) for error in answer["errors"]] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize(
    ("module", "wrong"),
    [
        (("x.py", b"print()", "text/x-python"), "'text/x-python'"),
        (("x.js", b"\xff\xfe", JAVASCRIPT), "not UTF-8"),
        (("index.js", b"export {}", JAVASCRIPT), "same name"),
    ],
)
def test_a_wrong_module_is_refused(cf, local, namespace, module, wrong):
    parts = [*upload({}), ("files", module)]
    assert wrong in cf.refused("PUT", f"{namespace}/scripts/app", 400, files=parts)[1]


@pytest.mark.parametrize("script", ["Capital", "a" * 64, "-a", "a.b"])
def test_a_wrong_script_name_is_refused(cf, local, namespace, script):
    assert "script name" in cf.refused("PUT", f"{namespace}/scripts/{script}", 400, files=upload({}))[1]


def test_a_script_that_is_too_large_is_refused(cf, local, namespace, monkeypatch):
    monkeypatch.setattr("local_cloud.cloudflare.modules.MAX_BYTES", 10)
    assert cf.refused("PUT", f"{namespace}/scripts/app", 413, files=upload({}))[0] == 10027


def test_a_body_that_is_no_form_is_refused(cf, local, namespace):
    assert cf.refused("PUT", f"{namespace}/scripts/app", 415, json={})[0] == 10001
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    message = cf.refused("PUT", f"{namespace}/scripts/app", 400, content=b"--x\r\ncut", headers=headers)[1]
    assert "closing boundary" in message
