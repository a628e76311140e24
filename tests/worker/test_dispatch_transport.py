"""What passes through the dispatch Worker and how: headers, cookies, streams and WebSockets."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from dispatch_harness import AppStore, Platform, dispatching, echo
from edge_harness import RunningEdge, bundle
from test_edge_supervision import workerd_pids
from websocket import Echo

PLAIN = Platform()
CAREFUL = Platform(name="careful", domain="apps.careful.localhost", settings={"parentCookies": "drop"})
ZONE, WORKERS_DEV = PLAIN.domain, PLAIN.path_host
MIB = 1024 * 1024

CHAT = """
export default {
  fetch(request) {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener("message", ({ data }) => server.send(`${request.headers.get("X-OverSkill-App")} ${data}`));
    return new Response(null, { status: 101, webSocket: client });
  },
};
"""
STREAMS = """
const chunk = new Uint8Array(1 << 16).fill(120);
const text = new TextEncoder();
const source = (size) => {
  let left = size;
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) return controller.close();
      controller.enqueue(chunk.subarray(0, Math.min(left, chunk.length)));
      left -= chunk.length;
    },
  });
};
const events = () => {
  const { readable, writable } = new TransformStream();
  const writer = writable.getWriter();
  (async () => {
    for (const n of [1, 2, 3]) {
      await writer.write(text.encode(`data: ${n}\\n\\n`));
      await scheduler.wait(200);
    }
    await writer.close();
  })();
  return new Response(readable, { headers: { "Content-Type": "text/event-stream" } });
};
const zipped = () =>
  new Response(new Response("a long text ".repeat(100)).body.pipeThrough(new CompressionStream("gzip")), {
    headers: { "Content-Encoding": "gzip" },
    encodeBody: "manual",
  });
const ranged = (request) => {
  const [, start, end] = /bytes=(\\d+)-(\\d+)/.exec(request.headers.get("Range"));
  const body = "0123456789".slice(Number(start), Number(end) + 1);
  return new Response(body, { status: 206, headers: { "Content-Range": `bytes ${start}-${end}/10` } });
};
export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/upload") {
      let size = 0;
      for await (const part of request.body) size += part.length;
      return new Response(String(size));
    }
    if (pathname === "/download") return new Response(source(Number(searchParams.get("size"))));
    if (pathname === "/events") return events();
    if (pathname === "/zipped") return zipped();
    if (pathname === "/range") return ranged(request);
    if (pathname === "/sized") return new Response("x".repeat(1_000));
    if (pathname === "/away") return Response.redirect("https://elsewhere.example/a?b=c", 303);
    if (pathname === "/cookies") {
      const headers = new Headers();
      for (const cookie of searchParams.getAll("cookie")) headers.append("Set-Cookie", cookie);
      return new Response("", { headers });
    }
    if (pathname === "/headers") return new Response("", { headers: Object.fromEntries(searchParams) });
    return new Response("not here", { status: 404 });
  },
};
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> AppStore:
    return AppStore(tmp_path_factory.mktemp("store") / "cloud.sqlite3", "apps")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dispatch")


@pytest.fixture(scope="module")
def edge(workerd_binary: Path, directory: Path, store: AppStore) -> Iterator[RunningEdge]:
    scripts = {
        **{
            (name.partition("-")[0] if "-" in name else "production", name): echo(name)
            for name in ("abc123", "preview-abc123")
        },
        ("production", "chat"): bundle("chat", CHAT),
        ("preview", "preview-chat"): bundle("preview-chat", CHAT),
        ("production", "streams"): bundle("streams", STREAMS),
        ("preview", "preview-streams"): bundle("preview-streams", STREAMS),
    }
    with dispatching(workerd_binary, directory, [PLAIN, CAREFUL], scripts, store=store) as running:
        yield running


PLACES = [(f"streams.{ZONE}", ""), (f"preview-streams.{ZONE}", ""), (WORKERS_DEV, "/app/streams")]
"""An app at its subdomain, behind a changed response, and below its path."""
everywhere = pytest.mark.parametrize(("host", "prefix"), PLACES)


def test_an_app_is_told_where_it_is_and_can_believe_it(edge):
    seen = edge.get(f"abc123.{ZONE}").json()["headers"]
    assert seen["x-forwarded-host"] == f"abc123.{ZONE}:{edge.port}"
    assert (seen["x-forwarded-proto"], seen["x-overskill-app"]) == ("http", "abc123")
    assert seen["x-forwarded-for"] == seen["cf-connecting-ip"] == "127.0.0.1"
    assert "x-forwarded-prefix" not in seen
    seen = edge.get(WORKERS_DEV, "/app/preview-abc123/").json()["headers"]
    assert (seen["x-forwarded-prefix"], seen["x-overskill-app"]) == ("/app/preview-abc123", "abc123")
    assert seen["x-forwarded-host"] == f"{WORKERS_DEV}:{edge.port}"


FORGED = [
    "CF-Connecting-IP",
    "CF-IPCountry",
    "CF-Ray",
    "CF-Visitor",
    "CF-Worker",
    "Forwarded",
    "True-Client-IP",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Prefix",
    "X-Forwarded-Proto",
    "X-Forwarded-Whatever",
    "X-OverSkill-App",
    "X-OverSkill-Else",
    "X-Real-IP",
]


@pytest.mark.parametrize("name", FORGED)
def test_nothing_of_it_is_taken_from_outside(edge, name):
    for host, path in ((f"abc123.{ZONE}", "/"), (WORKERS_DEV, "/app/abc123/")):
        seen = edge.get(host, path, headers={name: "forged"}).json()["headers"]
        assert "forged" not in seen.get(name.lower(), "")


def test_headers_of_the_connection_end_here_and_others_pass(edge):
    hops = {
        "Connection": "close, X-Hop",
        "Keep-Alive": "5",
        "Proxy-Authorization": "x",
        "TE": "x",
        "Upgrade": "h2c",
        "X-Hop": "x",
    }
    others = {"Accept": "text/x", "Authorization": "Bearer x", "Origin": "https://o.example", "X-Own": "kept"}
    seen = edge.get(f"abc123.{ZONE}", headers=hops | others).json()["headers"]
    assert {name for name in seen if name.title() in hops or name.upper() in hops} == set()
    assert {name: seen.get(name.lower()) for name in others} == others


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("a=b; overskill-login=x; c=d", "a=b; c=d"),
        ("overskill-access=x; a=b", "a=b"),
        ("overskill-access=x;overskill-login=y", None),
        ("overskill-accessories=x; theme=overskill-login", "overskill-accessories=x; theme=overskill-login"),
    ],
)
def test_no_app_sees_a_cookie_of_the_platform(edge, sent, seen):
    assert edge.get(f"abc123.{ZONE}", headers={"cookie": sent}).json()["headers"].get("cookie") == seen


@everywhere
def test_redirects_are_the_apps_own(edge, host, prefix):
    answer = edge.get(host, f"{prefix}/away")
    assert (answer.status_code, answer.headers["location"]) == (303, "https://elsewhere.example/a?b=c")


def test_only_production_is_for_search_engines(edge):
    assert edge.get(f"preview-streams.{ZONE}", "/sized").headers["x-robots-tag"] == "noindex"
    assert edge.get(f"preview-streams.{ZONE}", "/nothing").headers["x-robots-tag"] == "noindex"
    assert "x-robots-tag" not in edge.get(f"streams.{ZONE}", "/sized").headers


COOKIES = [
    "plain=1; Path=/; HttpOnly",
    "parent=2; Domain=careful.localhost; Path=/",
    "shared=3; Path=/; domain=.Apps.Careful.Localhost; Secure",
    "own=4; Domain=streams.apps.careful.localhost",
    "text=domain=careful.localhost; Expires=Wed, 21 Oct 2037 07:28:00 GMT",
]


@everywhere
def test_cookies_are_left_alone(edge, host, prefix):
    answer = edge.get(host, f"{prefix}/cookies", params={"cookie": COOKIES})
    assert answer.headers.get_list("set-cookie") == COOKIES


def test_cookies_for_the_shared_parent_can_be_made_the_hosts_own(edge):
    answer = edge.get(f"streams.{CAREFUL.domain}", "/cookies", params={"cookie": COOKIES})
    assert answer.headers.get_list("set-cookie") == [
        COOKIES[0],
        "parent=2; Path=/",
        "shared=3; Path=/; Secure",
        COOKIES[3],
        COOKIES[4],
    ]


WHOLE_ORIGIN = {
    "clear-site-data": '"*"',
    "nel": '{"report_to":"spy","max_age":600}',
    "report-to": '{"group":"spy","max_age":600,"endpoints":[{"url":"https://spy.example"}]}',
    "service-worker-allowed": "/",
}


@everywhere
def test_no_app_says_what_binds_the_others_that_share_its_origin(edge, host, prefix):
    answer = edge.get(host, f"{prefix}/headers", params={**WHOLE_ORIGIN, "x-own": "kept"})
    assert answer.headers["x-own"] == "kept"
    found = {name: answer.headers[name] for name in WHOLE_ORIGIN if name in answer.headers}
    assert found == ({} if prefix else WHOLE_ORIGIN)


def test_a_websocket_passes_through(edge):
    for host, path in ((f"chat.{ZONE}", "/"), (f"preview-chat.{ZONE}", "/"), (WORKERS_DEV, "/app/chat/")):
        with Echo(edge.port, host, path) as chat:
            assert [chat.send(b"one"), chat.send(b"two")] == [b"chat one", b"chat two"]


@everywhere
def test_events_arrive_as_they_are_sent(edge, host, prefix):
    with edge.stream(host, f"{prefix}/events") as answer:
        arrived = [(time.monotonic(), line) for line in answer.iter_lines() if line]
    assert [line for _, line in arrived] == ["data: 1", "data: 2", "data: 3"]
    assert arrived[2][0] - arrived[0][0] > 0.1


@everywhere
def test_what_is_compressed_arrives_once_compressed(edge, host, prefix):
    answer = edge.get(host, f"{prefix}/zipped", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text == "a long text " * 100


@everywhere
def test_ranges(edge, host, prefix):
    answer = edge.get(host, f"{prefix}/range", headers={"range": "bytes=2-4"})
    assert (answer.status_code, answer.text, answer.headers["content-range"]) == (206, "234", "bytes 2-4/10")


@everywhere
def test_head_has_the_headers_and_no_body(edge, host, prefix):
    """Its length is not among them: workerd does not tell it through a binding."""
    answer = edge.get(host, f"{prefix}/range", method="HEAD", headers={"range": "bytes=2-4"})
    assert (answer.status_code, answer.headers["content-range"], answer.content) == (206, "bytes 2-4/10", b"")


@everywhere
def test_bodies_are_streamed(edge, directory, host, prefix):
    """What a body of 400 MB costs in memory beside one of 100 MB: nothing that grows with it."""
    peaks = {}
    for size in (100_000_000, 400_000_000):
        with Peak(directory) as peak:
            upload = edge.get(host, f"{prefix}/upload", method="POST", content=parts(size), timeout=60)
            assert upload.text == str(size)
            with edge.stream(host, f"{prefix}/download?size={size}") as answer:
                assert sum(len(part) for part in answer.iter_raw()) == size
        peaks[size] = peak.bytes
    assert peaks[400_000_000] - peaks[100_000_000] < 64 * MIB


def parts(size: int) -> Iterator[bytes]:
    part = b"x" * 1_000_000
    for _ in range(size // len(part)):
        yield part


class Peak:
    """The most memory that both processes of the edge have had together, looked at a hundred times a second."""

    def __init__(self, directory: Path) -> None:
        pids = [*workerd_pids(directory), *workerd_pids(directory, "apps")]
        self._processes = [psutil.Process(pid) for pid in pids]
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.bytes = 0

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            self.bytes = max(self.bytes, sum(process.memory_info().rss for process in self._processes))

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
