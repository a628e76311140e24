"""The deploy broker, given what is not its own by a run that may deploy: refused, on the record, and told to nobody."""

import base64
import http.client
import socket
from collections.abc import Iterator
from itertools import repeat
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import psutil
import pytest
from broker_world import ACCOUNT, HELLO, JAVASCRIPT, World, claims, form, script_path, world

GIGABYTE = 1024**3


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("broker")) as made:
        yield made


@pytest.fixture
def broker(shared: World) -> World:
    shared.neighbours.calls.clear()
    return shared


def _raw(broker: World, method: str, path: str, token: str) -> httpx.Response:
    """A call whose path nobody tidies up."""
    connection = http.client.HTTPConnection(urlsplit(broker.url).netloc)
    connection.putrequest(method, path, skip_accept_encoding=True)
    connection.putheader("Authorization", f"Bearer {token}")
    connection.endheaders()
    answer = connection.getresponse()
    made = httpx.Response(answer.status, content=answer.read())
    connection.close()
    return made


SCRIPTS = script_path("mine").removesuffix("/mine")
PATHS = [
    ("PUT", script_path("other"), "this run deploys to script mine, not other"),
    ("PUT", script_path("staging-mine"), "script mine, not staging-mine"),
    ("PUT", script_path("mine", "staging"), "namespace overskill-development-production, not overskill-development-st"),
    ("GET", script_path("mine", account="f" * 32), f"account {ACCOUNT}, not {'f' * 32}"),
    ("POST", f"{script_path('other')}/assets-upload-session", "script mine, not other"),
    ("PUT", f"{SCRIPTS}/mine/../other", "is no call of a deploy"),
    ("PUT", f"{SCRIPTS}/../../scripts/mine", "is no call of a deploy"),
    ("PUT", f"{SCRIPTS}/%2e%2e/mine", "is no call of a deploy"),
    ("PUT", f"{SCRIPTS}/mine%2f..%2fother", "is no call of a deploy"),
    ("PUT", f"{SCRIPTS}//mine", "is no call of a deploy"),
    ("PUT", f"{SCRIPTS}/mine/", "is no call of a deploy"),
    ("PUT", f"{SCRIPTS}/MINE", "is no call of a deploy"),
    ("PUT", f"{SCRIPTS}/mine/content", "is no call of a deploy"),
    ("PATCH", f"{SCRIPTS}/mine/settings", "is no call of a deploy"),
    ("PUT", f"{SCRIPTS}/mine/secrets", "is no call of a deploy"),
    ("DELETE", f"{SCRIPTS}?tags=app-other:yes", "is no call of a deploy"),
    ("GET", SCRIPTS, "is no call of a deploy"),
    ("PUT", f"/accounts/{ACCOUNT}/workers/scripts/overskill-dispatch", "is no call of a deploy"),
    ("GET", f"/accounts/{ACCOUNT}/workers/scripts/other/settings", "script mine, not other"),
    ("GET", f"/accounts/{ACCOUNT}/d1/database", "is no call of a deploy"),
    ("GET", "/user/tokens/verify", "is no call of a deploy"),
    ("OPTIONS", script_path("mine"), "is no call of a deploy"),
    ("GET", "/accounts/" + "x" * 5000, "is no call of a deploy"),
]


@pytest.mark.parametrize(("method", "path", "reason"), PATHS)
def test_a_path_that_is_not_of_this_deploy(broker: World, method: str, path: str, reason: str) -> None:
    answer = _raw(broker, method, f"/api/deploy{path}", broker.neighbours.token(claims("mine", 1)))
    broker.is_refused(answer, 403, reason)


@pytest.mark.parametrize(
    ("metadata", "status", "reason"),
    [
        (
            {"bindings": [{"type": "d1", "name": "THEIRS", "id": "x"}]},
            403,
            "binding THEIRS of type d1 is not the app's",
        ),
        (
            {"bindings": [{"type": "d1", "name": "DB", "id": "others-database"}]},
            403,
            "binding DB is the platform's (d1)",
        ),
        ({"bindings": [{"type": "d1", "name": "X", "id": "mine-database"}]}, 403, "its stack declares OVERSKILL_APP_"),
        ({"bindings": [{"type": "kv_namespace", "name": "K", "namespace_id": "0" * 32}]}, 403, "kv_namespace"),
        ({"bindings": [{"type": "r2_bucket", "name": "R", "bucket_name": "other"}]}, 403, "r2_bucket"),
        ({"bindings": [{"type": "service", "name": "S", "service": "overskill-outbound"}]}, 403, "service"),
        ({"bindings": [{"type": "dispatch_namespace", "name": "D", "namespace": "x"}]}, 403, "dispatch_namespace"),
        ({"bindings": [{"type": "analytics_engine", "name": "A", "dataset": "usage"}]}, 403, "analytics_engine"),
        ({"bindings": [{"type": "inherit", "name": "X", "old_name": "DB"}]}, 403, "inherit"),
        ({"bindings": [{"type": "plain_text", "name": "X", "text": "", "service": "y"}]}, 403, "plain_text"),
        ({"bindings": [{"type": "plain_text", "name": "OVERSKILL_APP_NAME", "text": "x"}]}, 403, "the platform's"),
        ({"bindings": [{"type": "json", "name": "X", "json": 1}] * 2}, 403, "binding X is there 2 times"),
        ({"bindings": [{"name": "X"}, {"type": ["d1"], "name": "Y"}]}, 403, "no type or no name"),
        ({"tags": ["app-other"], "limits": {"cpu_ms": 1}}, 403, "metadata: tags, limits: not the app's to say"),
        ({"tail_consumers": [{"service": "spy"}]}, 403, "tail_consumers"),
        ({"migrations": {"transferred_classes": []}}, 403, "migrations"),
        ({"name": "other", "dispatch_namespace": "x"}, 403, "metadata: name, dispatch_namespace"),
        ({"keep_assets": True}, 403, "keep_assets"),
        ({"bindings": [{"type": "json", "name": "X", "json": float("nan")}]}, 400, "a number is infinite or none"),
        ({"keep_bindings": ["d1"]}, 400, "metadata: keep_bindings.0"),
        ({"bindings": "all"}, 400, "metadata: bindings"),
        ({"assets": {"jwt": "x"}}, 401, "not one of an asset upload session"),
    ],
)
def test_metadata_that_is_not_the_apps_to_say(broker: World, metadata: Any, status: int, reason: str) -> None:
    token = broker.neighbours.token(claims("mine", 1))
    broker.is_refused(broker.send("PUT", script_path("mine"), token, files=form(metadata)), status, reason)


def _part(headers: str, body: str = "{}") -> str:
    return f"--b\r\n{headers}\r\n\r\n{body}\r\n"


NAMED = 'Content-Disposition: form-data; name="metadata"'
MODULE = f'Content-Disposition: form-data; name="a.js"; filename="a.js"\r\nContent-Type: {JAVASCRIPT}'
FORMS = [
    (_part(NAMED) + _part(NAMED) + "--b--\r\n", "more than one part metadata"),
    (_part(NAMED) + _part(NAMED.replace("metadata", "Metadata")) + "--b--\r\n", "more than one part metadata"),
    (_part(NAMED) + _part(MODULE) * 2 + "--b--\r\n", "more than one part a.js"),
    (_part(f'{NAMED}; filename="metadata"') + "--b--\r\n", "must have a part metadata, which is no file"),
    (_part(MODULE) + "--b--\r\n", "must have a part metadata"),
    (_part(NAMED, "x" * 2**20 + "x") + "--b--\r\n", "of 1,048,576 bytes at most"),
    (_part(NAMED) + _part(MODULE.replace('filename="a', 'filename="b')) + "--b--\r\n", "its name as file name"),
    (_part(NAMED) + _part('Content-Disposition: form-data; name="x"') + "--b--\r\n", "its name as file name"),
    (_part(f'{NAMED}; name="other"') + "--b--\r\n", "headers are not those of a deploy"),
    (_part(f"{NAMED}; filename*=UTF-8''x") + "--b--\r\n", "headers are not those of a deploy"),
    (_part("Content-Disposition: form-data; name=metadata") + "--b--\r\n", "headers are not those of a deploy"),
    (_part("Content-Type: text/plain") + "--b--\r\n", "headers are not those of a deploy"),
    (_part(f"{NAMED}\r\n{NAMED}") + "--b--\r\n", "or twice"),
    (_part(f"{NAMED}\r\nContent-Transfer-Encoding: base64") + "--b--\r\n", "content-transfer-encoding"),
    (_part(NAMED) + _part(MODULE), "ends before the form's last boundary"),
    ("nothing", "is no form"),
    (_part(f'{NAMED}; x="{"y" * 5000}"') + "--b--\r\n", "is no form: Maximum header size exceeded"),
    (_part(NAMED, "{") + "--b--\r\n", "metadata: the part: Invalid JSON"),
    (
        _part(NAMED) + "".join(_part(MODULE.replace("a.js", f"{n}.js"), "") for n in range(1000)) + "--b--\r\n",
        "than 1000",
    ),
]


@pytest.mark.parametrize(("body", "reason"), FORMS, ids=[reason for _, reason in FORMS])
def test_a_form_with_tricks(broker: World, body: str, reason: str) -> None:
    token = broker.neighbours.token(claims("mine", 1))
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = broker.send("PUT", script_path("mine"), token, content=body.encode(), headers=headers)
    broker.is_refused(answer, 400, reason)


@pytest.mark.parametrize("told", [True, False], ids=["content-length", "chunked"])
@pytest.mark.parametrize("path", [script_path("mine"), f"{script_path('mine')}/assets-upload-session"])
def test_a_gigabyte_is_cut_off(broker: World, path: str, told: bool) -> None:
    address = urlsplit(broker.url)
    before = psutil.Process().memory_info().rss
    chunk = _part(NAMED).encode() + b"--b\r\n" + MODULE.encode() + b"\r\n\r\n" + b"x" * 65536
    head = [
        f"{'PUT' if path == script_path('mine') else 'POST'} /api/deploy{path} HTTP/1.1",
        f"Host: {address.netloc}",
        f"Authorization: Bearer {broker.neighbours.token(claims('mine', 1))}",
        "Content-Type: multipart/form-data; boundary=b",
        f"Content-Length: {GIGABYTE}" if told else "Transfer-Encoding: chunked",
    ]
    sent = 0
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        try:
            for piece in [chunk, *repeat(b"x" * 65536, GIGABYTE // 65536)]:
                connection.sendall(piece if told else f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                sent += len(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert sent < GIGABYTE // 4
    status, content = answer.partition(b"\r\n")[0], answer.partition(b"\r\n\r\n")[2]
    broker.is_refused(httpx.Response(int(status.split()[1]), content=content), 413, "which is the most")
    assert psutil.Process().memory_info().rss - before < 128 * 1024 * 1024


FILE = b"<h1>hello</h1>"
HASH = "a" * 32
UPLOAD = f"/accounts/{ACCOUNT}/workers/assets/upload?base64=true"


def _session(broker: World, content: dict[str, Any], script: str) -> str:
    manifest = {"/index.html": {"hash": HASH, "size": len(FILE)}}
    path, token = f"{script_path(script)}/assets-upload-session", broker.neighbours.token(content)
    return broker.send("POST", path, token, json={"manifest": manifest}).json()["result"]["jwt"]


def _completed(broker: World, content: dict[str, Any], script: str) -> str:
    files = [(HASH, (HASH, base64.b64encode(FILE), "text/html"))]
    answer = broker.send("POST", UPLOAD, _session(broker, content, script), files=files)
    return answer.json()["result"]["jwt"]


def test_assets_of_another_app_script_or_run(broker: World) -> None:
    stolen = _completed(broker, claims("other", 2), "other")
    earlier = _completed(broker, claims("mine", 1, run_id="11"), "mine")
    again = _completed(broker, claims("mine", 1, run_attempt="2"), "mine")
    begun = _session(broker, claims("mine", 1), "mine")
    forged = jwt.encode(jwt.decode(stolen, options={"verify_signature": False}) | {"app_id": "mine"}, "guess" * 8)
    attacks = {
        stolen: (403, "the assets are another script's"),
        earlier: (403, "the assets are another run's"),
        again: (403, "the assets are another run's"),
        begun: (401, "not the one to complete with"),
        forged: (401, "not one of an asset upload session"),
        "cloudflares-completion-token": (401, "not one of an asset upload session"),
        broker.neighbours.token(claims("mine", 1)): (401, "not one of an asset upload session"),
    }
    token = broker.neighbours.token(claims("mine", 1))
    for assets_token, (status, reason) in attacks.items():
        broker.neighbours.calls.clear()
        answer = broker.send("PUT", script_path("mine"), token, files=form({"assets": {"jwt": assets_token}}))
        broker.is_refused(answer, status, reason)


def test_files_that_are_not_of_the_session(broker: World) -> None:
    token, encoded = _session(broker, claims("mine", 1), "mine"), base64.b64encode(FILE)
    attacks: list[tuple[str, list[Any], int, str]] = [
        (token, [("b" * 32, ("b" * 32, encoded, "text/html"))], 400, "is not in the manifest"),
        (token, [(HASH, ("b" * 32, encoded, "text/html"))], 400, "must have its name as file name"),
        (token, [(HASH, (HASH, base64.b64encode(FILE + b"longer"), "text/html"))], 400, "has not the size"),
        (token, [(HASH, (HASH, b"%" * len(encoded), "text/html"))], 400, "is not base64"),
        (token, [(HASH, (HASH, encoded, "text/html"))] * 2, 400, "more than one part"),
        (_completed(broker, claims("mine", 1), "mine"), [(HASH, (HASH, encoded, "x/y"))], 401, "not the one to upload"),
        (broker.neighbours.token(claims("mine", 1)), [(HASH, (HASH, encoded, "x/y"))], 401, "not one of an asset"),
    ]
    for used, files, status, reason in attacks:
        broker.neighbours.calls.clear()
        broker.is_refused(broker.send("POST", UPLOAD, used, files=files), status, reason)
    elsewhere = broker.send("POST", UPLOAD.replace(ACCOUNT, "f" * 32), token, files=[(HASH, (HASH, encoded, "x/y"))])
    broker.is_refused(elsewhere, 403, f"account is {ACCOUNT}")


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ({"/a": {"hash": HASH, "size": 25 * 1024 * 1024 + 1}}, "manifest./a.size"),
        ({"/a": {"hash": "../../other", "size": 1}}, "manifest./a.hash"),
        ({"/a": {"hash": HASH, "size": 1, "owner": "x"}}, "manifest./a.owner"),
        ({"a": {"hash": HASH, "size": 1}}, "manifest.a"),
    ],
)
def test_a_manifest_that_does_not_hold(broker: World, manifest: dict[str, Any], reason: str) -> None:
    token = broker.neighbours.token(claims("mine", 1))
    path = f"{script_path('mine')}/assets-upload-session"
    broker.is_refused(broker.send("POST", path, token, json={"manifest": manifest}), 400, reason)


def test_the_module_that_is_sent_is_the_one_that_arrives(broker: World) -> None:
    """What all the refusals above are measured against: the same call, without a trick, passes."""
    token = broker.neighbours.token(claims("mine", 1))
    assert broker.send("PUT", script_path("mine"), token, files=form({})).status_code == 200
    assert HELLO.encode() in broker.neighbours.calls[0].body
    assert broker.audited()[-1].result == "ok"
