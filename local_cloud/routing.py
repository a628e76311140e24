"""A table of calls: which method and path is answered by which function."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

Handler = Callable[..., Any]

OPEN = 0
"""Stands for the number of segments of a route that takes any number of them."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """`template` is a path such as `/orgs/{org}`; a parameter is one path segment, decoded. The last may be all the
    segments that are left, as in `/git/ref/{ref*}`.

    `permission` is what one must be allowed to make the call, in the words of the service; empty if it has none.
    """

    method: str
    template: str
    handler: Handler
    permission: str = ""

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(self.template.strip("/").split("/"))

    @property
    def open(self) -> bool:
        return self.template.endswith("*}")

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """The parameters, or None if the path is another one. `segments` are still percent-encoded."""
        own = self.segments
        if self.open and len(segments) >= len(own):
            segments = (*segments[: len(own) - 1], "/".join(segments[len(own) - 1 :]))
        if len(segments) != len(own):
            return None
        parameters = {}
        for expected, segment in zip(own, segments, strict=True):
            if expected.startswith("{"):
                parameters[expected.strip("{*}")] = unquote(segment)
            elif expected != segment:
                return None
        return parameters


class RouteTable:
    """Routes by decorator (`@routes.on("GET", "/orgs/{org}")`); a literal segment wins over a parameter.

    `permission` is that of every route which names none of its own.
    """

    def __init__(self, *tables: "RouteTable", permission: str = "") -> None:
        self._permission = permission
        self._routes: dict[tuple[str, int], list[Route]] = {}
        for table in tables:
            for route in table:
                self._add(route)

    def __iter__(self) -> Iterator[Route]:
        return (route for routes in self._routes.values() for route in routes)

    def on(self, method: str, template: str, permission: str = "") -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            needed = permission or self._permission
            self._add(Route(method=method, template=template, handler=handler, permission=needed))
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """The route for a percent-encoded path, and its parameters."""
        segments = tuple(path.strip("/").split("/"))
        for route in (*self._routes.get((method, len(segments)), ()), *self._routes.get((method, OPEN), ())):
            # What may be any may also end in a slash.
            sent = tuple(path.removeprefix("/").split("/")) if route.open else segments
            if (parameters := route.match(sent)) is not None:
                return route, parameters
        return None

    def _add(self, route: Route) -> None:
        routes = self._routes.setdefault((route.method, OPEN if route.open else len(route.segments)), [])
        routes.append(route)
        routes.sort(key=lambda route: [segment.startswith("{") for segment in route.segments])
