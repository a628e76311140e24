"""What the edge sees of the store: everything that it has to serve, in the edge's own terms."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from local_cloud.cloudflare.bindings import opened
from local_cloud.cloudflare.code import etag
from local_cloud.edge.model import (
    Account,
    Asset,
    Assets,
    Bundle,
    Domain,
    Hostname,
    Module,
    Record,
    Route,
    Split,
    Version,
)
from local_cloud.store import Document, Reader
from local_cloud.vault import Vault


class EdgeView:
    """Shows what is committed; inside `showing`, what a transaction has written so far."""

    COLLECTIONS = frozenset(
        {
            "accounts",
            "custom_hostnames",
            "dns_records",
            "domains",
            "fallback_origins",
            "routes",
            "versions",
            "workers",
            "zones",
        }
    )
    """A write to one of these changes what `account` returns."""

    SCRIPTS = frozenset({"namespaces", "namespace_scripts"})
    """A write to one of these changes what `namespace_script` returns."""

    def __init__(self, store: Reader, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    @contextmanager
    def showing(self, store: Reader) -> Iterator[None]:
        committed, self._store = self._store, store
        try:
            yield
        finally:
            self._store = committed

    def account(self) -> Account:
        """Every deployed Worker, and what decides which host reaches which."""
        store = self._store
        deployed = [worker for worker in store.values("workers", "") if worker["deployed"]]
        zones = store.values("zones", "")
        return Account(
            workers=tuple(self._worker(worker) for worker in deployed),
            workers_dev=frozenset(worker["name"] for worker in deployed if worker["subdomain"]["enabled"]),
            workers_subdomain=(store.get("accounts", "", "own") or {})["subdomain"],
            zones=tuple(zone["name"] for zone in zones),
            routes=tuple(
                Route(zone=zone["name"], pattern=route["pattern"], script=route.get("script"))
                for zone in zones
                for route in store.values("routes", zone["id"])
            ),
            records=tuple(
                Record(
                    zone=zone["name"],
                    name=record["name"],
                    type=record["type"],
                    content=record["content"],
                    proxied=record["proxied"],
                )
                for zone in zones
                for record in store.values("dns_records", zone["id"])
            ),
            domains=tuple(
                Domain(hostname=domain["hostname"], script=domain["service"]) for domain in store.values("domains", "")
            ),
            hostnames=tuple(
                Hostname(
                    zone=zone["name"],
                    hostname=hostname["hostname"],
                    origin=(store.get("fallback_origins", zone["id"], "") or {}).get("origin"),
                )
                for zone in zones
                for hostname in store.values("custom_hostnames", zone["id"])
            ),
        )

    def has_namespace(self, namespace: str) -> bool:
        return self._store.get("namespaces", "", namespace) is not None

    def namespace_script(self, namespace: str, name: str) -> Bundle | None:
        found = self._store.get("namespaces", "", namespace)
        script = found and self._store.get("namespace_scripts", found["namespace_id"], name)
        if not script:
            return None
        bundle = self._bundle(name, script["code"])
        assets, trusted = self._assets(found, script["code"]), found["trusted_workers"]
        # Both are of the namespace: the code's own version does not tell of them.
        version = f"{bundle.version}-{found['namespace_id']}-{'trusted' if trusted else 'untrusted'}"
        return replace(bundle, assets=assets, trusted=trusted, version=version)

    def asset(self, namespace: str, content_hash: str) -> Asset | None:
        found = self._store.get("assets", namespace, content_hash)
        return found and Asset(content_type=found["content_type"], body=self._store.blob(found["blob"]))

    def _worker(self, worker: Document) -> Bundle | Split:
        name = worker["name"]
        versions = []
        for identifier, percentage in worker["deployed"]["shares"].items():
            version = self._store.get("versions", worker["id"], identifier)
            assert version is not None  # noqa: S101 - a version is deleted with its Worker only
            bundle = self._bundle(name, version["code"])
            versions.append(Version(id=identifier, percentage=percentage, bundle=bundle))
        return versions[0].bundle if len(versions) == 1 else Split(name=name, versions=tuple(versions))

    def _assets(self, namespace: Document, code: Document) -> Assets | None:
        assets = code.get("assets")
        runtime = {key: code[key] for key in ("compatibility_date", "compatibility_flags")}
        return assets and Assets(
            namespace=namespace["namespace_id"],
            manifest=self._store.blob(assets["blob"]),
            worker={**assets["worker"], **runtime},
            router={**assets["router"], "has_user_worker": bool(code["modules"])},
        )

    def _bundle(self, name: str, code: Document) -> Bundle:
        return Bundle(
            name=name,
            main_module=code["main_module"],
            modules=tuple(
                Module(name=module["name"], content_type=module["content_type"], body=self._store.blob(module["blob"]))
                for module in code["modules"]
            ),
            compatibility_date=code["compatibility_date"],
            compatibility_flags=tuple(code["compatibility_flags"]),
            bindings=tuple(opened(code["bindings"], self._vault)),
            version=etag(code),
        )
