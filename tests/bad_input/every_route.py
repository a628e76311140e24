"""The routes of an application, however they were put together."""

from collections.abc import Iterable, Iterator

from starlette.routing import BaseRoute, Mount, Route


def routes(found: Iterable[BaseRoute]) -> Iterator[str]:
    """`GET /api/apps/{app_id}` and so on."""
    for route in found:
        match route:
            case Route():
                yield from (f"{method} {route.path}" for method in sorted(route.methods or ()) if method != "HEAD")
            case Mount():
                yield f"GET {route.path}/{{path}}"
            case _:
                yield from routes(route.original_router.routes)  # what `include_router` makes
