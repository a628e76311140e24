"""Workers routes: which Worker answers which URLs of a zone."""

import re
from typing import Any

from local_cloud.call import Call, Strict
from local_cloud.cloudflare.dialect import new_id, refusal
from local_cloud.cloudflare.zones import contains, zone_of
from local_cloud.routing import RouteTable

routes = RouteTable(permission="Workers Routes")

ROUTES = "/zones/{zone}/workers/routes"

_PATTERN = re.compile(r"(?:https?://)?(?P<host>\*|(?:\*\.?)?[a-z0-9.-]+)(?P<path>/.*)?", re.IGNORECASE)


class WorkersRoute(Strict):
    """`script` None exempts what matches from every other route."""

    pattern: str
    script: str | None = None


@routes.on("POST", ROUTES)
def create_route(call: Call) -> dict[str, Any]:
    return _put(call, new_id())


@routes.on("GET", ROUTES)
def list_routes(call: Call) -> list[dict[str, Any]]:
    return sorted(call.store.values("routes", call["zone"]), key=lambda route: route["pattern"])


@routes.on("GET", f"{ROUTES}/{{route}}")
def get_route(call: Call) -> dict[str, Any]:
    route = call.store.get("routes", call["zone"], call["route"])
    if not route:
        raise refusal(404, 10005, "workers.api.error.not_found")
    return route


@routes.on("PUT", f"{ROUTES}/{{route}}")
def put_route(call: Call) -> dict[str, Any]:
    return _put(call, get_route(call)["id"])


@routes.on("DELETE", f"{ROUTES}/{{route}}")
def delete_route(call: Call) -> dict[str, str]:
    route = get_route(call)
    call.store.delete("routes", call["zone"], route["id"])
    return {"id": route["id"]}


def _put(call: Call, route_id: str) -> dict[str, Any]:
    sent = call.json(WorkersRoute)
    _refuse_pattern(call, sent.pattern)
    if sent.script is not None and not call.store.get("workers", "", sent.script):
        raise refusal(400, 10019, f"workers.api.error.invalid_route_script_missing: {sent.script}")
    for other in list_routes(call):
        if other["pattern"] == sent.pattern and other["id"] != route_id:
            raise refusal(409, 10020, f"workers.api.error.duplicate_route: {sent.pattern} is route {other['id']}")
    route = {**sent.model_dump(exclude_none=True), "id": route_id}
    call.store.put("routes", call["zone"], route_id, route)
    return route


def _refuse_pattern(call: Call, pattern: str) -> None:
    if "?" in pattern:
        raise refusal(400, 10022, f"Route pattern should not have query parameters {pattern}")
    parts = _PATTERN.fullmatch(pattern)
    if not parts:
        raise refusal(400, 10022, f"Could not understand route pattern {pattern}, please try a different pattern")
    host, path = parts["host"].lower(), parts["path"] or ""
    if "*" in path[:-1]:
        raise refusal(
            400,
            10022,
            "Route pattern may only contain wildcards at the beginning of the hostname and the end of the path: "
            f"{pattern}",
        )
    if host != "*" and not contains(zone_of(call), host.lstrip("*").lstrip(".")):
        raise refusal(400, 10022, f"Route pattern must include zone name: {pattern}")
