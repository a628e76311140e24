"""Cloudflare's API, as far as this platform uses it: a module for each resource, all of them in `TABLE`."""

from local_cloud.cloudflare import (
    account_scripts,
    certificate_packs,
    dns_records,
    domains,
    namespace_script_settings,
    namespace_scripts,
    namespaces,
    routes,
    subdomain,
    tokens,
    workers,
    zones,
)
from local_cloud.routing import RouteTable

ROOT = "/client/v4"

TABLE = RouteTable(
    account_scripts.routes,
    certificate_packs.routes,
    dns_records.routes,
    domains.routes,
    namespace_script_settings.routes,
    namespace_scripts.routes,
    namespaces.routes,
    routes.routes,
    subdomain.routes,
    tokens.routes,
    workers.routes,
    zones.routes,
)
