"""The deploy broker, attacked: each call is refused with a reason and an entry of the audit, and reaches nobody."""

import base64
import hashlib
import hmac
import http.client
import json
import socket
import time
from collections.abc import Iterator
from itertools import repeat
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import psutil
import pytest
from broker_world import ACCOUNT, CLOUDFLARE_TOKEN, HELLO, JAVASCRIPT, World, claims, form, script_path, world
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

GIGABYTE = 1024**3
PULL = "refs/pull/7/merge"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("broker")) as made:
        made.neighbours.pulls |= {7: (1, "open"), 8: (99, "open"), 9: (None, "open"), 10: (1, "closed")}
        yield made


@pytest.fixture
def broker(shared: World) -> World:
    shared.neighbours.calls.clear()
    return shared


def is_refused(broker: World, answer: httpx.Response, status: int, reason: str) -> None:
    """By the broker, in Cloudflare's envelope, on the record, and with nothing in any of it that is secret."""
    content = answer.json()
    assert (answer.status_code, content["success"], content["result"]) == (status, False, None), answer.text
    (error,) = content["errors"]
    assert reason in error["message"]
    entry = broker.audited()[-1]
    assert (entry.result, entry.details["error"]) == ("refused", error["message"])
    assert entry.origin == "127.0.0.1"
    for text in (answer.text, json.dumps(entry.details)):
        assert "eyJ" not in text
        assert CLOUDFLARE_TOKEN not in text
    assert broker.neighbours.calls == []


@pytest.mark.parametrize(
    ("changed", "status", "reason"),
    [
        ({"repository_id": "2"}, 403, "this run deploys to script other, not mine"),
        ({"repository_id": "99"}, 403, "is no app's repository"),
        ({"repository_owner": "mallory"}, 403, "has left the organisation overskill-apps"),
        ({"exp": int(time.time()) - 60}, 401, "it has expired"),
        ({"nbf": int(time.time()) + 600}, 401, "it is not valid yet"),
        ({"aud": "https://github.com/overskill-apps"}, 401, "its audience is not overskill-deploy"),
        ({"aud": None}, 401, "a claim is missing"),
        ({"exp": None}, 401, "a claim is missing"),
        ({"iss": "https://token.actions.githubusercontent.com"}, 401, "its issuer is another one"),
        ({"repository_id": None, "run_id": None}, 401, "its claims lack repository_id, run_id"),
        ({"repository_id": {"$gt": 0}}, 401, "its claims lack repository_id"),
        ({"ref": "refs/heads/staging"}, 403, ".github/workflows/deploy-to-wfp.yml of the ref"),
        ({"event_name": "pull_request_target"}, 403, "the event pull_request_target of refs/heads/main"),
        ({"event_name": "pull_request"}, 403, "the event pull_request of refs/heads/main"),
        ({"event_name": "schedule"}, 403, "deploys nothing"),
        ({"environment": None}, 403, "`environment: production`; it names none"),
        ({"environment": "staging"}, 403, "`environment: production`; it names 'staging'"),
        ({"workflow_ref": "overskill-apps/mine/.github/workflows/x.yml@refs/heads/main"}, 403, "may deploy"),
        ({"job_workflow_ref": "mallory/x/.github/workflows/deploy-to-wfp.yml@refs/heads/main"}, 403, "may deploy"),
        ({"job_workflow_ref": "overskill-apps/mine/.github/workflows/deploy-to-wfp.yml@refs/pull/7/merge"}, 403, "ref"),
    ],
)
def test_a_token_that_is_not_of_this_deploy(broker: World, changed: dict[str, Any], status: int, reason: str) -> None:
    token = broker.neighbours.token(claims("mine", 1, **changed))
    is_refused(broker, broker.send("PUT", script_path("mine"), token, files=form({})), status, reason)


@pytest.mark.parametrize("ref", ["refs/heads/feature", "refs/tags/main", "refs/heads/main/x", "refs/heads/MAIN", ""])
def test_a_ref_that_deploys_nothing(broker: World, ref: str) -> None:
    token = broker.neighbours.token(claims("mine", 1, ref, event_name="push", environment="production"))
    is_refused(broker, broker.send("PUT", script_path("mine"), token, files=form({})), 403, "deploys nothing")


def test_another_apps_run(broker: World) -> None:
    token = broker.neighbours.token(claims("other", 2))
    answer = broker.send("PUT", script_path("mine"), token, files=form({}))
    is_refused(broker, answer, 403, "this run deploys to script other, not mine")


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        ("refs/pull/8/merge", "a fork's gets no preview"),
        ("refs/pull/9/merge", "a fork's gets no preview"),
        ("refs/pull/10/merge", "pull request 10 is closed"),
        ("refs/pull/11/merge", "no pull request 11"),
        ("refs/pull/1000000/merge", "deploys nothing"),
        ("refs/pull/7/head", "deploys nothing"),
        ("refs/pull/\u0667/merge", "deploys nothing"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_pull_request_that_gets_no_preview(broker: World, ref: str, reason: str, method: str) -> None:
    number = ref.split("/")[2]
    token = broker.neighbours.token(claims("mine", 1, ref))
    path = script_path(f"preview-mine-pr{number if number.isascii() else 7}", "preview")
    is_refused(broker, broker.send(method, path, token), 403, reason)


@pytest.mark.parametrize(
    ("content", "path", "reason"),
    [
        (claims("mine", 1), script_path("mine"), "mine is none of them"),
        (claims("mine", 1, PULL, environment=None), script_path("preview-mine", "preview"), "none of them"),
        (claims("mine", 1, PULL, environment=None), script_path("preview-other-pr7", "preview"), "none of them"),
        (claims("mine", 1, PULL), script_path("preview-mine-pr10", "preview"), "a run of its own pull request"),
        (claims("mine", 1), script_path("preview-mine-pr10", "preview"), "a run of its own pull request"),
        (claims("mine", 1, PULL), script_path("preview-mine-pr7", "staging"), "this run deploys to namespace"),
        (claims("mine", 1, PULL), script_path("preview-mine-pr7", "preview"), "pull request 7 is open"),
        (claims("mine", 1, "refs/pull/8/merge"), script_path("preview-mine-pr8", "preview"), "a fork's"),
    ],
)
def test_a_script_that_is_not_the_runs_to_remove(broker: World, content: dict, path: str, reason: str) -> None:
    is_refused(broker, broker.send("DELETE", path, broker.neighbours.token(content)), 403, reason)


def _unsigned(header: dict[str, str], content: dict[str, Any]) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, content))
    return ".".join(parts)


def test_signatures_that_are_not_the_issuers(broker: World) -> None:
    neighbours = broker.neighbours
    content = {"iss": neighbours.url, **claims("mine", 1)}
    stranger = rsa.generate_private_key(65537, 2048)
    public = neighbours.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    confused = _unsigned({"alg": "HS256", "typ": "JWT", "kid": neighbours.kid}, content)
    mac = base64.urlsafe_b64encode(hmac.new(public, confused.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    signed = neighbours.token(claims("mine", 1))
    head, _, signature = signed.split(".")
    other = _unsigned({}, {**content, "repository_id": "2"}).split(".")[1]
    attacks = {
        _unsigned({"alg": "none", "kid": neighbours.kid}, content) + ".": "its algorithm is not RS256",
        _unsigned({"alg": "None", "kid": neighbours.kid}, content) + "." + signature: "its algorithm is not RS256",
        f"{confused}.{mac}": "its algorithm is not RS256",
        neighbours.token(claims("mine", 1), algorithm="RS512"): "its algorithm is not RS256",
        neighbours.token(claims("mine", 1), key=stranger): "its signature is not the issuer's",
        neighbours.token(claims("mine", 1), key=stranger, headers={"kid": "mine"}): "its signature is not the issuer's",
        neighbours.token(claims("mine", 1), headers={"kid": ""}): "its signature is not the issuer's",
        f"{head}.{other}.{signature}": "its signature is not the issuer's",
        f"{head}.{other}.": "its signature is not the issuer's",
        "osk_a-token-of-the-builder": "it is no identity token",
        CLOUDFLARE_TOKEN: "it is no identity token",
        signed + "x" * 20_000: "it is no identity token",
    }
    for token, reason in attacks.items():
        is_refused(broker, broker.send("PUT", script_path("mine"), token, files=form({})), 401, reason)
    without = httpx.get(f"{broker.url}/api/deploy{script_path('mine')}", trust_env=False)
    is_refused(broker, without, 401, "the API token is missing")


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
    ("PUT", f"{SCRIPTS}/mine%00", "is no call of a deploy"),
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
    is_refused(broker, answer, 403, reason)


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
        ({"keep_bindings": ["d1"]}, 400, "metadata: keep_bindings.0"),
        ({"bindings": "all"}, 400, "metadata: bindings"),
        ({"assets": {"jwt": "x"}}, 401, "not one of an asset upload session"),
    ],
)
def test_metadata_that_is_not_the_apps_to_say(broker: World, metadata: Any, status: int, reason: str) -> None:
    token = broker.neighbours.token(claims("mine", 1))
    is_refused(broker, broker.send("PUT", script_path("mine"), token, files=form(metadata)), status, reason)


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
    is_refused(broker, answer, 400, reason)


@pytest.mark.parametrize("told", [True, False], ids=["content-length", "chunked"])
@pytest.mark.parametrize("path", [script_path("mine"), f"{script_path('mine')}/assets-upload-session"])
def test_a_gigabyte_is_cut_off(broker: World, path: str, told: bool) -> None:
    before = psutil.Process().memory_info().rss
    chunk = _part(NAMED).encode() + b"--b\r\n" + MODULE.encode() + b"\r\n\r\n" + b"x" * 65536
    head = [
        f"{'PUT' if path == script_path('mine') else 'POST'} /api/deploy{path} HTTP/1.1",
        "Host: broker",
        f"Authorization: Bearer {broker.neighbours.token(claims('mine', 1))}",
        "Content-Type: multipart/form-data; boundary=b",
        f"Content-Length: {GIGABYTE}" if told else "Transfer-Encoding: chunked",
    ]
    address = urlsplit(broker.url)
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
    is_refused(broker, httpx.Response(int(status.split()[1]), content=content), 413, "which is the most")
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
        is_refused(broker, answer, status, reason)


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
        is_refused(broker, broker.send("POST", UPLOAD, used, files=files), status, reason)
    elsewhere = broker.send("POST", UPLOAD.replace(ACCOUNT, "f" * 32), token, files=[(HASH, (HASH, encoded, "x/y"))])
    is_refused(broker, elsewhere, 403, f"account is {ACCOUNT}")


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
    is_refused(broker, broker.send("POST", path, token, json={"manifest": manifest}), 400, reason)


def test_the_module_that_is_sent_is_the_one_that_arrives(broker: World) -> None:
    """What all the refusals above are measured against: the same call, without a trick, passes."""
    token = broker.neighbours.token(claims("mine", 1))
    assert broker.send("PUT", script_path("mine"), token, files=form({})).status_code == 200
    assert HELLO.encode() in broker.neighbours.calls[0].body
    assert broker.audited()[-1].result == "ok"
