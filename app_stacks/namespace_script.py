"""A script in a dispatch namespace, as a dynamic resource: Pulumi's Cloudflare provider has none.

Pulumi owns the script's existence, tags, declared bindings and limits. Its code is the bootstrap page until the first
deploy, and the pipeline's from then on: nothing here reads it, compares it or uploads it again.

The provider is stateless and pickled by reference, so its module path is part of every app stack's state.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

from app_stacks.cloudflare_api import CloudflareApi, ScriptAddress, base_url
from app_stacks.cloudflare_error import CloudflareError
from app_stacks.patience import Patience
from app_stacks.script_bindings import Binding
from app_stacks.script_settings import Properties, changed, observed, owned, owner, to_send, wrong_tags

BOOTSTRAP = Path(__file__).parent / "bootstrap" / "index.js"
COMPATIBILITY_DATE = "2026-10-01"
"""What the bootstrap page is written for."""

IDENTITY = ("account_id", "namespace", "script")


@dataclass(frozen=True, kw_only=True)
class NamespaceScriptArgs:
    """`tags`: 8 at most, without `,` and `&`; one, `app-...`, says whose the script is. `limits`: `{"cpu_ms": 50}`.

    `bindings` are the declared ones: what else a deploy brings, it keeps. Compatibility date and flags are those of
    the bootstrap page; a deploy brings its own, and a change of them changes no script that exists.
    """

    account_id: pulumi.Input[str]
    namespace: pulumi.Input[str]
    script: str
    tags: Sequence[str]
    bindings: Sequence[Binding] = ()
    compatibility_date: pulumi.Input[str] = COMPATIBILITY_DATE
    compatibility_flags: Sequence[str] = ()
    limits: Mapping[str, pulumi.Input[int]] | None = None
    observability: pulumi.Input[bool] = True


class NamespaceScriptProvider(ResourceProvider):
    """The life of a script. The token comes from the environment, the base URL from there or the stack."""

    serialize_as_secret_always = False
    patience = Patience()

    def configure(self, req: ConfigureRequest) -> None:
        token = os.environ.get("CLOUDFLARE_API_TOKEN")
        if not token:
            raise CloudflareError("CLOUDFLARE_API_TOKEN is not set: export a token that may edit Workers scripts")
        self._api = CloudflareApi(token, base_url(req.config.get("cloudflare:baseUrl")), patience=self.patience)

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        return CheckResult(dict(news), [CheckFailure("tags", problem) for problem in wrong_tags(news["tags"])])

    def create(self, props: Properties) -> CreateResult:
        """Upload the bootstrap page, or adopt the script that an interrupted run has left."""
        address = _address(props)
        metadata = {
            "main_module": BOOTSTRAP.name,
            "compatibility_date": props["compatibility_date"],
            "compatibility_flags": props["compatibility_flags"],
            **to_send(props, [name for name, value in owned(props).items() if value]),
        }
        existing = self._api.upload_new(address, metadata, {BOOTSTRAP.name: BOOTSTRAP.read_text()})
        if existing is not None:
            self._adopt(address, props, existing)
        return CreateResult(f"{address.account_id}/{address.namespace}/{address.script}", dict(props))

    def read(self, id_: str, props: Properties) -> ReadResult:
        settings = self._api.settings(_address(props))
        return ReadResult("", {}) if settings is None else ReadResult(id_, observed(props, settings))

    def diff(self, _id: str, olds: Properties, news: Properties) -> DiffResult:
        """A script elsewhere is another one, made before this one goes. Compatibility belongs to the code."""
        replaces = [key for key in IDENTITY if olds[key] != news[key]]
        return DiffResult(changes=bool(replaces or changed(olds, news)), replaces=replaces, delete_before_replace=False)

    def update(self, _id: str, olds: Properties, news: Properties) -> UpdateResult:
        address, ours = _address(news), {*olds["bindings"], *news["bindings"]}
        try:
            self._api.patch_settings(address, to_send(news, changed(olds, news)), ours)
        except CloudflareError as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise
            raise CloudflareError(
                f"script {address.script} is gone from namespace {address.namespace}: run `pulumi up --refresh`"
            ) from None
        return UpdateResult(dict(news))

    def delete(self, _id: str, props: Properties) -> None:
        self._api.delete(_address(props))

    def _adopt(self, address: ScriptAddress, props: Properties, existing: Mapping[str, Any]) -> None:
        (ours,) = owner(set(props["tags"]))
        theirs = owner(existing.get("tags", ()))
        if theirs != [ours]:
            raise CloudflareError(
                f"script {address.script} is in namespace {address.namespace} already, tagged "
                f"{', '.join(theirs) or 'with no app'} instead of {ours}: it belongs to somebody else; delete it there "
                "or choose another app id (or give it that tag, if it is the app's)"
            )
        # A secret's text can't be compared, and observability is not read back.
        names = {*changed(observed(props, existing), props), "bindings", "observability"}
        self._api.patch_settings(address, to_send(props, names), props["bindings"])


class NamespaceScript(Resource, module="overskill", name="NamespaceScript"):
    """A script in a dispatch namespace. Outputs: those of `NamespaceScriptArgs`, the bindings by name."""

    script: pulumi.Output[str]

    def __init__(self, name: str, args: NamespaceScriptArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {**vars(args), "bindings": _by_name(args.bindings)}
        super().__init__(NamespaceScriptProvider(), name, props, opts)


def _by_name(bindings: Sequence[Binding]) -> dict[str, dict[str, pulumi.Input[str]]]:
    twice = [name for name, times in Counter(binding.name for binding in bindings).items() if times > 1]
    if twice:
        raise pulumi.RunError(f"a script has one binding of a name; declared more than once: {', '.join(twice)}")
    return {binding.name: binding.to_api() for binding in bindings}


def _address(props: Properties) -> ScriptAddress:
    return ScriptAddress(**{key: props[key] for key in IDENTITY})
