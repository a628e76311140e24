"""Calls of the official Pulumi plugins, recorded against a loopback server, and their replay against the local cloud.

The recordings lie beside the repository where there are any: what was asked in which order, and as much of each answer
as was kept.
"""

import ast
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from nacl.public import PublicKey, SealedBox

TRACES = Path(__file__).parents[3] / "shared" / "traces"

VOLATILE = re.compile(r"(?:.*_)?(?:id|on|at|by|url)|etag|tag|key|startup_time_ms|author_email")
"""Keys whose values are each server's own: ids, times, hashes, addresses, people."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A call and its answer. `answer` is JSON as far as it was recorded, or text."""

    method: str
    path: str
    content_type: str | None
    body: str
    status: int
    answer: Any


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """Where the recording server was not like the service: the calls, what the service does, and how that shows."""

    calls: str
    reason: str
    status: int | None = None
    not_given: frozenset[str] = frozenset()
    differs: frozenset[str] = frozenset()


DEVIATIONS = [
    Deviation(calls="GET /client/v4/zones.*", reason="an account has a name of its own", differs=frozenset({"name"})),
    Deviation(
        calls="POST .*/generate",
        reason="GitHub answers with the description that it was sent",
        differs=frozenset({"description"}),
    ),
    Deviation(
        calls="(?:GET|POST|PATCH) .*/hooks.*",
        reason="GitHub shows a webhook's secret as ********; the plugin keeps the one that it has",
        differs=frozenset({"secret"}),
    ),
    Deviation(
        calls="POST .*/actions/variables",
        reason="GitHub answers a new variable with an empty object",
        not_given=frozenset({"id", "active", "url", "name", "value", "created_at", "updated_at"}),
    ),
    Deviation(
        calls="GET .*/actions/variables/.*",
        reason="a variable has a name, a value and two times",
        not_given=frozenset({"id", "active", "url"}),
    ),
    Deviation(
        calls="PATCH .*/actions/variables/.*",
        reason="GitHub answers a changed variable with 204",
        status=204,
    ),
    Deviation(
        calls="(?:GET|PUT) .*/actions/secrets/OVERSKILL.*",
        reason="GitHub gives nothing of a secret but name and times, and answers a new one with an empty object",
        not_given=frozenset({"id", "key_id", "encrypted_value", "name", "created_at", "updated_at"}),
    ),
    Deviation(
        calls="(?:GET|PUT) .*/environments/.*",
        reason="GitHub lists what holds up a deployment as protection_rules",
        not_given=frozenset({"wait_timer", "reviewers", "prevent_self_review"}),
    ),
]


def load() -> dict[str, list[Recorded]]:
    """The recorded calls of `cloudflare` and `github`; skips the test where the recordings are not on this machine."""
    if not TRACES.is_dir():
        pytest.skip(f"{TRACES} is not on this machine; the rest of this suite asks each of these calls")
    return {
        name: parse_trace((TRACES / f"official-{name}-plugin.txt").read_text()) for name in ("cloudflare", "github")
    }


def parse_trace(text: str) -> list[Recorded]:
    """A trace as `../shared/traces` has them. Calls overlap there; answers come in the order of the calls."""
    waiting: list[tuple[str, str, str | None, str]] = []
    recorded = []
    for line in text.splitlines():
        if call := re.fullmatch(r"([A-Z]+) (/\S+)", line):
            method, path = call.groups()
        elif sent := re.fullmatch(r"   (?:ct=(.*?) )?body=(b['\"].*)", line):
            content_type = sent[1] if sent[1] != "None" else None
            asked = (method, path, content_type, ast.literal_eval(sent[2]).decode())
            # One of two at once that ask the same was answered; the other's answer is missing.
            if asked not in waiting:
                waiting.append(asked)
        elif answered := re.fullmatch(r"   <- (\d+) (.*)", line):
            method, path, content_type, body = waiting.pop(0)
            answer = ast.literal_eval(answered[2]).decode() if answered[2].startswith("b'") else answered[2]
            recorded.append(
                Recorded(
                    method=method,
                    path=path,
                    content_type=content_type,
                    body=body,
                    status=int(answered[1]),
                    answer=beginning(answer) if answer.startswith("{") else answer,
                )
            )
    assert not waiting
    return recorded


def beginning(text: str) -> Any:
    """The value of a JSON text that may be cut off: everything before the last comma after which it still parses."""
    try:
        return json.loads(text)
    except ValueError:
        return next(_closed(text))


def _closed(text: str) -> Iterator[Any]:
    for cut in reversed([match.start() for match in re.finditer(",", text)]):
        brackets = re.sub(r'"(?:[^"\\]|\\.)*"|[^][{}]', "", text[:cut])
        while (shorter := brackets.replace("{}", "").replace("[]", "")) != brackets:
            brackets = shorter
        closers = brackets[::-1].translate(str.maketrans("{[", "}]"))
        try:
            yield json.loads(text[:cut] + closers)
        except ValueError:
            continue


class Replay:
    """Sends recorded calls in order, with the ids that this server has given in place of the recorded ones."""

    def __init__(self, client: httpx.Client, token: str, ids: Mapping[str, str]) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"}
        self._ids = dict(ids)
        self._public_key = ""
        self._secrets: set[str] = set()
        self._unnamed: dict[str, str] = {}

    def run(self, call: Recorded) -> list[str]:
        """What is wrong with the answer."""
        collection, _, item = call.path.rpartition("/")
        if collection in self._unnamed:
            self._ids.setdefault(item, self._unnamed[collection])
        headers = self._headers | ({"Content-Type": call.content_type} if call.content_type else {})
        answer = self._client.request(call.method, self._own(call.path), headers=headers, content=self._body(call))
        deviations = [one for one in DEVIATIONS if re.fullmatch(one.calls, f"{call.method} {call.path}")]
        expected = self._status(call, deviations)
        if answer.status_code != expected:
            return [f"{call.method} {call.path}: {answer.status_code} instead of {expected}: {answer.text}"]
        if answer.status_code == 204 or call.status == 204:
            return []
        if isinstance(call.answer, str):
            return [] if _parts(answer.text) == _parts(call.answer) else [f"{call.path}: other content: {answer.text}"]
        made = answer.json().get("result")
        if isinstance(made, dict) and "id" in made and "id" not in call.answer["result"]:
            # The recording was cut off before the id; later calls have it in their path.
            self._unnamed[call.path.removesuffix("/order")] = made["id"]
        not_given = {key for one in deviations for key in one.not_given}
        differs = {key for one in deviations for key in one.differs}
        problems = self._compare(call.answer, answer.json(), "", not_given, differs)
        return [f"{call.method} {call.path}: {problem}" for problem in problems]

    def _status(self, call: Recorded, deviations: list[Deviation]) -> int:
        for deviation in deviations:
            if deviation.status:
                return deviation.status
        # The recording server answered each write of a secret as if it were the first.
        known = call.path in self._secrets
        match call.method:
            case "PUT" if "/actions/secrets/" in call.path:
                self._secrets.add(call.path)
                return 204 if known else 201
            case "DELETE" if "/actions/secrets/" in call.path:
                self._secrets.discard(call.path)
                return 204 if known else 404
            case _:
                return call.status

    def _compare(self, expected: Any, actual: Any, path: str, not_given: set[str], differs: set[str]) -> Iterator[str]:
        key = path.rpartition(".")[2]
        match expected, actual:
            case dict(), dict():
                for name, value in expected.items():
                    if name in actual:
                        yield from self._compare(value, actual[name], f"{path}.{name}", not_given, differs)
                    elif name not in not_given:
                        yield f"{path}.{name} is missing"
            case list(), list() if len(expected) <= len(actual):
                for one, other in zip(expected, actual, strict=False):
                    yield from self._compare(one, other, path, not_given, differs)
            case _ if VOLATILE.fullmatch(key):
                self._ids[str(expected)] = str(actual)
                self._public_key = actual if key == "key" else self._public_key
            case _ if expected != actual and key not in differs:
                yield f"{path} is {actual!r}, recorded was {expected!r}"

    def _body(self, call: Recorded) -> bytes:
        if "encrypted_value" not in call.body:
            # Short ids are plain numbers, which a body is full of.
            return self._own(call.body, shortest=32).encode()
        # It was sealed with the key of the server that was recorded.
        box = SealedBox(PublicKey(b64decode(self._public_key)))
        value = b64encode(box.encrypt(b"replayed")).decode()
        return json.dumps({"key_id": self._ids[json.loads(call.body)["key_id"]], "encrypted_value": value}).encode()

    def _own(self, text: str, shortest: int = 1) -> str:
        return re.sub(rf"[\w-]{{{shortest},}}", lambda word: self._ids.get(word[0], word[0]), text)


def _parts(form: str) -> list[str]:
    boundary = form.partition("\r\n")[0]
    return form.split(boundary)
