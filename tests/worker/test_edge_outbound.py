"""An outbound Worker between the apps of a namespace and the network, in a real workerd."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from edge_harness import EMPTY, RunningEdge, bundle, serve

from local_cloud.edge import UnrunnableError
from local_cloud.edge.model import Bundle, Split, Version
from local_cloud.store import Reader, Store

HOST = "dispatch.overskill.workers.localhost"
DISPATCHER = """
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const outbound = JSON.parse(url.searchParams.get("outbound") ?? "null") ?? undefined;
    try {
      return await env.APPS.get(url.pathname.slice(1), {}, { outbound, limits: { cpuMs: 50 } }).fetch(request);
    } catch (error) {
      return new Response(error.message, { status: 555 });
    }
  },
};
"""
REPORT = """
const report = async (request, env) => {
  const { url, method, redirect, cf } = request;
  const headers = Object.fromEntries(request.headers);
  return Response.json({ url, method, redirect, cf, headers, body: await request.text(), env }, { status: 201 });
};
"""
OUTBOUND = f"{REPORT} export default {{ fetch: report }};"
OUTBOUND_CLASS = f"""
import {{ WorkerEntrypoint }} from "cloudflare:workers";
{REPORT}
export default class extends WorkerEntrypoint {{
  fetch(request) {{ return report(request, this.env); }}
}}
"""
APP = """
export default {
  fetch() {
    return fetch("https://api.example.com:8443/a%2Fb?c=%20d", {
      method: "PUT",
      headers: { "x-own": "kept", app: "forged", "local-cloud-params": '{"app":"forged"}' },
      body: "the body",
      redirect: "manual",
    });
  },
};
"""
PLAN = {"hosts": ["*"], "requests": None, "name": "é"}
TEXT = {"type": "plain_text", "name": "OWN", "text": "the outbound Worker's"}


def dispatcher(*parameters: str, service: str = "out") -> Bundle:
    outbound = {"worker": {"service": service}, "params": [{"name": name} for name in parameters]}
    binding = {"type": "dispatch_namespace", "name": "APPS", "namespace": "production", "outbound": outbound}
    return bundle("dispatch", DISPATCHER, bindings=(binding,))


@contextmanager
def edge_with(workerd: Path, directory: Path, *workers: Bundle | Split, **options: Any) -> Iterator[RunningEdge]:
    account = replace(EMPTY, workers=workers, workers_dev=frozenset({"dispatch", "out"}))
    with serve(workerd, directory, account, {("production", "app"): bundle("app", APP)}, **options) as edge:
        yield edge


@pytest.fixture
def edge(workerd_binary: Path, tmp_path: Path) -> Iterator[RunningEdge]:
    out = bundle("out", OUTBOUND, bindings=(TEXT,))
    with edge_with(workerd_binary, tmp_path, dispatcher("app", "plan"), out) as running:
        yield running


def put(edge: RunningEdge, source: str) -> None:
    edge.state.scripts["production", "app"] = bundle("app", source)


def test_an_apps_fetch_reaches_the_outbound_worker_as_it_was_made(edge: RunningEdge) -> None:
    answer = edge.get(HOST, "/app")
    assert answer.status_code == 201
    seen = answer.json()
    assert (seen["url"], seen["method"]) == ("https://api.example.com:8443/a%2Fb?c=%20d", "PUT")
    assert (seen["body"], seen["redirect"]) == ("the body", "manual")
    assert "cf" not in seen
    assert seen["headers"] == {
        "app": "forged",
        "content-length": "8",
        "content-type": "text/plain;charset=UTF-8",
        "local-cloud-params": '{"app":"forged"}',
        "x-own": "kept",
    }


@pytest.mark.parametrize(
    ("given", "declared"),
    [
        ({"app": "abc", "plan": PLAN, "other": 1}, {"app": "abc", "plan": PLAN}),
        ({"app": "abc"}, {"app": "abc"}),
        ({}, {}),
        (None, {}),
    ],
)
def test_the_declared_parameters_are_in_its_env_beside_its_own_bindings(
    edge: RunningEdge, given: Any, declared: dict[str, Any]
) -> None:
    seen = edge.get(HOST, "/app", params={"outbound": json.dumps(given)}).json()["env"]
    assert seen == {"OWN": TEXT["text"], **declared}


@pytest.mark.parametrize("date", ["2021-11-02", "2025-11-16", "2025-11-17", "2026-01-01"])
@pytest.mark.parametrize("source", [OUTBOUND, OUTBOUND_CLASS], ids=["object", "class"])
def test_either_kind_of_default_export_at_any_date(
    workerd_binary: Path, tmp_path: Path, source: str, date: str
) -> None:
    out = bundle("out", source, bindings=(TEXT,), compatibility_date=date)
    with edge_with(workerd_binary, tmp_path, dispatcher("app"), out) as edge:
        for app in ("abc", "def", "abc"):
            seen = edge.get(HOST, "/app", params={"outbound": f'{{"app":"{app}"}}'}).json()
            assert seen["env"] == {"OWN": TEXT["text"], "app": app}


def test_its_main_module_may_be_in_a_folder(workerd_binary: Path, tmp_path: Path) -> None:
    made = bundle("out", 'export { default } from "./lib/report.js";')
    main = replace(made.modules[0], name="src/index.js")
    report = replace(made.modules[0], name="src/lib/report.js", body=OUTBOUND.encode())
    out = replace(made, main_module="src/index.js", modules=(report, main))
    with edge_with(workerd_binary, tmp_path, dispatcher(), out) as edge:
        assert edge.get(HOST, "/app").status_code == 201


def test_asked_directly_it_has_no_parameters(edge: RunningEdge) -> None:
    headers = {"app": "forged", "local-cloud-params": '{"app":"forged"}'}
    assert edge.get("out.overskill.workers.localhost", headers=headers).json()["env"] == {"OWN": TEXT["text"]}


def test_an_app_cannot_go_around_it(edge: RunningEdge) -> None:
    put(
        edge,
        f"""import {{ connect }} from "cloudflare:sockets";
        export default {{ async fetch() {{
          try {{
            await connect({{ hostname: "127.0.0.1", port: {edge.port} }}).opened;
            return new Response("connected");
          }} catch (error) {{
            return new Response(`refused: ${{error.message}}`);
          }}
        }} }};""",
    )
    assert edge.get(HOST, "/app").text.startswith("refused: ")


def test_a_websocket_passes_through_it(edge: RunningEdge) -> None:
    source = """export default { fetch(request, env) {
      const [client, server] = Object.values(new WebSocketPair());
      server.accept();
      server.send(`hello ${env.app} at ${request.url}`);
      return new Response(null, { status: 101, webSocket: client });
    } };"""
    edge.change(workers=(dispatcher("app"), bundle("out", source)))
    put(
        edge,
        """export default { async fetch() {
          const { webSocket } = await fetch("https://chat.example.com/", { headers: { upgrade: "websocket" } });
          webSocket.accept();
          const message = new Promise((done) => webSocket.addEventListener("message", ({ data }) => done(data)));
          return new Response(await message);
        } };""",
    )
    answer = edge.get(HOST, "/app", params={"outbound": '{"app":"abc"}'})
    assert answer.text == "hello abc at https://chat.example.com/"


def test_its_exception_is_the_apps(edge: RunningEdge) -> None:
    edge.change(workers=(dispatcher(), bundle("out", "export default { fetch() { throw new Error('denied'); } };")))
    put(edge, "export default { fetch: () => fetch('http://x/').catch((error) => new Response(error.message)) };")
    assert edge.get(HOST, "/app").text == "denied"


@contextmanager
def upstream() -> Iterator[str]:
    """A server on this machine that answers with the path it was asked for; its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"upstream {self.path} {self.headers['x-app']}".encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


PASSING = """export default { fetch(request, env) {
  const passed = new Request(request);
  passed.headers.set("x-app", env.app);
  return fetch(passed);
} };"""


@pytest.mark.parametrize(("internet", "text"), [(("public", "local"), "upstream /x abc"), (("public",), "")])
def test_its_own_fetch_goes_to_the_network(
    workerd_binary: Path, tmp_path: Path, internet: tuple[str, ...], text: str
) -> None:
    workers = (dispatcher("app"), bundle("out", PASSING))
    with upstream() as url, edge_with(workerd_binary, tmp_path, *workers, internet=internet) as edge:
        put(edge, f"export default {{ fetch: () => fetch('{url}/x').catch(() => new Response('')) }};")
        assert edge.get(HOST, "/app", params={"outbound": '{"app":"abc"}'}).text == text


def test_without_one_an_app_goes_to_the_network_itself(workerd_binary: Path, tmp_path: Path) -> None:
    binding = {"type": "dispatch_namespace", "name": "APPS", "namespace": "production"}
    plain = bundle("dispatch", DISPATCHER, bindings=(binding,))
    with upstream() as url, edge_with(workerd_binary, tmp_path, plain, internet=("local",)) as edge:
        put(edge, f"export default {{ fetch: () => fetch('{url}/x') }};")
        assert edge.get(HOST, "/app").text == "upstream /x None"


def test_two_bindings_have_each_its_own(workerd_binary: Path, tmp_path: Path) -> None:
    other = replace(dispatcher(service="other"), name="dispatch-other")
    answering = {name: f"export default {{ fetch: () => new Response('{name}') }};" for name in ("out", "other")}
    workers = (dispatcher(), other, *(bundle(name, source) for name, source in answering.items()))
    account = replace(EMPTY, workers=workers, workers_dev=frozenset({"dispatch", "dispatch-other"}))
    with serve(workerd_binary, tmp_path, account, {("production", "app"): bundle("app", APP)}) as edge:
        for _ in range(2):
            assert edge.get(HOST, "/app").text == "out"
            assert edge.get(f"dispatch-other.{HOST.partition('.')[2]}", "/app").text == "other"


def test_one_of_two_versions_has_its_share_of_the_fetches(workerd_binary: Path, tmp_path: Path) -> None:
    source = "export default {{ fetch: (request, env) => new Response('{} ' + env.app) }};"
    versions = tuple(
        Version(id=name, percentage=50, bundle=bundle("out", source.format(name))) for name in ("one", "two")
    )
    out = Split(name="out", versions=versions)
    with edge_with(workerd_binary, tmp_path, dispatcher("app"), out) as edge:
        answers = {edge.get(HOST, "/app", params={"outbound": '{"app":"abc"}'}).text for _ in range(40)}
    assert answers == {"one abc", "two abc"}


def test_it_keeps_its_native_bindings(workerd_binary: Path, tmp_path: Path) -> None:
    file = tmp_path / "cloud.sqlite3"
    store = Store(file)
    with store.transaction():
        store.put("kv_namespaces", "", "one", {"id": "one"})
    store.close()
    source = """export default { async fetch(request, env) {
      await env.KV.put("seen", `${env.app} ${request.url}`);
      env.AE.writeDataPoint({ blobs: [env.app] });
      return new Response(await env.KV.get("seen"));
    } };"""
    bindings = (
        {"type": "kv_namespace", "name": "KV", "namespace_id": "one"},
        {"type": "analytics_engine", "name": "AE", "dataset": "usage"},
    )
    workers = (dispatcher("app"), bundle("out", source, bindings=bindings))
    with edge_with(workerd_binary, tmp_path, *workers, store=file) as edge:
        put(edge, "export default { fetch: () => fetch('https://example.com/x') };")
        answer = edge.get(HOST, "/app", params={"outbound": '{"app":"abc"}'})
        assert answer.text == "abc https://example.com/x"
        reader, deadline = Reader(file), time.monotonic() + 5
        while not (points := reader.values("data_points", "usage")) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert [point["blobs"] for point in points] == [["abc"]]
        reader.close()


def test_one_that_does_not_run_is_named(edge: RunningEdge) -> None:
    with pytest.raises(UnrunnableError, match="binding 'APPS' has outbound Worker 'gone', which does not exist"):
        edge.change(workers=(dispatcher(service="gone"),))
