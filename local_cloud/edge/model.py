"""What the edge needs to know of an account: Workers, hosts, routes. The API side fills it in, the edge runs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class Module:
    """A file of a Worker. `content_type` is the one it was uploaded with, e.g. `application/javascript+module`."""

    name: str
    content_type: str
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Assets:
    """The static assets of a Worker.

    `manifest` leads from paths to hashes, in the binary form that Cloudflare's asset Worker reads; `worker` and
    `router` are the configurations of that Worker and of the router Worker before it. A file is what
    `View.asset(namespace, hash)` gives.
    """

    namespace: str
    manifest: bytes
    worker: Mapping[str, Any]
    router: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A file. `content_type` None: it is served without one."""

    content_type: str | None
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """One runnable Worker.

    `bindings` have the shape of Cloudflare's API (`{"type", "name", ...}`), with the `text` of a secret decrypted.
    A Worker that is nothing but static assets has no modules. `trusted`: it may see `request.cf`. `version` changes
    whenever anything else here does.
    """

    name: str
    main_module: str | None
    modules: tuple[Module, ...]
    compatibility_date: str
    compatibility_flags: tuple[str, ...]
    bindings: tuple[Mapping[str, Any], ...]
    version: str
    assets: Assets | None = None
    trusted: bool = False


@dataclass(frozen=True, kw_only=True)
class Version:
    """One of the versions that a Worker runs side by side. It gets `percentage` of the requests, 0 to 100."""

    id: str
    percentage: float
    bundle: Bundle


@dataclass(frozen=True, kw_only=True)
class Split:
    """An account Worker whose deployment has more than one version."""

    name: str
    versions: tuple[Version, ...]


@dataclass(frozen=True, kw_only=True)
class Route:
    """A Workers route of a zone. Without a script it exempts what it matches from less specific routes."""

    zone: str
    pattern: str
    script: str | None


@dataclass(frozen=True, kw_only=True)
class Record:
    """A DNS record; `name` is fully qualified."""

    zone: str
    name: str
    type: str
    content: str
    proxied: bool


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A Workers custom domain: the Worker is the origin of the hostname."""

    hostname: str
    script: str


@dataclass(frozen=True, kw_only=True)
class Hostname:
    """A customer's own hostname. Its requests go to `origin`, a host of the zone; None: the zone has no such host."""

    zone: str
    hostname: str
    origin: str | None


@dataclass(frozen=True, kw_only=True)
class Account:
    """All that an edge process needs, besides what the namespaces hold. `workers_dev`: names served on workers.dev."""

    workers: tuple[Bundle | Split, ...]
    workers_dev: frozenset[str]
    workers_subdomain: str
    zones: tuple[str, ...]
    routes: tuple[Route, ...]
    records: tuple[Record, ...]
    domains: tuple[Domain, ...]
    hostnames: tuple[Hostname, ...] = ()


class View(Protocol):
    """How the edge reads the account's state; every call sees what is committed by then."""

    def account(self) -> Account: ...

    def has_namespace(self, namespace: str) -> bool: ...

    def namespace_script(self, namespace: str, name: str) -> Bundle | None: ...

    def asset(self, namespace: str, content_hash: str) -> Asset | None:
        """`namespace` is that of `Assets`, the namespace's id."""
