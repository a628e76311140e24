"""Every kind of binding, as the API declares it, from inside an app in a real workerd."""

import json
from collections.abc import Iterator

import httpx
import pytest
from contract_process import ACCOUNT, Process, running
from contract_service import JAVASCRIPT, Form, upload

A = f"/client/v4/accounts/{ACCOUNT}"
APP = f"{A}/workers/dispatch/namespaces/apps/scripts/app"
HOST = {"Host": "dispatch.overskill.workers.localhost"}
NAMESPACE = {"type": "dispatch_namespace", "name": "APPS", "namespace": "apps"}
DISPATCHER = "export default { fetch(request, env) { return env.APPS.get('app').fetch(request); } };"
SERVICE = "export default { async fetch(request) { return new Response(`other got ${await request.text()}`); } };"
SOURCE = """
import { env as imported } from "cloudflare:workers";

const ASKED = {
  async kv({ KV }) {
    await KV.put("a/b", "value", { metadata: { n: 1 } });
    await KV.put("bytes", new Uint8Array([1, 2]));
    const { value, metadata } = await KV.getWithMetadata("a/b");
    const bytes = [...new Uint8Array(await KV.get("bytes", "arrayBuffer"))];
    const { keys, list_complete } = await KV.list({ prefix: "a" });
    await KV.delete("bytes");
    return { value, metadata, bytes, keys, list_complete, gone: await KV.get("bytes"), same: imported.KV === KV };
  },
  async d1({ DB }) {
    await DB.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)");
    const insert = DB.prepare("INSERT INTO t (name) VALUES (?)");
    const made = await DB.batch([insert.bind("one"), insert.bind("two")]);
    const failed = await DB.batch([insert.bind("three"), DB.prepare("no sql")]).catch(({ message }) => message);
    const all = await DB.prepare("SELECT * FROM t WHERE id > ?1").bind(0).all();
    const first = await DB.prepare("SELECT name FROM t ORDER BY id DESC").first("name");
    const raw = await DB.prepare("SELECT id, name FROM t").raw();
    return { changes: made.map(({ meta }) => meta.changes), failed, all: all.results, first, raw };
  },
  async r2({ BUCKET }) {
    const about = { httpMetadata: { contentType: "text/plain" }, customMetadata: { k: "v" } };
    const put = await BUCKET.put("dir/a.txt", "text", about);
    const got = await BUCKET.get("dir/a.txt", { range: { offset: 1, length: 2 } });
    const headers = new Headers();
    got.writeHttpMetadata(headers);
    const { objects } = await BUCKET.list({ prefix: "dir/" });
    await BUCKET.delete("dir/a.txt");
    return {
      size: put.size, part: await got.text(), type: headers.get("content-type"), custom: got.customMetadata,
      listed: objects.map(({ key }) => key), gone: await BUCKET.head("dir/a.txt"),
    };
  },
  async service({ OTHER }) {
    return (await OTHER.fetch("http://other/", { method: "POST", body: "this" })).text();
  },
  values: ({ PLAIN, SECRET, JSON_VALUE }) => ({ PLAIN, SECRET, JSON_VALUE }),
};

export default {
  async fetch(request, env) {
    return Response.json(await ASKED[new URL(request.url).pathname.slice(1)](env));
  },
};
"""
ANSWERS = {
    "kv": {
        "value": "value",
        "metadata": {"n": 1},
        "bytes": [1, 2],
        "keys": [{"name": "a/b", "metadata": {"n": 1}}],
        "list_complete": True,
        "gone": None,
        "same": True,
    },
    "d1": {
        "changes": [1, 1],
        "failed": 'D1_ERROR: near "no": syntax error: SQLITE_ERROR',
        "all": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}],
        "first": "two",
        "raw": [[1, "one"], [2, "two"]],
    },
    "r2": {
        "size": 4,
        "part": "ex",
        "type": "text/plain",
        "custom": {"k": "v"},
        "listed": ["dir/a.txt"],
        "gone": None,
    },
    "service": "other got this",
    "values": {"PLAIN": "p", "SECRET": "s", "JSON_VALUE": [1]},
}


@pytest.fixture(scope="module")
def cloud(workerd, tmp_path_factory) -> Iterator[Process]:
    with running(tmp_path_factory.mktemp("bindings") / "state", workerd) as cloud:
        cloud.api("POST", f"{A}/workers/dispatch/namespaces", json={"name": "apps"})
        cloud.api("PUT", f"{A}/workers/scripts/dispatch", files=upload({"bindings": [NAMESPACE]}, index=DISPATCHER))
        cloud.api("POST", f"{A}/workers/scripts/dispatch/subdomain", json={"enabled": True})
        cloud.api("PUT", f"{A}/workers/scripts/other", files=upload({}, index=SERVICE))
        yield cloud


def bindings(cloud: Process) -> list[dict[str, object]]:
    def made(path: str, **body: str) -> dict[str, str]:
        return cloud.api("POST", f"{A}/{path}", json=body).json()["result"]

    return [
        {"type": "kv_namespace", "name": "KV", "namespace_id": made("storage/kv/namespaces", title="values")["id"]},
        {"type": "d1", "name": "DB", "id": made("d1/database", name="data")["uuid"]},
        {"type": "r2_bucket", "name": "BUCKET", "bucket_name": made("r2/buckets", name="objects")["name"]},
        {"type": "service", "name": "OTHER", "service": "other"},
        {"type": "plain_text", "name": "PLAIN", "text": "p"},
        {"type": "secret_text", "name": "SECRET", "text": "s"},
        {"type": "json", "name": "JSON_VALUE", "json": [1]},
    ]


def app(source: str, bound: list[dict[str, object]]) -> Form:
    """An upload whose main module is in a folder, and not alone."""
    metadata = {"main_module": "src/app.js", "compatibility_date": "2026-01-01", "bindings": bound}
    return [
        ("metadata", (None, json.dumps(metadata), "application/json")),
        ("src/app.js", ("src/app.js", source, JAVASCRIPT)),
        ("src/own.js", ("src/own.js", "export const own = 1;", JAVASCRIPT)),
    ]


def test_an_app_uses_each_kind_of_binding(cloud: Process) -> None:
    cloud.api("PUT", APP, files=app('import { own } from "./own.js";\n' + SOURCE, bindings(cloud)))
    answers = {}
    for kind in ANSWERS:
        answer = httpx.get(f"{cloud.edge_url}/{kind}", headers=HOST, trust_env=False)
        answers[kind] = answer.json() if answer.is_success else answer.text
    assert answers == ANSWERS
