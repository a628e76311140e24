"""What the services list: a page of 1,000 scripts or 100 repositories a call, and nothing of any one alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from control_plane.apps import Declaration
from overskill.drift.apis import Apis
from overskill.drift.place import Place

Script = tuple[str, str]
"""Its namespace and its name."""

DATA = {"kv_namespace": "namespace_id", "d1": "id", "r2_bucket": "bucket_name"}
"""Types of bindings to what keeps an app's data, and what of a binding names it."""

DATA_PAGE, KEYS, HOSTNAMES = 1000, 1000, 50


@dataclass(frozen=True, kw_only=True)
class Lists:
    """`scripts` and `repositories` as the APIs list them, the repositories by their names in lower case.

    `data` are the ids of databases, KV namespaces and buckets by the type of a binding to them, where any app has such;
    `records` the app store's keys, `hostnames` the customers' hosts by name: None where none are looked at.
    """

    scripts: Mapping[Script, Mapping[str, Any]]
    repositories: Mapping[str, Mapping[str, Any]]
    data: Mapping[str, set[str]] = field(default_factory=dict)
    records: set[str] | None = None
    hostnames: set[str] | None = None


def read(apis: Apis, place: Place, apps: Iterable[Declaration]) -> Lists:
    """Raises `CommandError` where a list cannot be read: nothing may be told of what was not seen."""
    declared = list(apps)
    kinds = {binding["type"] for app in declared for one in app.places.values() for binding in one.bindings} & {*DATA}
    records = any(app.belongings and app.belongings.records for app in declared)
    scripts = {
        (namespace, script["id"]): script
        for namespace in place.namespaces.values()
        for script in apis.scripts(place.account_id, namespace)
    }
    found = apis.github_pages(f"orgs/{place.organization}/repos", type="all")
    return Lists(
        scripts=scripts,
        repositories={repository["name"].lower(): repository for repository in found},
        data={kind: set(_data(apis, place.account_id, kind)) for kind in sorted(kinds)},
        records=set(_keys(apis, place)) if records else None,
        hostnames=set(_hostnames(apis, place.zone)) if place.zone else None,
    )


def _data(apis: Apis, account_id: str, kind: str) -> Iterable[str]:
    match kind:
        case "kv_namespace":
            yield from (one["id"] for one in apis.cloudflare_pages(_storage(account_id), DATA_PAGE))
        case "d1":
            yield from (one["uuid"] for one in apis.cloudflare_pages(f"accounts/{account_id}/d1/database", DATA_PAGE))
        case _:
            query = {"per_page": str(DATA_PAGE)}
            while page := apis.cloudflare(f"accounts/{account_id}/r2/buckets", **query):
                yield from (bucket["name"] for bucket in page["result"]["buckets"])
                cursor = (page.get("result_info") or {}).get("cursor")
                if not cursor:
                    return
                query["cursor"] = cursor


def _keys(apis: Apis, place: Place) -> Iterable[str]:
    query = {"limit": str(KEYS)}
    while page := apis.cloudflare(f"{_storage(place.account_id)}/{place.app_store}/keys", **query):
        yield from (key["name"] for key in page["result"])
        cursor = (page.get("result_info") or {}).get("cursor")
        if not cursor:
            return
        query["cursor"] = cursor


def _storage(account_id: str) -> str:
    return f"accounts/{account_id}/storage/kv/namespaces"


def _hostnames(apis: Apis, zone: str) -> Iterable[str]:
    yield from (one["hostname"] for one in apis.cloudflare_pages(f"zones/{zone}/custom_hostnames", HOSTNAMES))
