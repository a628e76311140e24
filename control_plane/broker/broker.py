"""What the calls of a deploy are made with."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import Response

from control_plane.broker import bundles
from control_plane.broker.assets import Sessions
from control_plane.broker.bundles import Bundles
from control_plane.broker.calls import Call
from control_plane.broker.forms import Part
from control_plane.broker.gate import Gate
from control_plane.broker.permission import Target
from control_plane.broker.refusals import Refused
from control_plane.broker.upstream import Upstream
from control_plane.locks import ScriptLocks
from control_plane.rate_limits import RateLimit
from control_plane.settings import locks_folder
from control_plane.state import Plane
from infra.outputs import PlatformOutputs

TIMEOUT = 10
"""Seconds until the issuer, or GitHub, counts as silent."""

MIB = 1024 * 1024
MIB_AT_ONCE = 2048
MIB_A_MINUTE = 10
"""What an app may have kept here: dozens of large deploys, or 14 GiB a day."""


@dataclass(frozen=True, kw_only=True)
class Broker:
    platform: PlatformOutputs
    gate: Gate
    upstream: Upstream
    sessions: Sessions
    bundles: Bundles
    kept: RateLimit
    locks: ScriptLocks

    def keep(self, app_id: str, parts: Sequence[Part]) -> None:
        """Count what is going to be kept of an app. Raises `Refused` (429) for one that fills the disk."""
        if wait := self.kept.wait(app_id, sum(part.size for part in parts) // MIB + 1):
            raise Refused(429, f"{app_id} has uploaded more than {MIB_AT_ONCE} MiB: try again in {wait} s")


@asynccontextmanager
async def running(plane: Plane) -> AsyncIterator[Broker]:
    settings = plane.settings
    token = settings.cloudflare_api_token.get_secret_value()
    upstream = await asyncio.to_thread(Upstream, settings.cloudflare_url, token)
    async with httpx.AsyncClient(timeout=TIMEOUT) as http:
        try:
            yield Broker(
                platform=settings.platform,
                gate=Gate(settings, plane.database, http),
                upstream=upstream,
                sessions=Sessions(settings.webhook_secret.get_secret_value()),
                bundles=bundles.opened(settings),
                kept=RateLimit(MIB_A_MINUTE, "", MIB_AT_ONCE),
                locks=ScriptLocks(plane.database, locks_folder(settings.state)),
            )
        finally:
            await upstream.close()


def path_of(call: Call, target: Target) -> str:
    """Cloudflare's, of the script."""
    names = f"{target.place.namespace}/scripts/{target.script}"
    return f"/accounts/{call.account}/workers/dispatch/namespaces/{names}"


def passed(answer: httpx.Response) -> Response:
    """Cloudflare's answer, as it is."""
    headers = {name: answer.headers[name] for name in ("content-type", "retry-after") if name in answer.headers}
    return Response(answer.content, answer.status_code, headers)


def result_of(answer: httpx.Response) -> Any:
    """What Cloudflare answers a call with that it has made. Raises `Refused` (502) for anything but its envelope."""
    try:
        return answer.json()["result"]
    except (ValueError, KeyError, TypeError):
        raise Refused(502, "Cloudflare's answer is not in its envelope: run the job again") from None
