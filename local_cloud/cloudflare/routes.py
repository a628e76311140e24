"""Workers routes: which Worker answers which URLs of a zone."""

import re
from typing import Any

from local_cloud.call import Call, Strict
from local_cloud.cloudflare.account_workers import worker_named
from local_cloud.cloudflare.dialect import new_id, refusal
from local_cloud.cloudflare.zones import ZoneReference, contains, zone_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="Workers Routes")

ROUTES = "/zones/{zone}/workers/routes"

_PATTERN = re.compile(r"(?:https?://)?(?P<host>\*|(?:\*\.?)?[a-z0-9.-]+)(?P<path>/.*)?", re.IGNORECASE)


class WorkersRoute(Strict):
    """`script` None exempts what matches from every other route."""

    pattern: str
    script: str | None = None


class ScriptRoute(ZoneReference):
    """The zone is the one that the pattern's host is in."""

    pattern: str


@routes.on("POST", ROUTES)
def create_route(call: Call) -> dict[str, Any]:
    return _put(call, zone_of(call), new_id(), call.json(WorkersRoute))


@routes.on("GET", ROUTES)
def list_routes(call: Call) -> list[dict[str, Any]]:
    return _routes_of(call, zone_of(call))


@routes.on("GET", f"{ROUTES}/{{route}}")
def get_route(call: Call) -> dict[str, Any]:
    route = call.store.get("routes", call["zone"], call["route"])
    if not route:
        raise refusal(404, 10005, "workers.api.error.not_found")
    return route


@routes.on("PUT", f"{ROUTES}/{{route}}")
def put_route(call: Call) -> dict[str, Any]:
    return _put(call, zone_of(call), get_route(call)["id"], call.json(WorkersRoute))


@routes.on("DELETE", f"{ROUTES}/{{route}}")
def delete_route(call: Call) -> dict[str, str]:
    route = get_route(call)
    call.store.delete("routes", call["zone"], route["id"])
    return {"id": route["id"]}


@routes.on("PUT", "/accounts/{account}/workers/scripts/{script}/routes")
def put_script_routes(call: Call) -> list[str]:
    """All routes that lead to a Worker, in any zone: one that is not named is deleted. Undocumented, but wrangler's."""
    script, sent = worker_named(call, call["script"])["name"], call.json(list[ScriptRoute])
    placed = [(_zone(call, route), route.pattern) for route in sent]
    wanted = {(zone["id"], pattern): zone for zone, pattern in placed}
    for zone in call.store.values("zones", ""):
        for route in _routes_of(call, zone):
            if route.get("script") == script and not wanted.pop((zone["id"], route["pattern"]), None):
                call.store.delete("routes", zone["id"], route["id"])
    for (_, pattern), zone in wanted.items():
        _put(call, zone, new_id(), WorkersRoute(pattern=pattern, script=script))
    return [route.pattern for route in sent]


def _routes_of(call: Call, zone: Document) -> list[Document]:
    return sorted(call.store.values("routes", zone["id"]), key=lambda route: route["pattern"])


def _put(call: Call, zone: Document, route_id: str, sent: WorkersRoute) -> dict[str, Any]:
    _refuse_pattern(zone, sent.pattern)
    if sent.script is not None and not call.store.get("workers", "", sent.script):
        raise refusal(400, 10019, f"workers.api.error.invalid_route_script_missing: {sent.script}")
    for other in _routes_of(call, zone):
        if other["pattern"] == sent.pattern and other["id"] != route_id:
            raise refusal(409, 10020, f"workers.api.error.duplicate_route: {sent.pattern} is route {other['id']}")
    route = {**sent.model_dump(exclude_none=True), "id": route_id}
    call.store.put("routes", zone["id"], route_id, route)
    return route


def _zone(call: Call, sent: ScriptRoute) -> Document:
    """The zone that a Worker's route is in; `*` is in none unless it is named."""
    host, _ = _parts(sent.pattern)
    for zone in sent.candidates(call):
        if _reaches(zone, host) and (host != "*" or sent.zone_id or sent.zone_name):
            return zone
    raise refusal(400, 10022, f"No zone of this account that was named holds the host of route {sent.pattern}")


def _refuse_pattern(zone: Document, pattern: str) -> None:
    if "?" in pattern:
        raise refusal(400, 10022, f"Route pattern should not have query parameters {pattern}")
    host, path = _parts(pattern)
    if "*" in path[:-1]:
        raise refusal(
            400,
            10022,
            "Route pattern may only contain wildcards at the beginning of the hostname and the end of the path: "
            f"{pattern}",
        )
    if not _reaches(zone, host):
        raise refusal(400, 10022, f"Route pattern must include zone name: {pattern}")


def _parts(pattern: str) -> tuple[str, str]:
    """Host and path of a pattern."""
    parts = _PATTERN.fullmatch(pattern)
    if not parts:
        raise refusal(400, 10022, f"Could not understand route pattern {pattern}, please try a different pattern")
    return parts["host"].lower(), parts["path"] or ""


def _reaches(zone: Document, host: str) -> bool:
    """Whether a pattern with this host can be in a zone; `*` can be in any."""
    return host == "*" or contains(zone, host.lstrip("*").lstrip("."))
