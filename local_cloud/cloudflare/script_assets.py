"""Static assets as a script has them: which file is at which path, and how they are served.

As a document, `code.assets`: `{blob, worker, router}`. The blob is the manifest in the binary form that Cloudflare's
asset Worker reads, so that thousands of files cost a script's document nothing; `worker` and `router` are what the
asset Worker and the router Worker before it take as configuration.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from local_cloud.call import Call
from local_cloud.cloudflare.asset_rules import RulesError, headers, redirects, static_routing
from local_cloud.cloudflare.assets import uploaded
from local_cloud.cloudflare.dialect import invalid, refusal
from local_cloud.cloudflare.metadata import AssetsConfig, ScriptMetadata
from local_cloud.store import Document

INVALID_REDIRECTS = 100324

_HEADER_BYTES = 20
_PATH_HASH_BYTES = 16
_TAIL_BYTES = 8
"""Of the manifest, of an entry's path, and behind the hash of its content."""


def with_assets(call: Call, code: Document, sent: ScriptMetadata, previous: Document | None) -> Document:
    """An upload's code with its assets. `keep_assets` keeps the files of `previous`, if it has any."""
    before = previous.get("assets") if previous else None
    if sent.assets:
        config = sent.assets.config or AssetsConfig()
        kept = before["blob"] if before and sent.keep_assets else None
        assets = {"blob": _files(call, sent.assets.jwt) or kept, **_configured(config)}
        if not assets["blob"]:
            raise call.invalid("assets.jwt", "Field required")
    else:
        assets = before if sent.keep_assets else None
    code = {**code, **({"assets": assets} if assets else {})}
    refuse_incomplete(call, code)
    return code


def refuse_incomplete(call: Call, code: Document) -> None:
    """Refuse a script whose modules and assets need what it does not have."""
    assets = code.get("assets")
    if not assets and not code["modules"]:
        raise call.invalid("main_module", "Field required")
    if not assets and any(binding["type"] == "assets" for binding in code["bindings"]):
        raise invalid("Cannot use an assets binding without assets")
    if assets and not code["modules"] and any(assets["router"].values()):
        raise invalid("Cannot set run_worker_first without a Worker script.")


def manifest(files: Mapping[str, str]) -> bytes:
    """Paths and hashes in the asset Worker's binary form: entries of 40 bytes, in the order of their paths' hashes."""
    entries = sorted(
        hashlib.sha256(path.encode()).digest()[:_PATH_HASH_BYTES] + bytes.fromhex(content) + bytes(_TAIL_BYTES)
        for path, content in files.items()
    )
    return bytes(_HEADER_BYTES) + b"".join(entries)


def _files(call: Call, token: str | None) -> str | None:
    return call.store.put_blob(manifest(uploaded(call, token))) if token else None


def _configured(config: AssetsConfig) -> dict[str, Any]:
    worker = config.model_dump(include={"html_handling", "not_found_handling", "base_path"}, exclude_none=True)
    router: dict[str, Any] = {}
    try:
        if config.headers is not None:
            worker["headers"] = headers(config.headers)
        if isinstance(config.run_worker_first, list):
            router["static_routing"] = static_routing(config.run_worker_first)
            worker["has_static_routing"] = True
        elif config.run_worker_first is not None:
            router["invoke_user_worker_ahead_of_assets"] = config.run_worker_first
    except RulesError as error:
        raise invalid(*error.problems) from None
    try:
        if config.redirects is not None:
            worker["redirects"] = redirects(config.redirects, config.html_handling)
    except RulesError as error:
        raise refusal(400, INVALID_REDIRECTS, f"Invalid _redirects configuration:\n{error}") from None
    return {"worker": worker, "router": router}
