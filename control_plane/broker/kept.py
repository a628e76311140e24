"""Kept bundles, uploaded again: through the checks of a deploy and composed as one, with the assets that it had."""

import asyncio
import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from control_plane.broker import forms, metadata
from control_plane.broker.broker import result_of
from control_plane.broker.bundles import Bundles, canonical
from control_plane.broker.forms import Form, Part
from control_plane.broker.permission import Target
from control_plane.broker.refusals import Refused
from control_plane.broker.upstream import Upstream

JAVASCRIPT = "application/javascript+module"


@dataclass(frozen=True, kw_only=True)
class Uploader:
    """Writes scripts of one account from `bundles`; `upstream` is called with the platform's token."""

    account: str
    upstream: Upstream
    bundles: Bundles

    async def put(self, target: Target, digest: str, secrets: Mapping[str, str] | None = None) -> int:
        """Have the script be the bundle, with the tags and bindings that are declared now; how many calls that took.

        `secrets` are texts by the binding's name; those that the script has stay. Raises `Refused`: 404 for a bundle
        that is not kept, 409 for one that was damaged, Cloudflare's own status for what it does not take.
        """
        bundle, sent, modules = await asyncio.to_thread(self._opened, target, digest)
        calls, token = 1, None
        if sent.assets is not None:
            calls, token = await self._assets(target, bundle["assets"])
            calls += 1
        await self._put(target, metadata.composed(sent, target, token), modules, secrets or {})
        return calls

    async def put_page(self, target: Target, code: Mapping[str, str], page: Path, secrets: Mapping[str, str]) -> int:
        """Have the script be a `page`, a module with such `code` as metadata, unless there is one; the calls."""
        there = await self.upstream.call("GET", self._path(target))
        if there.is_success:
            return 1
        sent = metadata.parse(canonical(code), target)
        modules = [_file(page.name, JAVASCRIPT, await asyncio.to_thread(page.read_bytes))]
        await self._put(target, metadata.composed(sent, target, None), modules, secrets)
        return 2

    async def _put(
        self, target: Target, composed: dict[str, Any], modules: list[Part], secrets: Mapping[str, str]
    ) -> None:
        texts = [{"type": "secret_text", "name": name, "text": text} for name, text in secrets.items()]
        content = {**composed, "bindings": [*composed["bindings"], *texts]}
        described = forms.of_bytes("metadata", json.dumps(content).encode(), "application/json")
        path = f"{self._path(target)}?excludeScript=true&bindings_inherit=strict"
        await self._made("PUT", path, form=Form([described, *modules]))

    def _opened(self, target: Target, digest: str) -> tuple[dict[str, Any], metadata.Sent, list[Part]]:
        try:
            return self._read(target, self.bundles.open(digest))
        except KeyError as missing:
            raise Refused(
                404, f"bundle {digest} is not kept, or not whole: file {missing} is missing, or damaged"
            ) from None

    def _read(self, target: Target, bundle: dict[str, Any]) -> tuple[dict[str, Any], metadata.Sent, list[Part]]:
        declared = {binding["name"] for binding in target.place.bindings}
        code = bundle["metadata"]
        # What the stack has declared since is the platform's now.
        own = {**code, "bindings": [one for one in code["bindings"] if one["name"] not in declared]}
        if "assets" in code:
            own["assets"] = {"jwt": "", **code["assets"]}
        sent = metadata.parse(canonical(own), target)
        modules = [
            _file(module["name"], module["content_type"], self.bundles.read(module["digest"]))
            for module in bundle["modules"]
        ]
        return bundle, sent, modules

    async def _assets(self, target: Target, files: Mapping[str, Mapping[str, str]]) -> tuple[int, str]:
        """The calls, and the token that attaches the files to an upload. Cloudflare has most of them already."""
        sizes = await asyncio.to_thread(self._sizes, files)
        manifest = {path: {"hash": file["hash"], "size": sizes[file["digest"]]} for path, file in files.items()}
        opened = await self._made("POST", f"{self._path(target)}/assets-upload-session", json={"manifest": manifest})
        by_hash = {file["hash"]: file for file in files.values()}
        calls, token = 1, opened["jwt"]
        for bucket in opened["buckets"]:
            parts = await asyncio.to_thread(self._asset_parts, [by_hash[name] for name in bucket])
            answer = await self._made(
                "POST",
                f"/accounts/{self.account}/workers/assets/upload?base64=true",
                form=Form(parts),
                token=opened["jwt"],
            )
            calls, token = calls + 1, (answer or {}).get("jwt") or token
        return calls, token

    def _sizes(self, files: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
        try:
            return {digest: self.bundles.store.size(digest) for digest in {file["digest"] for file in files.values()}}
        except KeyError as missing:
            raise Refused(404, f"an asset of the bundle is not kept: file {missing} is missing") from None

    def _asset_parts(self, files: Sequence[Mapping[str, str]]) -> list[Part]:
        try:
            return [
                _file(file["hash"], file["content_type"], base64.b64encode(self.bundles.read(file["digest"])))
                for file in files
            ]
        except KeyError as missing:
            raise Refused(404, f"an asset of the bundle is not kept: file {missing} is missing, or damaged") from None

    def _path(self, target: Target) -> str:
        names = f"{target.place.namespace}/scripts/{target.script}"
        return f"/accounts/{self.account}/workers/dispatch/namespaces/{names}"

    async def _made(self, method: str, path: str, **options: Any) -> Any:
        """What Cloudflare answers. Raises `Refused` with its own words for what it does not take."""
        answer = await self.upstream.call(method, path, **options)
        if answer.is_success:
            return result_of(answer)
        try:
            told = "; ".join(str(error["message"]) for error in answer.json()["errors"])
        except (ValueError, KeyError, TypeError):
            told = answer.text[:200]
        raise Refused(answer.status_code, f"Cloudflare: HTTP {answer.status_code}: {told}")


def _file(name: str, content_type: str, content: bytes) -> Part:
    """A part that is a file by its own name, as modules and assets are."""
    return replace(forms.of_bytes(name, content, content_type), filename=name)
