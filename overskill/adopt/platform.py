"""What the stack file of a platform that exists has to say: read from its account and its zone."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.names import APP_ENVIRONMENTS, PlatformEnvironment, dispatch_worker, namespace, outbound_worker
from overskill.drift.apis import Apis
from overskill.errors import CommandError

NAMESPACE = re.compile(r"(.+)-(development|staging|production)-(preview|staging|production)")
ZONES, RECORDS, PACKS = 50, 100, 50
"""On a page."""

GONE = ("deleted", "deletion_timed_out", "expired", "pending_cleanup", "pending_deletion", "pending_expiration")
"""What certificate packs are that are there no more, or soon not."""

SETTINGS = {
    "redirectPaths": ("redirectPaths", False),
    "cacheSeconds": ("appCacheSeconds", 5),
    "parentCookies": ("parentCookies", "keep"),
}
"""Of what the dispatch Worker is told: the key of the stack file, and what it is without one."""

Values = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Found:
    """`values` are keys of `overskill:`, without that; `told` is what was seen and no key says."""

    values: Values
    told: list[str]


def read(apis: Apis, account_id: str, prefix: str, environment: PlatformEnvironment) -> Found:
    """Raises `CommandError` for what makes no platform, with what there is."""
    environments = _app_environments(apis, account_id, prefix, environment)
    worker = dispatch_worker(prefix, environment)
    workers = {one["name"]: one for one in apis.cloudflare_pages(f"accounts/{account_id}/workers/workers", RECORDS)}
    if worker not in workers:
        raise CommandError(
            f"the account has no dispatch Worker {worker}: it has {', '.join(sorted(workers)) or 'none'}"
        )
    subdomain = apis.cloudflare(f"accounts/{account_id}/workers/subdomain")
    values: Values = {
        "prefix": prefix,
        "platformEnvironment": environment,
        "accountId": account_id,
        "workersDevSubdomain": subdomain["result"]["subdomain"] if subdomain else "",
    }
    if environments != [*APP_ENVIRONMENTS]:
        values["appEnvironments"] = environments
    values |= _domain(apis, account_id, worker)
    told = []
    settings = _bindings(apis, account_id, workers[worker])
    if "SETTINGS" in settings:
        values |= _settings(json.loads(settings["SETTINGS"]))
        outbound = workers.get(outbound_worker(prefix, environment))
        egress = json.loads(_bindings(apis, account_id, outbound).get("EGRESS", "{}")) if outbound else {}
        values["plans"] = {
            name: {**plan, **({"egress": egress[name]} if name in egress else {})}
            for name, plan in values["plans"].items()
        }
    else:
        told.append(f"Worker {worker} is another program than dispatch_worker/: the first `up` uploads that one")
    return Found(values=values, told=told)


def _app_environments(apis: Apis, account_id: str, prefix: str, environment: PlatformEnvironment) -> list[str]:
    listed = apis.cloudflare(f"accounts/{account_id}/workers/dispatch/namespaces") or {"result": []}
    names = {one["namespace_name"] for one in listed["result"]}
    found = [one for one in APP_ENVIRONMENTS if namespace(prefix, environment, one) in names]
    if found:
        return [*found]
    platforms = sorted({f"--prefix {m[1]} --environment {m[2]}" for m in map(NAMESPACE.fullmatch, names) if m})
    told = f"there may be: {'; '.join(platforms)}" if platforms else f"it has {', '.join(sorted(names)) or 'none'}"
    raise CommandError(f"the account has no dispatch namespace of {prefix} {environment}; {told}")


def _domain(apis: Apis, account_id: str, worker: str) -> Values:
    """The wildcard route that leads to the Worker says which domain it is."""
    for zone in apis.cloudflare_pages("zones", ZONES):
        routes = (apis.cloudflare(f"zones/{zone['id']}/workers/routes") or {"result": []})["result"]
        wildcards = [route["pattern"] for route in routes if route.get("script") == worker]
        domains = [pattern[2:-2] for pattern in wildcards if re.fullmatch(r"\*\.[^*/]+/\*", pattern)]
        if not domains:
            continue
        if len(domains) > 1:
            raise CommandError(f"several domains lead to {worker}: {', '.join(domains)}; a platform has one")
        (domain,) = domains
        values: Values = {"domain": domain} if domain == zone["name"] else {"domain": domain, "zone": zone["name"]}
        exempt = _exempt((route["pattern"] for route in routes if not route.get("script")), domain)
        if exempt:
            values["exemptHosts"] = exempt
        if "*/*" in wildcards:
            values["customHostnames"] = True
        return {**values, **_record(apis, zone["id"], domain), **_certificate(apis, zone["id"])}
    raise CommandError(f"no zone has a route *.DOMAIN/* to Worker {worker}: add it, and the wildcard record")


def _exempt(patterns: Iterable[str], domain: str) -> list[str]:
    hosts = (pattern.removesuffix(f".{domain}/*") for pattern in patterns if pattern.endswith(f".{domain}/*"))
    return sorted(host for host in hosts if re.fullmatch(r"[a-z0-9-]+", host))


def _record(apis: Apis, zone: str, domain: str) -> Values:
    records = apis.cloudflare_pages(f"zones/{zone}/dns_records", RECORDS)
    kinds = {record["type"] for record in records if record["name"] == f"*.{domain}"}
    return {} if "CNAME" in kinds or not kinds else {"wildcardRecord": "originless"}


def _certificate(apis: Apis, zone: str) -> Values:
    packs = apis.cloudflare_pages(f"zones/{zone}/ssl/certificate_packs", PACKS, status="all")
    for pack in ordered(packs):
        authority, days = pack["certificate_authority"], pack["validity_days"]
        hosts = sorted(pack["hosts"])
        return {"certificate": {"kind": "advanced", "hosts": hosts, "authority": authority, "validityDays": days}}
    return {}


def ordered(packs: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Those that somebody has ordered, whether or not they serve already."""
    return (pack for pack in packs if pack["type"] == "advanced" and pack["status"] not in GONE)


def _bindings(apis: Apis, account_id: str, worker: Mapping[str, Any]) -> dict[str, str]:
    """The JSON texts that the version which serves now is bound to, by name."""
    version = serving(apis, account_id, worker["name"])
    path = f"accounts/{account_id}/workers/workers/{worker['id']}/versions/{version}"
    found = (apis.cloudflare(path) or {"result": {"bindings": []}})["result"]["bindings"] if version else []
    return {one["name"]: _text(one["json"]) for one in found if one["type"] == "json"}


def serving(apis: Apis, account_id: str, worker: str) -> str | None:
    """The version of an account Worker with the largest share."""
    deployments = apis.cloudflare(f"accounts/{account_id}/workers/scripts/{worker}/deployments")
    if not deployments or not deployments["result"]["deployments"]:
        return None
    newest = deployments["result"]["deployments"][0]
    return str(max(newest["versions"], key=lambda share: share["percentage"])["version_id"])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _settings(settings: Mapping[str, Any]) -> Values:
    plans = {
        name: {"cpuMs": plan["cpuMs"], "subrequests": plan["subRequests"]} for name, plan in settings["plans"].items()
    }
    values: Values = {"plans": plans, "defaultPlan": settings["defaultPlan"]}
    for name, (key, usual) in SETTINGS.items():
        if settings.get(name, usual) != usual:
            values[key] = settings[name]
    if protected := settings.get("protectedEnvironments"):
        login = {"loginUrl": settings["loginUrl"]} if settings.get("loginUrl") else {}
        values["previews"] = {"protect": protected, **login}
    return values
