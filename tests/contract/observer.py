"""What the services under test have answered to whom, as the local cloud or the client that asked has seen it."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import httpx
from deviations import Deviation
from openapi import Description
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local_cloud import cloudflare, github
from local_cloud.routing import Route

CLIENTS = {
    "cloudflare-python": r"Cloudflare/Python .*",
    "PyGithub": r"PyGithub/Python",
    "octokit": r"octokit-rest\.js/.*",
    "wrangler": r"wrangler/.*",
}
"""The real clients, by what they say that they are."""


@dataclass
class Observer:
    """Notes each answer to one of the local cloud's routes, written `GET /client/v4/zones/{zone}`.

    GitHub's answers are held against its description, if there is one: `problems` are those that no deviation explains.
    """

    description: Description | None = None
    deviations: Iterable[Deviation] = ()
    answered: set[str] = field(default_factory=set)
    """The routes that were answered with success."""
    clients: dict[str, set[str]] = field(default_factory=dict)
    """By route, the real clients that were."""
    used: set[Deviation] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def note(self, agent: str, method: str, path: str, status: int, body: bytes) -> None:
        """`path` has its root, and is percent-encoded."""
        for root, table in ((cloudflare.ROOT, cloudflare.TABLE), (github.ROOT, github.TABLE)):
            if path.startswith(f"{root}/") and (found := table.find(method, path.removeprefix(root))):
                route = f"{method} {root}{found[0].template}"
                if status < 400:
                    self.answered.add(route)
                    named = {client for client, pattern in CLIENTS.items() if re.match(pattern, agent)}
                    self.clients.setdefault(route, set()).update(named)
                if table is github.TABLE and status < 500:
                    self._compare(found[0], status, body)

    def written(self) -> str:
        """What has been noted, for the observer of another process to `add`."""
        clients = {route: sorted(named) for route, named in self.clients.items()}
        used = [deviation.problem for deviation in self.used]
        return json.dumps({"answered": sorted(self.answered), "clients": clients, "used": used})

    def add(self, written: str) -> None:
        noted = json.loads(written)
        self.answered |= set(noted["answered"])
        for route, named in noted["clients"].items():
            self.clients.setdefault(route, set()).update(named)
        self.used |= {deviation for deviation in self.deviations if deviation.problem in noted["used"]}

    def watched(self, app: ASGIApp) -> ASGIApp:
        """The application, with each answer noted before its last byte is sent."""

        async def watch(scope: Scope, receive: Receive, send: Send) -> None:
            path = scope["raw_path"].decode().partition("?")[0]
            agent = dict(scope["headers"]).get(b"user-agent", b"").decode()
            status, body = 0, bytearray()

            async def seen(message: Message) -> None:
                nonlocal status
                status = message.get("status", status)
                body.extend(message.get("body", b""))
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    self.note(agent, scope["method"], path, status, bytes(body))
                await send(message)

            called = path.startswith((f"{cloudflare.ROOT}/", f"{github.ROOT}/"))
            await app(scope, receive, seen if called else send)

        return watch

    def hook(self, root: str) -> dict[str, list]:
        """Event hooks for a client of a live service, whose paths lack the local cloud's `root`."""

        def noted(response: httpx.Response) -> None:
            request = response.request
            path = request.url.raw_path.decode().partition("?")[0]
            self.note(request.headers["user-agent"], request.method, root + path, response.status_code, response.read())

        return {"response": [noted]}

    def _compare(self, route: Route, status: int, body: bytes) -> None:
        if not self.description:
            return
        call = f"{route.method} {route.template}"
        if not self.description.knows(route.method, route.template):
            found = ["$: the call is not described"]
        else:
            found = self.description.problems(route.method, route.template, status, body)
        for problem in found:
            told = f"{call} {status} {problem}"
            explained = {deviation for deviation in self.deviations if deviation.explains(told)}
            self.used |= explained
            if not explained:
                self.problems.append(told)
