"""The package `cloudflare`."""

import os
from collections.abc import Mapping
from typing import Any

from local_cloud.providers.client import Client, Retries
from local_cloud.providers.cloudflare.certificates import CertificatePack
from local_cloud.providers.cloudflare.custom_hostnames import CustomHostname, CustomHostnameFallbackOrigin
from local_cloud.providers.cloudflare.data import D1Database, R2Bucket
from local_cloud.providers.cloudflare.dns import DnsRecord
from local_cloud.providers.cloudflare.kv import KvNamespace, KvValue
from local_cloud.providers.cloudflare.worker_version import WorkerVersion
from local_cloud.providers.cloudflare.workers import Deployment, DispatchNamespace, Route, Worker
from local_cloud.providers.cloudflare.zone import GET_ZONE
from local_cloud.providers.errors import ProviderError
from local_cloud.providers.resource import Package, State
from local_cloud.providers.schema import Object, given, strings, unsupported

_BASE_URL = "https://api.cloudflare.com/client/v4"
_RETRIES = Retries(statuses=frozenset({408, 409, 429, *range(500, 600)}), attempts=2, delay=0.5)
"""As cloudflare-go does by default (internal/requestconfig)."""


def _connect(configuration: State) -> Client:
    token = configuration.get("apiToken") or os.environ.get("CLOUDFLARE_API_TOKEN")
    if not token:
        raise ProviderError(
            "missing credentials: set CLOUDFLARE_API_TOKEN, or `pulumi config set --secret cloudflare:apiToken`. "
            "`./dev up` and `./dev pulumi` set it to the local cloud's"
        )
    base_url = configuration.get("baseUrl") or os.environ.get("CLOUDFLARE_BASE_URL") or _BASE_URL
    return Client(base_url=base_url, token=token, retries=_RETRIES, explain=_explain)


def _explain(body: Mapping[str, Any]) -> str:
    return "; ".join(f"{error['message']} ({error['code']})" for error in body["errors"])


PACKAGE = Package(
    name="cloudflare",
    version="6.23.1",
    configuration=Object(
        {
            "apiToken": given(str, secret=True),
            **strings("baseUrl", "userAgentOperatorSuffix"),
            **unsupported("apiKey", "apiUserServiceKey", "email"),
        }
    ),
    connect=_connect,
    resources={
        resource.type: resource
        for resource in (
            *(DispatchNamespace, Worker, WorkerVersion, Deployment),
            *(KvNamespace, KvValue, D1Database, R2Bucket),
            *(Route, DnsRecord, CertificatePack, CustomHostname, CustomHostnameFallbackOrigin),
        )
    },
    functions={GET_ZONE.name: GET_ZONE},
)
