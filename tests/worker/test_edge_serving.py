"""Requests through the edge: ingress, account Workers, namespaces and their scripts, in a real workerd."""

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from edge_harness import EMPTY, RunningEdge, bundle, dispatcher, replying, serve
from websocket import Echo

from local_cloud.edge.model import Domain, Module, Record, Route

ZONE = "overskill.localhost"
HOST = f"any.{ZONE}"
WILDCARD = Record(zone=ZONE, name=f"*.{ZONE}", type="CNAME", content="dispatch.overskill.workers.dev", proxied=True)
ROUTE = Route(zone=ZONE, pattern=f"*.{ZONE}/*", script="dispatch")
ACCOUNT = replace(
    EMPTY, workers=(dispatcher("staging", "production"),), zones=(ZONE,), records=(WILDCARD,), routes=(ROUTE,)
)
ECHO_REQUEST = """
export default {
  async fetch(request) {
    const { url, method, redirect, cf } = request;
    const headers = Object.fromEntries(request.headers);
    return Response.json({ url, method, redirect, headers, cf: cf === undefined ? "undefined" : cf });
  },
};
"""


@pytest.fixture
def edge(workerd_binary: Path, tmp_path: Path) -> Iterator[RunningEdge]:
    with serve(workerd_binary, tmp_path, ACCOUNT) as running:
        yield running


def put(edge: RunningEdge, name: str, source: str, namespace: str = "production", **fields: object) -> None:
    edge.state.scripts[namespace, name] = bundle(name, source, **fields)


def test_each_namespace_serves_its_own_script_of_a_name(edge: RunningEdge) -> None:
    edge.state.scripts["staging", "app"] = replying("app", "staging's")
    edge.state.scripts["production", "app"] = replying("app", "production's")
    assert edge.get(HOST, "/staging/app").text == "staging's"
    assert edge.get(HOST, "/production/app").text == "production's"


def test_a_missing_script_is_not_found_and_served_once_uploaded(edge: RunningEdge) -> None:
    answer = edge.get(HOST, "/production/app")
    assert (answer.status_code, answer.json()["message"]) == (555, "Worker not found.")
    edge.state.scripts["production", "app"] = replying("app", "here now")
    assert edge.get(HOST, "/production/app").text == "here now"
    del edge.state.scripts["production", "app"]
    assert edge.get(HOST, "/production/app").json()["message"] == "Worker not found."


def test_a_namespace_that_is_deleted_while_bound_is_told_from_a_missing_script(edge: RunningEdge) -> None:
    edge.state.scripts["production", "app"] = replying("app", "runs")
    assert edge.get(HOST, "/production/app").text == "runs"
    edge.state.deleted_namespaces.add("production")
    del edge.state.scripts["production", "app"]
    for name in ("app", "another"):
        answer = edge.get(HOST, f"/production/{name}")
        assert answer.json() == {"name": "Error", "message": "Dispatch namespace not found.", "remote": False}
    assert edge.get(HOST, "/staging/app").json()["message"] == "Worker not found."


def test_an_upload_is_live_on_the_next_request_and_so_is_a_rollback(edge: RunningEdge) -> None:
    for text in ("one", "two", "one"):
        edge.state.scripts["production", "app"] = replying("app", text)
        assert edge.get(HOST, "/production/app").text == text


def test_a_names_odd_characters_reach_the_source(edge: RunningEdge) -> None:
    edge.state.scripts["production", "a%20b"] = replying("a%20b", "odd")
    assert edge.get(HOST, "/production/a%20b").text == "odd"


def test_an_apps_exception_reaches_the_dispatcher(edge: RunningEdge) -> None:
    put(edge, "app", "export default { fetch() { throw new TypeError('boom'); } };")
    answer = edge.get(HOST, "/production/app")
    assert answer.json() == {"name": "TypeError", "message": "boom", "remote": True}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"source": "export default {"}, "Failed to start Worker:\nUncaught SyntaxError"),
        ({"source": "throw new Error('at the top')"}, "Failed to start Worker:\nUncaught Error: at the top"),
        ({"bindings": ({"type": "queue", "name": "Q"},)}, "Failed to start Worker:\nWorker app: binding 'Q'"),
        ({"compatibility_flags": ("nonsense",)}, "No such compatibility flag: nonsense"),
    ],
)
def test_a_script_that_does_not_start_is_told_from_a_missing_one(
    edge: RunningEdge, fields: dict[str, object], message: str
) -> None:
    put(edge, "app", **{"source": "export default {}", **fields})
    for _ in range(2):
        answer = edge.get(HOST, "/production/app").json()
        assert answer["message"].startswith(message)
        assert not answer["remote"]
    edge.state.scripts["production", "app"] = replying("app", "mended")
    assert edge.get(HOST, "/production/app").text == "mended"


def test_a_failure_of_the_source_is_not_remembered(edge: RunningEdge) -> None:
    edge.state.scripts["production", "app"] = replying("app", "fine")
    scripts, edge.state.scripts = edge.state.scripts, None
    answer = edge.get(HOST, "/production/app")
    assert (answer.status_code, answer.json()["message"][:22]) == (555, "Failed to start Worker")
    edge.state.scripts = scripts
    assert edge.get(HOST, "/production/app").text == "fine"


def test_an_app_gets_its_modules_and_bindings(edge: RunningEdge) -> None:
    edge.state.scripts["production", "app"] = everything("app")
    assert edge.get(HOST, "/production/app").json() == EVERYTHING


def test_an_account_worker_gets_its_modules_and_bindings(edge: RunningEdge) -> None:
    edge.change(workers=(everything("dispatch"),))
    assert edge.get(HOST).json() == EVERYTHING


EVERYTHING = {
    "js": "é€😀\"\\'\n\x7f",
    "text": "Grüße\t\x1f1",
    "json": {"ü": [1, None]},
    "data": [0, 128, 255],
    "wasm": "[object WebAssembly.Module]",
    "PLAIN": 'p"é\\n',
    "SECRET": "s\n",
    "JSON": {"a": [True]},
}


def everything(name: str) -> object:
    source = f"""
    import text from "./lib/text.txt";
    import json from "./lib/value.json";
    import data from "./lib/bytes.bin";
    import wasm from "./lib/empty.wasm";
    import js from "./lib/other.mjs";
    export default {{
      fetch(request, env) {{
        return Response.json({{ js, text, json, data: [...new Uint8Array(data)], wasm: String(wasm), ...env }});
      }},
    }};  // {"x" * 100_000}
    """
    other = f"export default {json.dumps(EVERYTHING['js'], ensure_ascii=False)};"
    modules = [
        Module(name="lib/text.txt", content_type="text/plain; charset=utf-8", body=EVERYTHING["text"].encode()),
        Module(name="lib/value.json", content_type="application/json", body=json.dumps(EVERYTHING["json"]).encode()),
        Module(name="lib/bytes.bin", content_type="application/octet-stream", body=bytes(EVERYTHING["data"])),
        Module(name="lib/empty.wasm", content_type="application/wasm", body=b"\0asm\1\0\0\0"),
        Module(name="lib/other.mjs", content_type="application/javascript+module", body=other.encode()),
    ]
    bindings = (
        {"type": "plain_text", "name": "PLAIN", "text": EVERYTHING["PLAIN"]},
        {"type": "secret_text", "name": "SECRET", "text": EVERYTHING["SECRET"]},
        {"type": "json", "name": "JSON", "json": EVERYTHING["JSON"]},
    )
    return bundle(name, source, *modules, bindings=bindings)


def test_a_compatibility_date_beyond_this_workerd_runs_as_its_newest_with_a_warning(
    edge: RunningEdge, caplog: pytest.LogCaptureFixture
) -> None:
    future = {"compatibility_date": "2999-01-01"}
    edge.state.scripts["production", "app"] = replying("app", "app runs", **future)
    assert edge.get(HOST, "/production/app").text == "app runs"
    edge.change(workers=(replying("dispatch", "dispatch runs", **future),))
    assert edge.get(HOST).text == "dispatch runs"
    warnings = [record.message for record in caplog.records if "2999-01-01 runs as 2" in record.message]
    assert any("scripts/app" in warning for warning in warnings)
    assert any("Worker dispatch" in warning for warning in warnings)


def test_headers_of_the_edge_replace_what_a_client_claims(edge: RunningEdge) -> None:
    put(edge, "app", ECHO_REQUEST)
    claimed = {
        "CF-Connecting-IP": "8.8.8.8",
        "CF-IPCountry": "DE",
        "CF-Ray": "mine",
        "CF-Visitor": '{"scheme":"https"}',
        "X-Forwarded-Proto": "https",
        "X-Real-IP": "8.8.8.8",
        "x-other": "kept",
    }
    seen = edge.get(HOST, "/production/app?q=1", headers=claimed).json()
    assert seen["url"] == f"http://{HOST}:{edge.port}/production/app?q=1"
    for name in ("cf-connecting-ip", "x-real-ip", "x-forwarded-for"):
        assert seen["headers"][name] == "127.0.0.1"
    assert seen["headers"]["cf-ipcountry"] == "XX"
    assert json.loads(seen["headers"]["cf-visitor"]) == {"scheme": "http"}
    assert re.fullmatch(r"[0-9a-f]{16}-[A-Z]{3}", seen["headers"]["cf-ray"])
    assert seen["headers"]["x-forwarded-proto"] == "http"
    assert seen["headers"]["x-other"] == "kept"
    assert seen["redirect"] == "manual"


def test_the_client_is_appended_to_the_proxies_before_it(edge: RunningEdge) -> None:
    put(edge, "app", ECHO_REQUEST)
    seen = edge.get(HOST, "/production/app", headers={"X-Forwarded-For": "203.0.113.1,198.51.100.101"}).json()
    assert seen["headers"]["x-forwarded-for"] == "203.0.113.1,198.51.100.101,127.0.0.1"


def test_account_workers_and_trusted_apps_alone_have_cf(edge: RunningEdge) -> None:
    put(edge, "app", ECHO_REQUEST)
    assert edge.get(HOST, "/production/app").json()["cf"] == "undefined"
    put(edge, "app", ECHO_REQUEST, trusted=True)
    assert edge.get(HOST, "/production/app").json()["cf"] == {"country": "XX"}
    edge.change(workers=(bundle("dispatch", ECHO_REQUEST),))
    assert edge.get(HOST).json()["cf"] == {"country": "XX"}


def test_apps_reach_nothing_on_this_machine(edge: RunningEdge) -> None:
    put(
        edge,
        "app",
        f"""export default {{ async fetch() {{
          return await fetch("http://127.0.0.1:{edge.port}/").catch(() => new Response("no way"));
        }} }};""",
    )
    assert edge.get(HOST, "/production/app").text == "no way"


def test_a_body_of_a_request_reaches_the_app(edge: RunningEdge) -> None:
    put(edge, "app", "export default { async fetch(r) { return new Response(r.body); } };")
    body = os.urandom(3_000_000)
    assert edge.get(HOST, "/production/app", method="POST", content=body).content == body


def test_a_streamed_answer_arrives_as_it_is_written(edge: RunningEdge) -> None:
    put(
        edge,
        "app",
        """export default { fetch() {
          const { readable, writable } = new TransformStream();
          (async () => {
            const writer = writable.getWriter();
            for (const part of ["first", "second"]) {
              await writer.write(new TextEncoder().encode(part));
              await new Promise((done) => setTimeout(done, 300));
            }
            await writer.close();
          })();
          return new Response(readable);
        } };""",
    )
    with edge.stream(HOST, "/production/app") as answer:
        parts = [(time.monotonic(), part) for part in answer.iter_bytes()]
    assert [part for _, part in parts] == [b"first", b"second"]
    assert parts[1][0] - parts[0][0] > 0.05


def test_a_websocket_passes_through_to_the_app(edge: RunningEdge) -> None:
    put(
        edge,
        "app",
        """export default { fetch() {
          const [client, server] = Object.values(new WebSocketPair());
          server.accept();
          server.addEventListener("message", ({ data }) => server.send(`echo ${data}`));
          return new Response(null, { status: 101, webSocket: client });
        } };""",
    )
    with Echo(edge.port, HOST, "/production/app") as chat:
        assert chat.send(b"hello") == b"echo hello"


def test_a_removed_route_stops_the_host_and_says_why(edge: RunningEdge) -> None:
    edge.state.scripts["production", "app"] = replying("app", "served")
    edge.change(routes=())
    answer = edge.get(HOST, "/production/app")
    assert (answer.status_code, answer.headers["x-local-cloud-edge"]) == (522, "no-route")
    edge.change(routes=(ROUTE,))
    answer = edge.get(HOST, "/production/app")
    assert (answer.text, "x-local-cloud-edge" in answer.headers) == ("served", False)


def test_a_removed_record_stops_the_host_and_says_why(edge: RunningEdge) -> None:
    edge.change(records=())
    answer = edge.get(HOST, "/production/app")
    assert (answer.status_code, answer.headers["x-local-cloud-edge"]) == (530, "no-proxied-record")
    assert f"No proxied DNS record for {HOST} in zone {ZONE}" in answer.text


def test_an_exempt_host_does_not_reach_the_worker(edge: RunningEdge) -> None:
    edge.change(routes=(ROUTE, Route(zone=ZONE, pattern=f"api.{ZONE}/*", script=None)))
    assert edge.get(f"api.{ZONE}").headers["x-local-cloud-edge"] == "route-exempts"
    assert edge.get(HOST, "/production/app").status_code == 555


def test_workers_dev_is_served_while_enabled(edge: RunningEdge) -> None:
    edge.state.scripts["production", "app"] = replying("app", "served")
    hosts = ("dispatch.overskill.workers.localhost", "dispatch.overskill.workers.dev")
    for enabled, status in ((frozenset({"dispatch"}), 200), (frozenset(), 404)):
        edge.change(workers_dev=enabled)
        assert [edge.get(host, "/production/app").status_code for host in hosts] == [status, status]


def test_a_custom_domain_serves_its_worker(edge: RunningEdge) -> None:
    workers = (*ACCOUNT.workers, replying("api", "the api"))
    edge.change(workers=workers, routes=(), domains=(Domain(hostname=f"api.{ZONE}", script="api"),))
    assert edge.get(f"api.{ZONE}").text == "the api"


def test_an_account_workers_exception_is_an_error_of_the_edge(edge: RunningEdge) -> None:
    edge.change(workers=(bundle("dispatch", "export default { fetch() { throw new RangeError('deep'); } };"),))
    answer = edge.get(HOST)
    assert (answer.status_code, answer.headers["x-local-cloud-edge"]) == (500, "worker-exception")
    assert "Worker dispatch threw an exception.\nRangeError: deep" in answer.text
