"""The page's routes: `/`, and what it is made of below `/_local/page`."""

import asyncio
import re
from contextlib import closing
from functools import partial

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from local_cloud.cloud import Cloud
from local_cloud.console import views
from local_cloud.console.markup import Html, asset, element, filled, joined
from local_cloud.console.sections import SECTIONS
from local_cloud.exchanges import Exchanges
from local_cloud.gate import Gate
from local_cloud.snapshots import Snapshots
from local_cloud.store import Reader

LATEST = 20
"""Requests that the page shows; `/_local/requests` has the others."""

NUMBER = re.compile(r"[0-9]{1,15}")

ASSETS = {"style.css": "text/css", "script.js": "text/javascript", "icon.svg": "image/svg+xml"}

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def console_routes(cloud: Cloud, snapshots: Snapshots, exchanges: Exchanges, gate: Gate) -> list[Route]:
    """Open to a browser that has come by the key, `/?key=...`, once; every other is told where the link is."""

    async def root(request: Request) -> Response:
        if gate.is_key(request.query_params.get("key", "")):
            # Away from the key at once: it must not stay in the address.
            answer = RedirectResponse("/", 303, HEADERS)
            answer.set_cookie(gate.cookie, cloud.credentials.page_key, httponly=True, samesite="strict")
            return answer
        if not gate.has_cookie(request):
            return _html(_page(_how_to_get_in(cloud)), 401)
        return _html(await asyncio.to_thread(partial(shown, request)))

    def shown(request: Request) -> Html:
        query = request.query_params
        section, number = SECTIONS.get(query.get("section", "")), NUMBER.fullmatch(query.get("page", ""))
        with closing(Reader(cloud.state.database)) as store:
            if section:
                main = views.part(store, section, query.get("find", ""), int(number[0]) if number else 1)
            else:
                main = views.overview(store, exchanges.after()[:LATEST])
            tools = filled("tools.html", snapshots=views.snapshots(snapshots.taken()))
            return _page(
                views.tiles(store, section), main, tools, conditions=views.conditions(cloud.conditions.shown())
            )

    async def rows(request: Request) -> Response:
        after = NUMBER.fullmatch(request.query_params.get("after", ""))
        newer = exchanges.after(int(after[0]) if after else 0)[:LATEST]
        return _html(joined(*map(views.request, newer)))

    async def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in ASSETS:
            return Response("no such file", 404)
        return Response(asset(name), headers=HEADERS, media_type=ASSETS[name])

    return [
        Route("/", gate.local(root), methods=["GET"]),
        Route("/_local/page/requests", gate.guarded(rows), methods=["GET"]),
        Route("/_local/page/{name}", gate.local(file), methods=["GET"]),
    ]


def _how_to_get_in(cloud: Cloud) -> Html:
    where = element("code", f"{cloud.settings.api_url}/?key=...")
    keys = element("code", f"{cloud.state.path}/credentials.json")
    told = element("p", "Open it by its link, ", where, ", with the ", element("code", "page_key"), " of ", keys, ".")
    return element("section", element("h2", "This page needs its key"), told, class_="alone")


def _page(*parts: Html, conditions: str = "") -> Html:
    return filled("page.html", content=joined(*parts), conditions=conditions)


def _html(body: Html, status: int = 200) -> HTMLResponse:
    return HTMLResponse(body, status, HEADERS)
