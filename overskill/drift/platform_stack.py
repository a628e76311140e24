"""The platform stack itself: what the engine's refresh finds, and what stands beside it without a stack."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.config import StackConfig
from infra.names import namespace, parse_script
from overskill.drift.apis import Apis
from overskill.drift.findings import Finding, changes
from overskill.engine import Engine
from overskill.errors import CommandError
from overskill.locks import living_holder

ROUTE, RECORD = "WorkersRoute", "DnsRecord"
RECORDS = 100
"""On a page."""

State = Mapping[str, Any]


def examine(engine: Engine, stack: str, config: StackConfig, apis: Apis) -> list[Finding]:
    """Raises `CommandError` where the engine cannot tell."""
    if holder := living_holder(engine, stack):
        raise CommandError(f"stack {stack} is being changed by process {holder}: look again when that has ended")
    outcome = engine.preview_refresh(stack)
    if not outcome.ok:
        raise CommandError(f"pulumi refresh of stack {stack} failed:\n{outcome.failure()}")
    found = [change.finding(stack, config.github.owner) for change in changes(outcome.results)]
    exported = json.loads(engine.capture("stack", "export", "--stack", stack))
    resources = (exported.get("deployment") or {}).get("resources") or []
    return [*found, *beside(stack, config, resources, apis)]


def beside(stack: str, config: StackConfig, resources: Iterable[State], apis: Apis) -> Iterator[Finding]:
    """What the stack's state (`resources`) does not have: namespaces that are named like its own, routes and records
    that take an app's host away from the dispatch Worker."""
    platform = config.overskill
    known = {(_kind(one["type"]), one["id"].rpartition("/")[2]) for one in resources if one.get("id")}
    prefix = namespace(platform.prefix, platform.platform_environment, "preview").removesuffix("preview")
    namespaces = apis.cloudflare(f"accounts/{platform.account_id}/workers/dispatch/namespaces") or {"result": []}
    for one in namespaces["result"]:
        name = one["namespace_name"]
        if name.startswith(prefix) and name not in platform.namespaces.values():
            told = f"it is named like this platform's, and has {one.get('script_count', 0)} scripts"
            yield _orphan(stack, "WorkersForPlatformsDispatchNamespace", name, told)
    zones = {(one.get("inputs") or {}).get("zoneId") for one in resources if _kind(one["type"]) in (ROUTE, RECORD)}
    for zone in sorted(filter(None, zones)):
        yield from _routes(stack, config, known, apis.cloudflare(f"zones/{zone}/workers/routes") or {"result": []})
        records = apis.cloudflare_pages(f"zones/{zone}/dns_records", RECORDS)
        yield from _records(stack, config, known, records)


def _routes(stack: str, config: StackConfig, known: set[tuple[str, str]], listed: State) -> Iterator[Finding]:
    origins = config.overskill.origins
    for route in listed["result"]:
        if (ROUTE, route["id"]) in known or not _takes_apps(route["pattern"].partition("/")[0], origins.domain):
            continue
        script, pattern = route.get("script"), route["pattern"]
        if script and script != origins.worker:
            told = f"it leads apps' hosts to Worker {script}"
            yield Finding(stack=stack, resource=ROUTE, name=pattern, drift="foreign", detail=told)
        else:
            told = "no stack has it" if script else "it keeps an app's host from the dispatch Worker"
            yield _orphan(stack, ROUTE, pattern, told)


def _records(
    stack: str, config: StackConfig, known: set[tuple[str, str]], listed: Iterable[State]
) -> Iterator[Finding]:
    domain = config.overskill.origins.domain
    for record in listed:
        if (RECORD, record["id"]) not in known and _takes_apps(record["name"], domain):
            told = f"{record['type']} {record['content']}: the wildcard does not hold at an app's host that has one"
            yield _orphan(stack, RECORD, record["name"], told)


def _takes_apps(host: str, domain: str) -> bool:
    """Whether a script's host is meant: one label below the domain, none that is reserved for others."""
    label, _, rest = host.partition(".")
    return rest == domain and (label == "*" or parse_script(label) is not None)


def _kind(type_: str) -> str:
    return type_.rpartition(":")[2]


def _orphan(stack: str, resource: str, name: str, detail: str) -> Finding:
    return Finding(stack=stack, resource=resource, name=name, drift="orphan", detail=detail)
