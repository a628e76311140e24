"""A namespace script as its provider sees it, and as others do."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from contract_service import Service, upload
from pulumi.dynamic import ConfigureRequest
from pulumi.dynamic.config import Config

from app_stacks.cloudflare_api import CloudflareApi
from app_stacks.namespace_script import NamespaceScriptProvider
from app_stacks.patience import Patience

DEPLOYED = "export default { fetch() { return new Response('deployed'); } };"
HASTE = Patience(seconds=10, limited=10, first=0.01, longest=0.05)
"""As the provider waits, a hundred times faster."""


def plain(name: str, text: str) -> dict[str, str]:
    return {"type": "plain_text", "name": name, "text": text}


def secret(name: str, text: str) -> dict[str, str]:
    return {"type": "secret_text", "name": name, "text": text}


def bound(*bindings: dict[str, str]) -> dict[str, dict[str, str]]:
    """Bindings as the inputs have them."""
    return {binding["name"]: binding for binding in bindings}


@dataclass
class Life:
    """One script. `props` are what its stack declares first; `slept` the pauses of the provider, during the first of
    which `meanwhile` happens."""

    cf: Service
    provider: NamespaceScriptProvider
    props: dict[str, Any]
    path: str
    slept: list[float] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None

    def deploy(self, *more: dict[str, Any], tags: list[str] | None = None, **metadata: Any) -> None:
        """As a pipeline would through the broker: new code and bindings of its own, what is declared kept."""
        metadata = {"bindings": [*self.props["bindings"].values(), *more], **metadata}
        metadata["tags"] = self.props["tags"] if tags is None else tags
        metadata.setdefault("limits", {"cpu_ms": 50})
        answer = self.cf.send("PUT", self.path, files=upload(metadata, index=DEPLOYED))
        assert answer.is_success, answer.text

    def settings(self) -> dict[str, Any]:
        return self.cf.get(f"{self.path}/settings")["result"]

    def bindings(self) -> dict[str, dict[str, Any]]:
        return bound(*self.settings()["bindings"])

    def exists(self) -> bool:
        return self.cf.send("GET", self.path).is_success

    def code(self) -> str:
        return self.cf.send("GET", f"{self.path}/content").text

    def patch(self, **settings: Any) -> None:
        """Behind the provider's back."""
        parts = {"settings": (None, json.dumps(settings), "application/json")}
        assert self.cf.send("PATCH", f"{self.path}/settings", files=parts).is_success

    def faults(self, method: str, *faults: dict[str, Any], times: int = 1) -> None:
        """Have the first, second, ... call of the kind on this script go wrong, each so many times."""
        rules = [
            {
                "service": "cloudflare",
                "method": method,
                "path": f"**/namespaces/{self.props['namespace']}/scripts/**",
                "nth": 1 + number * times,
                "times": times,
                "fault": fault,
            }
            for number, fault in enumerate(faults)
        ]
        headers = {"Authorization": f"Bearer {self.cf.token}"}
        self.cf.client.put("/_local/profile", headers=headers, json={"calls": rules}).raise_for_status()


@contextmanager
def living(cf: Service, namespace: str) -> Iterator[Life]:
    """A script that isn't there yet, in a namespace of the test's own; the provider's token is in the environment."""
    url = f"{str(cf.client.base_url).rstrip('/')}{cf.root}"
    provider = NamespaceScriptProvider()

    def sleep(seconds: float) -> None:
        life.slept.append(seconds)
        if len(life.slept) == 1:
            life.meanwhile()
        time.sleep(seconds)

    provider.patience = Patience(**{**vars(HASTE), "sleep": sleep})
    provider.configure(ConfigureRequest(Config({"cloudflare:baseUrl": url}, "overskill-apps")))
    props = {
        "account_id": cf.names["account"],
        "namespace": namespace.rpartition("/")[2],
        "script": "abc123",
        "tags": ["app-abc123", "environment-production"],
        "bindings": bound(plain("OVERSKILL_APP_NAME", "abc123")),
        "compatibility_date": "2026-10-01",
        "compatibility_flags": ["nodejs_compat"],
        "limits": {"cpu_ms": 50.0},
        "observability": True,
    }
    with provider._api:
        life = Life(cf, provider, props, f"{namespace}/scripts/abc123")
        yield life


def api(cf: Service, **options: Any) -> CloudflareApi:
    return CloudflareApi(cf.token, f"{str(cf.client.base_url).rstrip('/')}{cf.root}", **options)
