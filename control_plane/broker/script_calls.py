"""The calls about a script: whether it is there, its upload, its removal."""

import asyncio
import datetime as dt
import json
from functools import partial

import httpx
from fastapi import Request, Response

from control_plane import deployments, events
from control_plane.broker import assets, forms, metadata
from control_plane.broker.attempts import Attempt
from control_plane.broker.broker import Broker, passed, path_of
from control_plane.broker.calls import Call
from control_plane.broker.forms import Form, Part
from control_plane.broker.identity import Run
from control_plane.broker.permission import Target
from control_plane.broker.refusals import WORKER_NOT_FOUND, Refused, refusal, result

MAX_SCRIPT = 64 * 1024 * 1024
"""Bytes of an upload: Cloudflare's limit for all modules together."""
MAX_MODULES = 1000
MAX_METADATA = 1024 * 1024


async def look(broker: Broker, request: Request, call: Call, attempt: Attempt) -> Response:
    _, target = await broker.gate.deploy(request, call, attempt)
    return passed(await broker.upstream.call("GET", path_of(call, target)))


async def secrets(broker: Broker, request: Request, call: Call, attempt: Attempt) -> Response:
    """Wrangler asks which secrets the account's Worker of this name has. There is none."""
    await broker.gate.deploy(request, call, attempt)
    return refusal(404, "This Worker does not exist on your account.", WORKER_NOT_FOUND)


async def settings(broker: Broker, request: Request, call: Call, attempt: Attempt) -> Response:
    """Wrangler looks here for what its configuration gives no id: a binding by that name is inherited."""
    _, target = await broker.gate.deploy(request, call, attempt)
    return result({"bindings": target.place.bindings})


async def upload(broker: Broker, request: Request, call: Call, attempt: Attempt) -> Response:
    run, target = await broker.gate.deploy(request, call, attempt)
    async with forms.received(request, limit=MAX_SCRIPT, most=MAX_MODULES, what="the upload") as parts:
        told = _metadata(parts)
        sent, modules = metadata.parse(told, target), _modules(parts)
        session = broker.sessions.open(sent.assets.jwt, "complete") if sent.assets else None
        if session:
            session.check(run, target)
        broker.keep(target.app_id, parts)
        bundle = await asyncio.to_thread(_bundled, broker, sent, modules, session)
        async with broker.locks.held(target.script):
            target = await broker.gate.still(run, target, "open")
            sent = metadata.parse(told, target)
            composed = metadata.composed(sent, target, session and broker.sessions.cloudflare(session))
            described = forms.of_bytes("metadata", json.dumps(composed).encode(), "application/json")
            answer = await broker.upstream.call(
                "PUT",
                f"{path_of(call, target)}?excludeScript=true&bindings_inherit=strict",
                form=Form([described, *modules]),
            )
            if not answer.is_success:
                await attempt.failed(answer)
                return passed(answer)
            await _keep(broker, call, run, target)
            progress = _progress(run, target, bundle, broker.platform.origins.url(target.script, broker.platform.urls))
            await attempt.succeeded(partial(deployments.record, progress=progress), bundle=bundle)
    return passed(answer)


async def delete(broker: Broker, request: Request, call: Call, attempt: Attempt) -> Response:
    """One that is gone already is no error."""
    run, target = await broker.gate.removal(request, call, attempt)
    async with broker.locks.held(target.script):
        target = await broker.gate.still(run, target, "closed")
        answer = await _remove(broker, call, target)
        if not answer.is_success and answer.status_code != httpx.codes.NOT_FOUND:
            await attempt.failed(answer)
            return passed(answer)
        removed = partial(events.publish, type="preview.removed", app_id=target.app_id, script=target.script)
        await attempt.succeeded(removed)
    return result(None)


async def _keep(broker: Broker, call: Call, run: Run, target: Target) -> None:
    """Unless its app was removed while Cloudflare took the script: whoever removed it may not have seen this one."""
    try:
        await broker.gate.anew(run, target)
    except Refused:
        await _remove(broker, call, target)
        raise


async def _remove(broker: Broker, call: Call, target: Target) -> httpx.Response:
    return await broker.upstream.call("DELETE", f"{path_of(call, target)}?force=true")


def _metadata(parts: list[Part]) -> bytes:
    """Raises `Refused` (400). That there is no second one of the name is known."""
    for part in parts:
        if part.name == "metadata" and part.filename is None and part.size <= MAX_METADATA:
            return part.bytes()
    raise Refused(400, f"the upload must have a part metadata, which is no file, of {MAX_METADATA:,} bytes at most")


def _modules(parts: list[Part]) -> list[Part]:
    """Raises `Refused` (400) with all parts that are no modules."""
    modules = [part for part in parts if part.name != "metadata"]
    if wrong := [part.name for part in modules if part.filename != part.name or not part.content_type]:
        raise Refused(400, f"a module's part must have its name as file name, and a content type: {wrong!a}")
    return modules


def _bundled(broker: Broker, sent: metadata.Sent, modules: list[Part], session: assets.Session | None) -> str | None:
    """The digest of what is deployed. None: an asset of it was not uploaded through this broker, so it isn't kept."""
    store = broker.bundles.store
    files = session and assets.kept(broker.bundles, session, broker.sessions)
    if session and files is None:
        return None
    kept = [
        {"name": part.name, "content_type": part.content_type, "digest": store.put(part.content())} for part in modules
    ]
    return broker.bundles.put({"metadata": sent.code(), "modules": kept, "assets": files or {}})


def _progress(run: Run, target: Target, bundle: str | None, url: str) -> deployments.Progress:
    return deployments.Progress(
        app_id=target.app_id,
        environment=target.environment,
        script=target.script,
        run_id=run.run_id,
        run_attempt=run.run_attempt,
        commit=run.sha,
        status="uploaded",
        at=dt.datetime.now(dt.UTC),
        ref=run.ref,
        actor=run.actor,
        pull_request=target.pull_request,
        bundle=bundle,
        url=url,
    )
