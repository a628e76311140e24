"""Cloudflare's API, as far as this platform uses it: a module for each resource, all of them in `TABLE`."""

from local_cloud.cloudflare import (
    account_scripts,
    analytics,
    certificate_packs,
    custom_hostnames,
    dns_records,
    domains,
    kv_namespaces,
    kv_values,
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
    analytics.routes,
    certificate_packs.routes,
    custom_hostnames.routes,
    dns_records.routes,
    domains.routes,
    kv_namespaces.routes,
    kv_values.routes,
    namespace_script_settings.routes,
    namespace_scripts.routes,
    namespaces.routes,
    routes.routes,
    subdomain.routes,
    tokens.routes,
    workers.routes,
    zones.routes,
)
