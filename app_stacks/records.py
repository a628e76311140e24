"""What the dispatch Worker reads of an app in the platform's KV namespace, by keys of its own."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from app_stacks.cloudflare_sdk import cloudflare


def app_key(app_id: str) -> str:
    return f"app:{app_id}"


def host_key(hostname: str) -> str:
    return f"host:{hostname}"


@dataclass(frozen=True, kw_only=True)
class Store:
    """The platform's KV namespace."""

    account_id: str
    namespace_id: str

    def app(
        self, name: str, app_id: str, plan: str | None, services: Sequence[str], opts: pulumi.ResourceOptions
    ) -> pulumi.Resource:
        """An app's plan, unless it is the platform's default, and the hosts that it may call."""
        record = {"plan": plan} if plan else {}
        return self._put(name, app_key(app_id), record | ({"services": list(services)} if services else {}), opts)

    def host(self, name: str, hostname: str, script: str, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        """Which script answers at a customer's host."""
        return self._put(name, host_key(hostname), {"script": script}, opts)

    def _put(self, name: str, key: str, value: Any, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        return cloudflare.WorkersKv(
            name,
            account_id=self.account_id,
            namespace_id=self.namespace_id,
            key_name=key,
            value=json.dumps(value, separators=(",", ":")),
            opts=opts,
        )
