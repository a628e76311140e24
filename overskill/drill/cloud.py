"""The local cloud of a run of drills: a process with a folder for this once, whose calls go wrong as they are told."""

import itertools
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

from app_stacks.patience import Patience
from infra.names import APP_ENVIRONMENTS, Origins
from infra.outputs import PlatformOutputs
from overskill.checkout_copy import free_ports
from overskill.local_cloud_process import LocalCloud, Programs

PREFIX = "overskill-development"

IMPATIENT = 0.4
"""Seconds that a client waits for an answer here; a slow one takes longer."""

FAULTS: Mapping[str, Mapping[str, Any]] = {
    **{
        f"{status} {when}": {"kind": "status", "status": status, "when": when}
        for status in (429, 500, 502, 503)
        for when in ("before", "after")
        if (status, when) != (429, "after")
    },
    "reset before": {"kind": "reset", "when": "before"},
    "reset after": {"kind": "reset", "when": "after"},
    "slow": {"kind": "slow", "seconds": 2 * IMPATIENT},
}
"""What a call meets: before it took effect, or after. A reset after is a network that is cut off in an answer."""


def haste() -> Patience:
    """As the programs wait, without the time."""
    return Patience(seconds=30, limited=30, first=0.01, longest=0.05, sleep=lambda _: None)


class Cloud:
    """A local cloud with a platform's namespaces and its app store, and names that nobody has used."""

    def __init__(self, process: LocalCloud, programs: Programs) -> None:
        self.process, self.programs = process, programs
        self.token = process.credentials()["cloudflare_token"]
        self.cloudflare_url = f"{process.api_url}/client/v4"
        headers = {"Authorization": f"Bearer {self.token}"}
        self.http = httpx.Client(base_url=process.api_url, headers=headers, trust_env=False, timeout=30)
        self._numbers = itertools.count(1)
        self.app_store = self._make("storage/kv/namespaces", title="overskill-development-apps")["id"]
        for environment in APP_ENVIRONMENTS:
            self._make("workers/dispatch/namespaces", name=f"{PREFIX}-{environment}")

    def close(self) -> None:
        self.http.close()

    def fresh(self) -> str:
        """An app's id."""
        return f"drill{next(self._numbers)}"

    def faults(self, *rules: Mapping[str, Any]) -> None:
        """What goes wrong from now on; nothing without rules."""
        self.http.put("/_local/profile", json={"calls": list(rules)}).raise_for_status()

    @contextmanager
    def watched(self) -> Iterator[list[tuple[str, str]]]:
        """The calls of Cloudflare's API that the block makes, by method and path below the API's root, in order."""
        found: list[tuple[str, str]] = []
        last = self._requests()[0]["number"]
        yield found
        made = [one for one in reversed(self._requests(after=last)) if one["service"] == "Cloudflare"]
        found += [(one["method"], one["path"].removeprefix("/client/v4")) for one in made]

    def account(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A call of the account's, which goes wrong as all others do."""
        return self.http.request(method, f"/client/v4/accounts/{self.process.account}/{path}", **options)

    def code(self, environment: str, script: str) -> str | None:
        """What a script consists of; None where there is none."""
        answer = self.account("GET", f"workers/dispatch/namespaces/{PREFIX}-{environment}/scripts/{script}/content")
        return answer.text if answer.is_success else None

    @property
    def outputs(self) -> PlatformOutputs:
        """Those of the platform's stack."""
        return PlatformOutputs(
            account_id=self.process.account,
            platform_environment="development",
            protected=False,
            namespaces={environment: f"{PREFIX}-{environment}" for environment in APP_ENVIRONMENTS},
            origins=Origins(domain="overskill.localhost", worker="dispatch", workers_dev="overskill.workers.localhost"),
            urls="subdomain",
            plans=["free"],
            default_plan="free",
            oidc_subject=False,
            github_organization="overskill",
            template="overskill/template",
            webhook_base="http://127.0.0.1:8786/webhooks",
            api_base="http://127.0.0.1:8786/api",
            app_store=self.app_store,
            usage_dataset="overskill_development_usage",
            dispatcher_version="1",
        )

    def _requests(self, **query: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get("/_local/requests", params=query).json()["requests"]
        return found

    def _make(self, path: str, **what: str) -> Any:
        return self.account("POST", path, json=what).raise_for_status().json()["result"]


@contextmanager
def running(programs: Programs, folder: Path, seed: int) -> Iterator[Cloud]:
    """Until the block ends."""
    api_port, edge_port = free_ports(2)
    process = LocalCloud(
        state=folder / "local-cloud",
        log=folder / "local-cloud.log",
        api_port=api_port,
        edge_port=edge_port,
        seed=seed,
    )
    process.start(programs)
    try:
        with closing(Cloud(process, programs)) as made:
            yield made
    finally:
        process.stop()
