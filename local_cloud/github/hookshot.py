"""Sends what is in the outbox, each delivery once, as GitHub does: a failed one is sent again only on request."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from ipaddress import ip_address

import httpx

from local_cloud.cloud import Cloud
from local_cloud.github import outbox
from local_cloud.github.outbox import Outcome, failed
from local_cloud.profiles import FAULT_HEADER
from local_cloud.profiles.faults import Duplicate
from local_cloud.store import Document
from local_cloud.writes import Writes

SECONDS = 10.0
AT_ONCE = 50
MAX_RESPONSE_BYTES = 64 * 1024
"""Of a response, as much is kept and shown."""

log = logging.getLogger(__name__)


class Hookshot:
    """Sends in the background, and writes down how each delivery has ended."""

    def __init__(self, cloud: Cloud, writes: Writes) -> None:
        self._cloud = cloud
        self._writes = writes
        self._places = asyncio.Semaphore(AT_ONCE)
        # By id and guid: ids begin anew after a reset.
        self._under_way: dict[tuple[int, str], asyncio.Task[None]] = {}

    def send_all(self) -> None:
        """Begin to send what is in the outbox and not under way; between two calls, from their event loop."""
        for delivery in self._cloud.store.values("outbox", ""):
            key = (delivery["id"], delivery["guid"])
            if key not in self._under_way:
                task = asyncio.create_task(self._deliver(delivery, self._cloud.store.blob(delivery["blob"])))
                self._under_way[key] = task
                task.add_done_callback(lambda _, key=key: self._under_way.pop(key))

    async def _deliver(self, delivery: Document, body: bytes) -> None:
        met = self._cloud.conditions.delivery(delivery["event"])
        await asyncio.sleep(met.seconds)
        sent = {**delivery, "headers": {**delivery["headers"], FAULT_HEADER: str(met.fault)}} if met.fault else delivery
        async with self._places:
            started = time.perf_counter()
            outcome = replace(await _outcome(sent, body), seconds=time.perf_counter() - started)
            if isinstance(met.fault, Duplicate):
                await _outcome(sent, body)
        await self._writes.run(partial(outbox.end, self._cloud, delivery, outcome))


async def _outcome(delivery: Document, body: bytes) -> Outcome:
    target = loopback(delivery["url"])
    if not target:
        return failed(502, "refused: the local cloud delivers to loopback addresses only")
    url, host = target
    try:
        async with asyncio.timeout(SECONDS):
            return await _post(url, {**delivery["headers"], **host}, body, verify=not delivery["insecure_ssl"])
    except (TimeoutError, httpx.TimeoutException):
        return failed(504, "timed out", "timeout")
    except httpx.ConnectError:
        return failed(502, "failed to connect to host")
    except httpx.HTTPError:
        return failed(502, "Invalid HTTP Response: 0")
    except Exception:
        log.exception("delivery %d of hook %d failed", delivery["id"], delivery["hook"])
        return failed(502, "the local cloud failed to send it: see its log")


async def _post(url: httpx.URL, headers: Mapping[str, str], body: bytes, *, verify: bool) -> Outcome:
    async with (
        httpx.AsyncClient(trust_env=False, timeout=SECONDS, verify=verify and url.scheme == "https") as client,
        client.stream("POST", url, headers={"Accept-Encoding": "identity", **headers}, content=body) as response,
    ):
        received = bytearray()
        async for chunk in response.aiter_raw():
            received += chunk
            if len(received) >= MAX_RESPONSE_BYTES:
                break
    answered = Outcome(
        status_code=response.status_code,
        status="OK",
        hook={"code": response.status_code, "status": "active", "message": "OK"},
        headers=dict(response.headers),
        body=bytes(received[:MAX_RESPONSE_BYTES]).decode(errors="replace"),
    )
    if response.is_success:
        return answered
    message = f"Invalid HTTP Response: {response.status_code}"
    # Published for a 404: the hook's code is another one than the delivery's.
    return replace(answered, status=message, hook={"code": 422, "status": "misconfigured", "message": message})


def loopback(url: str) -> tuple[httpx.URL, dict[str, str]] | None:
    """Where to connect to, and the header that this takes; None if the URL is not one of this machine.

    Names below `localhost` are this machine's (RFC 6761), but not every resolver knows them.
    """
    try:
        parsed = httpx.URL(url)
        if parsed.host.endswith(".localhost"):
            return parsed.copy_with(host="localhost"), {"Host": parsed.netloc.decode()}
        return (parsed, {}) if parsed.host == "localhost" or ip_address(parsed.host).is_loopback else None
    except (httpx.InvalidURL, ValueError):
        return None
