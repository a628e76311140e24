"""The calls about a script's static assets: a session that says which are missing, and their upload."""

import asyncio
from dataclasses import replace

from fastapi import Request, Response

from control_plane.broker import assets, forms
from control_plane.broker.assets import Begun, Manifest
from control_plane.broker.attempts import Attempt
from control_plane.broker.broker import Broker, passed, path_of, result_of
from control_plane.broker.calls import Call
from control_plane.broker.forms import Form
from control_plane.broker.gate import bearer
from control_plane.broker.refusals import Refused, result

MAX_MANIFEST = 32 * 1024 * 1024
MAX_BUCKET = 64 * 1024 * 1024
"""Bytes of an upload: what Cloudflare asks for in one is of 40 MiB, before base64."""
MAX_BUCKET_FILES = 1000


async def session(broker: Broker, request: Request, call: Call, attempt: Attempt) -> Response:
    """`{jwt, buckets}`, with the hashes that the client gave and a token of our own."""
    run, target = await broker.gate.deploy(request, call, attempt)
    body = b"".join([chunk async for chunk in forms.chunks(request, MAX_MANIFEST, "the asset manifest")])
    manifest = await asyncio.to_thread(Manifest.parse, body)
    broker.keep(target.app_id, [forms.of_bytes("manifest", body)])
    files = manifest.manifest.items()
    begun = await asyncio.to_thread(assets.begun, broker.bundles, target.app_id, manifest, broker.sessions)
    answer = await broker.upstream.call(
        "POST",
        f"{path_of(call, target)}/assets-upload-session",
        json={"manifest": {path: {"hash": begun.cloudflare[file.hash], "size": file.size} for path, file in files}},
    )
    if not answer.is_success:
        await attempt.failed(answer)
        return passed(answer)
    opened = result_of(answer)
    own = {name: its_hash for its_hash, name in begun.cloudflare.items()}
    buckets = [[own[name] for name in bucket] for bucket in opened["buckets"]]
    kept = await asyncio.to_thread(broker.bundles.store.put, [begun.model_dump_json().encode()])
    token = broker.sessions.begun(run, target, kept, opened["jwt"], "upload" if buckets else "complete")
    await attempt.succeeded(files=len(files), missing=sum(map(len, buckets)))
    return result({"jwt": token, "buckets": buckets})


async def upload(broker: Broker, request: Request, call: Call, attempt: Attempt) -> Response:
    """Files in base64. The session's token is the permission, and says what for; its last upload gets another one."""
    opened = broker.sessions.open(bearer(request), "upload")
    attempt.subject, attempt.actor = f"script:{opened.script}", f"run:{opened.repository}/{opened.run_id}"
    attempt.who = opened.app_id
    if call.account != broker.platform.account_id:
        raise Refused(403, f"the platform's account is {broker.platform.account_id}, not {call.account}")
    begun = await asyncio.to_thread(Begun.of, broker.bundles, opened.manifest)
    async with forms.received(request, limit=MAX_BUCKET, most=MAX_BUCKET_FILES, what="the upload of assets") as parts:
        assets.check(parts, begun)
        broker.keep(opened.app_id, parts)
        names, sizes = begun.cloudflare, begun.sizes
        records = {
            part.name: await asyncio.to_thread(assets.keep, broker.bundles, part, names[part.name]) for part in parts
        }
        answer = await broker.upstream.call(
            "POST",
            f"/accounts/{call.account}/workers/assets/upload?base64=true",
            form=Form([replace(part, name=names[part.name], filename=names[part.name]) for part in parts]),
            token=broker.sessions.cloudflare(opened),
        )
    if not answer.is_success:
        await attempt.failed(answer)
        return passed(answer)
    for own, record in records.items():
        name = broker.sessions.salted(opened.app_id, own)
        await asyncio.to_thread(assets.name, broker.bundles, name, sizes[own], record)
    token = (result_of(answer) or {}).get("jwt")
    return result({"jwt": broker.sessions.completed(opened, token)} if token else {}, answer.status_code)
