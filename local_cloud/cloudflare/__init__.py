"""Cloudflare's API, as far as this platform uses it: a module for each resource, all of them in `TABLE`."""

from local_cloud.cloudflare import (
    account_scripts,
    analytics,
    assets,
    certificate_packs,
    custom_hostnames,
    dns_records,
    domains,
    hostnames,
    kv_namespaces,
    kv_values,
    namespace_script_settings,
    namespace_scripts,
    namespaces,
    routes,
    script_references,
    script_secrets,
    script_versions,
    subdomain,
    tokens,
    user,
    workers,
    zones,
)
from local_cloud.routing import RouteTable

ROOT = "/client/v4"

TABLE = RouteTable(
    account_scripts.routes,
    analytics.routes,
    assets.routes,
    certificate_packs.routes,
    custom_hostnames.routes,
    dns_records.routes,
    domains.routes,
    hostnames.routes,
    kv_namespaces.routes,
    kv_values.routes,
    namespace_script_settings.routes,
    namespace_scripts.routes,
    namespaces.routes,
    routes.routes,
    script_references.routes,
    script_secrets.routes,
    script_versions.routes,
    subdomain.routes,
    tokens.routes,
    user.routes,
    workers.routes,
    zones.routes,
)
