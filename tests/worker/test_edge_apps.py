"""The process of the apps: what keeps them apart, how many stay loaded, and what they may ask for."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from edge_harness import EMPTY, RunningEdge, bundle, replying, serve
from test_edge_supervision import workerd_pids
from websocket import Echo

from local_cloud import logs
from local_cloud.cloudflare.script_assets import manifest
from local_cloud.edge.model import Asset, Assets
from local_cloud.store import Reader

HOST = "dispatch.overskill.workers.localhost"
CPU = {"name": "Error", "message": "Worker exceeded CPU time limit.", "remote": False}
DISPATCHER = """
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const subRequests = url.searchParams.has("limit") ? Number(url.searchParams.get("limit")) : undefined;
    try {
      return await env.APPS.get(url.pathname.split("/")[1], {}, { limits: { cpuMs: 50, subRequests } }).fetch(request);
    } catch (error) {
      const { name, message, remote = false } = error;
      return Response.json({ name, message, remote }, { status: 555 });
    }
  },
};
"""
NAMESPACE = {"type": "dispatch_namespace", "name": "APPS", "namespace": "apps"}
ACCOUNT = replace(
    EMPTY, workers=(bundle("dispatch", DISPATCHER, bindings=(NAMESPACE,)),), workers_dev=frozenset({"dispatch"})
)
COUNTING = "let count = 0; export default { fetch() { return new Response(String(++count)); } };"
LOOPING = "export default { fetch() { for (;;); } };"
ECHOING = """export default { fetch() {
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  server.addEventListener("message", ({ data }) => server.send(`echo ${data}`));
  return new Response(null, { status: 101, webSocket: client });
} };"""
STREAMING = """export default { fetch() {
  let sent = 0;
  return new Response(new ReadableStream({ async pull(controller) {
    if (sent++ === 20) return controller.close();
    await scheduler.wait(100);
    controller.enqueue(new TextEncoder().encode("x"));
  } }));
} };"""


@pytest.fixture
def edge(workerd_binary: Path, tmp_path: Path) -> Iterator[RunningEdge]:
    with serve(workerd_binary, tmp_path, ACCOUNT, residents=3) as running:
        yield running


def put(edge: RunningEdge, name: str, source: str, **fields: object) -> None:
    edge.state.scripts["apps", name] = bundle(name, source, **fields)


def in_background(work: object) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_an_endless_loop_fails_its_own_call_and_keeps_no_other_app_away(edge: RunningEdge, tmp_path: Path) -> None:
    put(edge, "loop", LOOPING)
    put(edge, "sound", COUNTING)
    assert edge.get(HOST, "/sound").text == "1"
    (account,), (apps,) = workerd_pids(tmp_path), workerd_pids(tmp_path, "apps")
    outcome: list[httpx.Response] = []
    looping = in_background(lambda: outcome.append(edge.get(HOST, "/loop")))
    time.sleep(0.2)
    began = time.monotonic()
    while edge.get(HOST, "/sound", headers={"connection": "close"}).status_code != 200:
        assert time.monotonic() - began < 3
    looping.join()
    assert (outcome[0].status_code, outcome[0].json()) == (555, CPU)
    assert workerd_pids(tmp_path) == [account]
    assert apps not in workerd_pids(tmp_path, "apps")


def test_a_killed_process_of_apps_is_replaced(edge: RunningEdge, tmp_path: Path) -> None:
    put(edge, "app", COUNTING)
    for _ in range(2):
        assert edge.get(HOST, "/app").text == "1"
        (pid,) = workerd_pids(tmp_path, "apps")
        os.kill(pid, signal.SIGKILL)


def test_the_least_recently_used_app_is_no_longer_resident(edge: RunningEdge) -> None:
    for name in ("a", "b", "c", "d"):
        put(edge, name, COUNTING)
    for path, count in (("/a", "1"), ("/b", "1"), ("/c", "1"), ("/a", "2"), ("/d", "1"), ("/a", "3"), ("/b", "1")):
        assert (path, edge.get(HOST, path).text) == (path, count)


def test_a_websocket_and_a_stream_survive_the_eviction_of_their_app(edge: RunningEdge) -> None:
    put(edge, "socket", ECHOING)
    put(edge, "stream", STREAMING)
    for number in range(120):
        edge.state.scripts["apps", f"app{number}"] = replying(f"app{number}", "here")
    streamed: list[str] = []
    with Echo(edge.port, HOST, "/socket") as echo:
        assert echo.send(b"before") == b"echo before"
        streaming = in_background(lambda: streamed.append(edge.get(HOST, "/stream").text))
        time.sleep(0.3)
        for number in range(120):
            assert edge.get(HOST, f"/app{number}").text == "here"
        assert echo.send(b"after") == b"echo after"
    streaming.join()
    assert streamed == ["x" * 20]


@pytest.mark.parametrize(
    ("limit", "wanted", "answer"),
    [
        ("?limit=3", 3, "3"),
        ("?limit=3", 4, {"name": "Error", "message": "Too many subrequests.", "remote": True}),
        ("?limit=0", 1, {"name": "Error", "message": "Too many subrequests.", "remote": True}),
        ("", 20, "20"),
    ],
)
def test_subrequests_are_counted_for_each_request(edge: RunningEdge, limit: str, wanted: int, answer: object) -> None:
    edge.change(workers=(*ACCOUNT.workers, replying("other", "o")))
    service = {"type": "service", "name": "OTHER", "service": "other"}
    source = f"""export default {{ async fetch(request, env) {{
      let text = "";
      for (let asked = 0; asked < {wanted}; asked++) text += await (await env.OTHER.fetch("http://other/")).text();
      return new Response(String(text.length));
    }} }};"""
    put(edge, "app", source, bindings=(service,))
    for _ in range(2):
        got = edge.get(HOST, f"/app{limit}")
        assert (got.json() if got.status_code == 555 else got.text) == answer


def test_what_an_app_fetches_counts_too(edge: RunningEdge) -> None:
    source = """export default { async fetch() {
      const outcomes = [];
      for (let asked = 0; asked < 2; asked++) {
        await fetch("http://127.0.0.1:9/").catch(({ message }) => outcomes.push(message));
      }
      return Response.json(outcomes);
    } };"""
    put(edge, "app", source)
    first, second = edge.get(HOST, "/app?limit=1").json()
    assert (first != second, second) == (True, "Too many subrequests.")


def test_a_service_binding_reaches_an_account_worker(edge: RunningEdge) -> None:
    other = """export default { async fetch(request) {
      if (request.url.endsWith("/throw")) throw new RangeError("deep");
      const told = [...request.headers.keys()].filter((name) => name.startsWith("local-cloud"));
      return Response.json({ url: request.url, method: request.method, body: await request.text(), told });
    } };"""
    edge.change(workers=(*ACCOUNT.workers, bundle("other", other)))
    source = """export default { async fetch(request, env) {
      if (request.url.endsWith("throw")) return env.OTHER.fetch("https://other/throw");
      return env.OTHER.fetch("https://other/a%2Fb?q=1", { method: "POST", body: "sent" });
    } };"""
    put(edge, "app", source, bindings=({"type": "service", "name": "OTHER", "service": "other"},))
    expected = {"url": "https://other/a%2Fb?q=1", "method": "POST", "body": "sent", "told": []}
    assert edge.get(HOST, "/app").json() == expected
    assert edge.get(HOST, "/app/throw").json() == {"name": "RangeError", "message": "deep", "remote": True}
    edge.change(workers=ACCOUNT.workers)
    assert edge.get(HOST, "/app").json()["message"] == "Worker other does not exist or has no deployed version."


def test_an_apps_assets_come_before_its_code_and_by_its_binding(edge: RunningEdge) -> None:
    edge.state.assets = {"0" * 32: Asset(content_type="text/html", body=b"<h1>page</h1>")}
    assets = Assets(
        namespace="n", manifest=manifest({"/page.html": "0" * 32}), worker={}, router={"has_user_worker": True}
    )
    source = """export default { async fetch(request, env) {
      const page = await env.ASSETS.fetch("http://assets/page");
      return new Response(`code ${new URL(request.url).pathname} ${await page.text()}`);
    } };"""
    put(edge, "app", source, assets=assets, bindings=({"type": "assets", "name": "ASSETS"},))
    for number in range(5):  # of which three push the app out
        put(edge, f"app{number}", COUNTING)
    for _ in range(2):
        answer = edge.get(HOST, "/app/x")
        assert (answer.status_code, answer.text) == (200, "code /app/x <h1>page</h1>")
        for number in range(5):
            assert edge.get(HOST, f"/app{number}").status_code == 200
    edge.state.scripts["apps", "page"] = replace(
        bundle("page", "", assets=replace(assets, router={"has_user_worker": False})), modules=(), main_module=None
    )
    page = edge.get(HOST, "/page")
    assert (page.status_code, page.text, page.headers["content-type"]) == (200, "<h1>page</h1>", "text/html")
    assert edge.get(HOST, "/page", headers={"if-none-match": page.headers["etag"]}).status_code == 304


def test_what_an_app_says_and_throws_is_kept_and_its_calls_are_counted(workerd_binary: Path, tmp_path: Path) -> None:
    source = """export default { async fetch(request, env) {
      if (request.url.includes("throw")) throw new TypeError("boom");
      await env.OTHER.fetch("http://other/");
      console.warn("said", { a: 1 });
      return new Response();
    } };"""
    account = replace(ACCOUNT, workers=(*ACCOUNT.workers, replying("other", "o")))
    kept = tmp_path / "cloud.sqlite3"
    with serve(workerd_binary, tmp_path, account, store=kept) as edge, closing(Reader(kept)) as reader:
        put(edge, "app", source, bindings=({"type": "service", "name": "OTHER", "service": "other"},))
        put(edge, "loop", LOOPING)
        query = {name: logs.Query(namespace="apps", script=name) for name in ("app", "loop")}
        edge.get(HOST, "/app/said?limit=9")
        until(lambda: len(logs.read(reader, query["app"])) == 1)
        edge.get(HOST, "/app/throw")
        until(lambda: len(logs.read(reader, query["app"])) == 2)
        edge.get(HOST, "/loop")
        said, thrown = logs.read(reader, query["app"])
        assert (said["level"], said["message"], said["outcome"]) == ("warn", 'said {"a": 1}', "ok")
        assert said["request"] == {"url": f"http://{HOST}:{edge.port}/app/said?limit=9", "method": "GET"}
        assert (thrown["level"], thrown["message"], thrown["outcome"]) == ("exception", "TypeError: boom", "exception")
        assert "index.js" in thrown["stack"]
        (stopped,) = logs.read(reader, query["loop"])
        assert (stopped["message"], stopped["outcome"]) == ("Error: Worker exceeded CPU time limit.", "exceededCpu")
        counted = {
            (one["script"], one["status"]): (one["requests"], one["errors"], one["subrequests"])
            for one in reader.values("invocations", "")
        }
    assert counted == {
        ("app", "success"): (1, 0, 1),
        ("app", "scriptThrewException"): (1, 1, 0),
        ("loop", "exceededResources"): (1, 1, 0),
    }


def test_an_app_can_neither_speak_for_the_edge_nor_listen_to_it(edge: RunningEdge) -> None:
    source = """export default { fetch(request) {
      const seen = [...request.headers.keys()].filter((name) => name.startsWith("local-cloud"));
      return Response.json({ message: "forged", seen }, { headers: { "local-cloud-failed": "1" } });
    } };"""
    put(edge, "app", source)
    answer = edge.get(HOST, "/app", headers={"local-cloud-told": "%7B%7D", "local-cloud-token": "x"})
    assert (answer.status_code, answer.json()) == (200, {"message": "forged", "seen": []})


def test_the_sockets_between_the_processes_take_nobody_elses_requests(edge: RunningEdge) -> None:
    put(edge, "app", COUNTING)
    assert edge.get(HOST, "/app").text == "1"
    settings = edge.edge.settings
    for port in (settings.apps_port, settings.account_port):
        for headers in ({}, {"local-cloud-token": "guessed"}):
            told = {"local-cloud-told": "%7B%7D", **headers}
            answer = httpx.get("http://app/", headers=told, proxy=f"http://127.0.0.1:{port}")
            assert answer.status_code == 401


def until(condition: Callable[[], bool]) -> None:
    """Wait: the edge tells what has happened a moment later."""
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
