"""The scripts of a dispatch namespace, listed and removed. `path` is that of the scripts below Cloudflare's API.

Both raise `Refused` where Cloudflare does not do it.
"""

import httpx

from control_plane.broker.broker import result_of
from control_plane.broker.refusals import Refused
from control_plane.broker.upstream import Upstream

PAGE = 1000
"""Scripts in one answer: the most that Cloudflare gives."""


def path_of(account: str, namespace: str) -> str:
    return f"/accounts/{account}/workers/dispatch/namespaces/{namespace}/scripts"


async def names(upstream: Upstream, path: str, tag: str = "") -> list[str]:
    """Those that have the `tag`, or all; none where the namespace is not there."""
    found: list[str] = []
    wanted = f"&tags={tag}:yes" if tag else ""
    cursor = ""
    while True:
        answer = await upstream.call("GET", f"{path}?limit={PAGE}{wanted}{cursor}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return found
        if not answer.is_success:
            raise Refused(answer.status_code, f"Cloudflare: HTTP {answer.status_code} for the list of scripts, {path}")
        found += [script["id"] for script in result_of(answer)]
        if not (following := (answer.json().get("result_info") or {}).get("cursor")):
            return found
        cursor = f"&cursor={following}"


async def remove(upstream: Upstream, path: str, script: str) -> None:
    """By whoever holds its lock; one that is gone already is no error."""
    answer = await upstream.call("DELETE", f"{path}/{script}?force=true")
    if not answer.is_success and answer.status_code != httpx.codes.NOT_FOUND:
        raise Refused(answer.status_code, f"Cloudflare: HTTP {answer.status_code} for {script}")
