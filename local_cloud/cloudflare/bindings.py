"""A Worker's bindings: what the local edge can serve, how they are kept, and what the API shows of them.

A kept binding has the API's shape, except that a secret's `text` is replaced by `sealed`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from local_cloud.call import Call, Strict
from local_cloud.cloudflare.dialect import invalid
from local_cloud.store import Document
from local_cloud.vault import Vault

NAME = r"^[A-Za-z_$][A-Za-z0-9_$]*$"
Name = Annotated[str, Field(pattern=NAME)]


class PlainText(Strict):
    type: Literal["plain_text"]
    name: Name
    text: str


class SecretText(Strict):
    type: Literal["secret_text"]
    name: Name
    text: str


class Json(Strict):
    type: Literal["json"]
    name: Name
    json_: Any = Field(alias="json")


class OutboundWorker(Strict):
    service: str
    environment: str | None = None


class OutboundParameter(Strict):
    name: str


class Outbound(Strict):
    worker: OutboundWorker
    params: list[OutboundParameter] = Field(default_factory=list)


class DispatchNamespace(Strict):
    type: Literal["dispatch_namespace"]
    name: Name
    namespace: str
    outbound: Outbound | None = None


class KvNamespace(Strict):
    type: Literal["kv_namespace"]
    name: Name
    namespace_id: str


class D1Database(Strict):
    type: Literal["d1"]
    name: Name
    id: str


class R2Bucket(Strict):
    type: Literal["r2_bucket"]
    name: Name
    bucket_name: str


class AnalyticsEngine(Strict):
    type: Literal["analytics_engine"]
    name: Name
    dataset: Annotated[str, Field(min_length=1)]


class Assets(Strict):
    """The static assets of the script itself."""

    type: Literal["assets"]
    name: Name


class Service(Strict):
    type: Literal["service"]
    name: Name
    service: str
    environment: str | None = None
    entrypoint: str | None = None


class Inherit(Strict):
    """Keep the binding that the script has under `old_name`, or under the same name."""

    type: Literal["inherit"]
    name: Name
    old_name: str | None = None


Declared = Annotated[
    PlainText
    | SecretText
    | Json
    | DispatchNamespace
    | KvNamespace
    | D1Database
    | R2Bucket
    | AnalyticsEngine
    | Assets
    | Service
    | Inherit,
    Field(discriminator="type"),
]

_NAMED = {
    D1Database: ("id", "d1_databases", "D1 database"),
    DispatchNamespace: ("namespace", "namespaces", "dispatch namespace"),
    KvNamespace: ("namespace_id", "kv_namespaces", "KV namespace"),
    R2Bucket: ("bucket_name", "r2_buckets", "R2 bucket"),
    Service: ("service", "workers", "Worker"),
}
"""What a binding needs to exist: the field that names it, its collection, and what it is called."""

_ANYWHERE = frozenset({"plain_text", "secret_text", "json", "d1", "kv_namespace", "r2_bucket", "service", "inherit"})

IN_A_NAMESPACE = _ANYWHERE | {"assets"}
"""What the edge serves to a namespace script."""

IN_THE_ACCOUNT = _ANYWHERE | {"analytics_engine", "dispatch_namespace"}
"""What the edge serves to an account Worker."""


def resolve(
    call: Call,
    declared: Sequence[Mapping[str, Any]],
    previous: Iterable[Document],
    *,
    served: frozenset[str],
    keep: Iterable[str] = (),
) -> list[Document]:
    """The bindings to keep, sorted by name: what is declared, and `previous` ones of a type in `keep`.

    Refuses, all at once: a type that the edge does not serve, a wrong shape, a name used twice, a namespace of either
    kind, a database, a bucket or an outbound Worker that does not exist, nothing to inherit from, and a Worker's other
    entrypoint for a script in a namespace.
    """
    if unserved := [binding for binding in declared if binding.get("type") not in served]:
        raise invalid(
            *(
                f"the local cloud does not serve bindings of type {binding.get('type')!r} here "
                f"(binding {binding.get('name')!r}); it serves {', '.join(sorted(served))}"
                for binding in unserved
            )
        )
    bindings = call.checked(list[Declared], declared)
    existing = {binding["name"]: binding for binding in previous}
    problems = [
        *(f"binding {name!r} is declared {n} times" for name, n in _names(bindings).items() if n > 1),
        *(
            f"the local cloud does not serve entrypoint {binding.entrypoint!r} to a script in a namespace "
            f"(binding {binding.name!r}): it serves the default one"
            for binding in bindings
            if isinstance(binding, Service) and binding.entrypoint and served is IN_A_NAMESPACE
        ),
        *(problem for binding in bindings if (problem := _problem(call, binding, existing))),
    ]
    if problems:
        raise invalid(*problems)
    kept = {name: binding for name, binding in existing.items() if binding["type"] in set(keep)}
    kept |= {binding.name: _kept(call.cloud.vault, binding, existing) for binding in bindings}
    return [kept[name] for name in sorted(kept)]


def shown(bindings: Iterable[Document]) -> list[dict[str, Any]]:
    """Bindings as the API shows them: without any secret."""
    return [{key: value for key, value in binding.items() if key != "sealed"} for binding in bindings]


def opened(bindings: Iterable[Document], vault: Vault) -> list[dict[str, Any]]:
    """Bindings as a Worker gets them: secrets in plain text."""
    return [
        {"type": "secret_text", "name": binding["name"], "text": vault.open(binding["sealed"])}
        if "sealed" in binding
        else binding
        for binding in bindings
    ]


def secret(vault: Vault, name: str, text: str) -> Document:
    """A secret's binding, as it is kept."""
    return {"type": "secret_text", "name": name, "sealed": vault.seal(text)}


def _names(bindings: Iterable[Declared]) -> Counter[str]:
    return Counter(binding.name for binding in bindings)


def _problem(call: Call, binding: Declared, existing: Mapping[str, Document]) -> str | None:
    match binding:
        case Inherit(name=name, old_name=old_name) if (old_name or name) not in existing:
            return f"binding {name!r} inherits from {old_name or name!r}, which the script does not have"
        case DispatchNamespace(outbound=Outbound(worker=worker)) if not call.store.get("workers", "", worker.service):
            return f"binding {binding.name!r} names outbound Worker {worker.service!r}, which does not exist"
    if named := _NAMED.get(type(binding)):
        field, collection, kind = named
        name = getattr(binding, field)
        if not call.store.get(collection, "", name):
            return f"binding {binding.name!r} names {kind} {name!r}, which does not exist"
    return None


def _kept(vault: Vault, binding: Declared, existing: Mapping[str, Document]) -> Document:
    match binding:
        case Inherit():
            return {**existing[binding.old_name or binding.name], "name": binding.name}
        case SecretText():
            return secret(vault, binding.name, binding.text)
        case _:
            return binding.model_dump(by_alias=True, exclude_none=True)
