"""A script in a dispatch namespace, as a dynamic resource: Pulumi's Cloudflare provider has none.

Pulumi owns the script's existence, tags and declared bindings. Its code is the bootstrap page until the first deploy,
and the pipeline's from then on: nothing here reads it, compares it or uploads it again.

The provider is stateless and pickled by reference, so its module path is part of every app stack's state.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import (
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

from app_stacks.cloudflare_api import CloudflareApi, CloudflareError, ScriptAddress, base_url

BOOTSTRAP = Path(__file__).parent / "bootstrap" / "index.js"
COMPATIBILITY_DATE = "2026-10-01"
IDENTITY = ("account_id", "namespace", "script")
OWNED = ("tags", "bindings")

Properties = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class NamespaceScriptArgs:
    """`tags`: 8 at most, without `,` and `&`, the app's own first. `bindings`: plain texts by name."""

    account_id: pulumi.Input[str]
    namespace: pulumi.Input[str]
    script: str
    tags: Sequence[str]
    bindings: Mapping[str, pulumi.Input[str]]


class NamespaceScriptProvider(ResourceProvider):
    """The life of a script. The token comes from the environment, the base URL from there or the stack."""

    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        token = os.environ.get("CLOUDFLARE_API_TOKEN")
        if not token:
            raise CloudflareError("CLOUDFLARE_API_TOKEN is not set: export a token that may edit Workers scripts")
        self._api = CloudflareApi(token, base_url(req.config.get("cloudflare:baseUrl")))

    def create(self, props: Properties) -> CreateResult:
        """Upload the bootstrap page, or adopt the script that an interrupted run has left."""
        address = _address(props)
        existing = self._api.settings(address)
        if existing is None:
            metadata = {
                "main_module": BOOTSTRAP.name,
                "compatibility_date": COMPATIBILITY_DATE,
                "bindings": _bindings(props),
                "tags": props["tags"],
            }
            self._api.upload(address, metadata, {BOOTSTRAP.name: BOOTSTRAP.read_text()})
        elif props["tags"][0] not in existing.get("tags", ()):
            raise CloudflareError(
                f"script {address.script} is in namespace {address.namespace} already, without tag {props['tags'][0]}: "
                "it belongs to somebody else; delete it there or choose another app id"
            )
        else:
            self._api.patch_settings(address, _merged(existing, props))
        return CreateResult(f"{address.account_id}/{address.namespace}/{address.script}", dict(props))

    def read(self, id_: str, props: Properties) -> ReadResult:
        settings = self._api.settings(_address(props))
        if settings is None:
            return ReadResult("", {})
        actual = {b["name"]: b.get("text") for b in settings.get("bindings", ()) if b["type"] == "plain_text"}
        declared = {name: actual[name] for name in props["bindings"] if name in actual}
        return ReadResult(id_, {**props, "tags": settings.get("tags", []), "bindings": declared})

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        replaces = [key for key in IDENTITY if olds[key] != news[key]]
        # Cloudflare keeps the tags of a script as a set.
        changed = sorted(olds["tags"]) != sorted(news["tags"]) or olds["bindings"] != news["bindings"]
        return DiffResult(changes=bool(replaces) or changed, replaces=replaces, delete_before_replace=False)

    def update(self, _id: str, _olds: Properties, news: Properties) -> UpdateResult:
        address = _address(news)
        existing = self._api.settings(address)
        if existing is None:
            raise CloudflareError(
                f"script {address.script} is gone from namespace {address.namespace}: run `pulumi up --refresh`"
            )
        self._api.patch_settings(address, _merged(existing, news))
        return UpdateResult(dict(news))

    def delete(self, _id: str, props: Properties) -> None:
        self._api.delete(_address(props))


class NamespaceScript(Resource, module="overskill", name="NamespaceScript"):
    """A script in a dispatch namespace. Outputs: those of `NamespaceScriptArgs`."""

    script: pulumi.Output[str]

    def __init__(self, name: str, args: NamespaceScriptArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(NamespaceScriptProvider(), name, dict(vars(args)), opts)


def _address(props: Properties) -> ScriptAddress:
    return ScriptAddress(**{key: props[key] for key in IDENTITY})


def _bindings(props: Properties) -> list[dict[str, str]]:
    return [{"type": "plain_text", "name": name, "text": text} for name, text in sorted(props["bindings"].items())]


def _merged(existing: Properties, props: Properties) -> dict[str, Any]:
    """Settings that hold what is declared and keep the bindings that a deploy has brought."""
    kept = [
        {"type": "inherit", "name": binding["name"]}
        for binding in existing.get("bindings", ())
        if binding["name"] not in props["bindings"]
    ]
    return {"tags": props["tags"], "bindings": _bindings(props) + kept}
