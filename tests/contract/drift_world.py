"""A platform on the local cloud, made by its APIs as the stacks would make it, and what sweeps find there."""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from contract_service import LocalCloud, upload
from nacl.public import PublicKey, SealedBox

from app_stacks.repository_settings import DEFAULT_BRANCH, SETTINGS
from control_plane.apps import Belongings, Declaration, Place
from infra.names import APP_ENVIRONMENTS, Script
from local_cloud.github.access import issue
from local_cloud.github.app import PERMISSIONS
from local_cloud.github.repository import organization_named
from overskill.drift.apis import Access, Apis
from overskill.drift.declared import Declared
from overskill.drift.findings import Change
from overskill.drift.memory import Memory
from overskill.drift.place import Place as Platform
from overskill.drift.sweep import Report, Sweep
from overskill.fleet.limits import Calls

ORGANIZATION = "overskill-apps"
NAMESPACES = {environment: f"overskill-development-{environment}" for environment in APP_ENVIRONMENTS}
WEBHOOK = "http://127.0.0.1:8786/webhooks/github"
HOSTNAME = "www.shop-customers.com"


@dataclass
class World:
    """`apps` are declared. `changes` are what the engine says of an app when it is asked; without them, nothing."""

    cloud: LocalCloud
    folder: Path
    platform: Platform
    apps: dict[str, Declaration] = field(default_factory=dict)
    changes: dict[str, list[Change]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    made: Calls = field(default_factory=Calls)

    def call(self, method: str, path: str, **options: Any) -> Any:
        """`accounts/...` and `zones/...` are Cloudflare's, all else is GitHub's."""
        cloudflare = path.startswith(("accounts/", "zones"))
        credentials = self.cloud.cloud.credentials
        token = credentials.cloudflare_token if cloudflare else credentials.github_token
        root = "/client/v4/" if cloudflare else "/api/v3/"
        headers = {"Authorization": f"Bearer {token}"}
        answer = self.cloud.client.request(method, root + path, headers=headers, **options)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    @property
    def account(self) -> str:
        return f"accounts/{self.cloud.settings.account}"

    def script(self, environment: str, name: str, rest: str = "") -> str:
        return f"{self.account}/workers/dispatch/namespaces/{NAMESPACES[environment]}/scripts/{name}{rest}"

    def deploy(self, environment: str, name: str, tags: Sequence[str], bindings: Sequence[Any] = ()) -> None:
        self.call("PUT", self.script(environment, name), files=upload({"tags": [*tags], "bindings": [*bindings]}))

    def settings(self, environment: str, name: str, **settings: Any) -> None:
        parts = [("settings", (None, json.dumps(settings), "application/json"))]
        self.call("PATCH", self.script(environment, name, "/settings"), files=parts)

    def secret(self, repository: str, name: str) -> None:
        path = f"repos/{ORGANIZATION}/{repository}/actions/secrets"
        key = self.call("GET", f"{path}/public-key")
        sealed = SealedBox(PublicKey(base64.b64decode(key["key"]))).encrypt(b"planted")
        body = {"key_id": key["key_id"], "encrypted_value": base64.b64encode(sealed).decode()}
        self.call("PUT", f"{path}/{name}", json=body)

    def repository(self, name: str, **fields: Any) -> dict[str, Any]:
        settings = {key: value for key, value in SETTINGS.items() if key != "topics"}
        body = {"name": name, "description": name, "private": True, "auto_init": True, **settings, **fields}
        made = self.call("POST", f"orgs/{ORGANIZATION}/repos", json=body)
        self.call("PUT", f"repos/{ORGANIZATION}/{name}/topics", json={"names": SETTINGS["topics"]})
        return made

    def app(self, app_id: str, *, whole: bool = False) -> Declaration:
        """An app as its stack makes it; a `whole` one has data, a plan and a customer's host."""
        path, number = f"repos/{ORGANIZATION}/{app_id}", self.repository(app_id)["id"]
        variable = {"name": "OVERSKILL_APP", "value": json.dumps({"namespaces": NAMESPACES})}
        self.call("POST", f"{path}/actions/variables", json=variable)
        self.secret(app_id, "OVERSKILL_WEBHOOK_SECRET")
        config = {"url": WEBHOOK, "content_type": "json", "secret": "planted"}
        self.call("POST", f"{path}/hooks", json={"config": config, "events": ["push"]})
        for environment in APP_ENVIRONMENTS:
            self.call("PUT", f"{path}/environments/{environment}", json={})
        conditions = {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}}
        rules = {"name": DEFAULT_BRANCH, "enforcement": "active", "conditions": conditions}
        self.call("POST", f"{path}/rulesets", json={**rules, "rules": [{"type": "deletion"}]})
        data = self._data(app_id) if whole else []
        places = {}
        for environment in APP_ENVIRONMENTS:
            name = Script(app_id=app_id, environment=environment).name
            tags = [f"app-{app_id}", f"environment-{environment}", "platform-development", "plan-free"]
            bindings = [{"type": "plain_text", "name": "OVERSKILL_APP_NAME", "text": app_id}, *data]
            secret = {"type": "secret_text", "name": "KEY", "text": "planted"}
            self.deploy(environment, name, tags, [*bindings, secret])
            places[environment] = Place(
                script=name,
                namespace=NAMESPACES[environment],
                url=f"http://{name}.overskill.localhost/",
                tags=tags,
                bindings=[*bindings, {"type": "secret_text", "name": "KEY"}],
            )
        records = [f"app:{app_id}", f"host:{HOSTNAME}"] if whole else []
        for key in records:
            store = f"{self.account}/storage/kv/namespaces/{self.platform.app_store}/values/{key}"
            self.call("PUT", store, content="{}")
        if whole:
            ssl = {"method": "http", "type": "dv"}
            self.call("POST", f"zones/{self.platform.zone}/custom_hostnames", json={"hostname": HOSTNAME, "ssl": ssl})
        self.apps[app_id] = Declaration(
            app_id=app_id,
            display_name=app_id,
            plan="free",
            repository=f"{ORGANIZATION}/{app_id}",
            repository_id=number,
            path_url="http://x/",
            places=places,
            belongings=Belongings(
                visibility="private",
                variables=["OVERSKILL_APP"],
                secrets=["OVERSKILL_WEBHOOK_SECRET"],
                webhook=WEBHOOK,
                records=records,
                hostnames=[HOSTNAME] if whole else [],
            ),
        )
        return self.apps[app_id]

    def _data(self, app_id: str) -> list[dict[str, str]]:
        name = f"{NAMESPACES['production']}-{app_id}"
        kv = self.call("POST", f"{self.account}/storage/kv/namespaces", json={"title": name})["result"]["id"]
        d1 = self.call("POST", f"{self.account}/d1/database", json={"name": name})["result"]["uuid"]
        self.call("POST", f"{self.account}/r2/buckets", json={"name": name})
        return [
            {"type": "kv_namespace", "name": "KV", "namespace_id": kv},
            {"type": "d1", "name": "DB", "id": d1},
            {"type": "r2_bucket", "name": "BUCKET", "bucket_name": name},
        ]

    def pull_request(self, app_id: str, branch: str) -> int:
        path = f"repos/{ORGANIZATION}/{app_id}"
        sha = self.call("GET", f"{path}/git/ref/heads/main")["object"]["sha"]
        self.call("POST", f"{path}/git/refs", json={"ref": f"refs/heads/{branch}", "sha": sha})
        content = {"message": "x", "content": base64.b64encode(branch.encode()).decode(), "branch": branch}
        self.call("PUT", f"{path}/contents/{branch}.txt", json=content)
        opened = self.call("POST", f"{path}/pulls", json={"title": "x", "head": branch, "base": "main"})
        return opened["number"]

    def reading_token(self) -> str:
        """GitHub's, of an installation that may read everything."""
        made: list[str] = []
        store, organization = self.cloud.cloud.store, organization_named(self.cloud.cloud, ORGANIZATION)
        reading = dict.fromkeys(PERMISSIONS, "read")
        self.cloud.write(lambda: made.append(issue(store, organization, reading, None)[0]))
        return made[0]

    def snapshot(self, name: str, rest: str = "") -> None:
        headers = {"Authorization": f"Bearer {self.cloud.cloud.credentials.cloudflare_token}"}
        self.cloud.client.post(f"/_local/snapshots/{name}{rest}", headers=headers).raise_for_status()

    def _examine(self, app_ids: Sequence[str]) -> Iterator[tuple[str, list[Change]]]:
        self.asked += app_ids
        yield from ((app_id, self.changes.get(app_id, [])) for app_id in app_ids)

    def sweep(
        self,
        deep: float = 0,
        *,
        engine: bool = False,
        settles: timedelta = timedelta(),
        again: Callable[[], Declared] | None = None,
        token: str = "",
        **declared: Any,
    ) -> Report:
        """One sweep; with the `engine`, that is asked where something differs. `token`: another one for GitHub."""
        now = Declared(**{"apps": self.apps, "unrecorded": [], "busy": set(), **declared})
        root, credentials = str(self.cloud.client.base_url), self.cloud.cloud.credentials
        services = {
            "cloudflare": Access(url=f"{root}/client/v4", token=credentials.cloudflare_token),
            "github": Access(url=f"{root}/api/v3/", token=token or credentials.github_token),
        }
        self.asked = []
        with closing(Apis(services, ())) as apis, closing(Memory(self.folder / "memory.sqlite")) as memory:
            examine = self._examine if engine else None
            swept = Sweep(self.platform, apis, memory, examine, settles)
            found = swept.run(now, again or (lambda: now), deep)
            self.made = apis.made
        return found


def made(cloud: LocalCloud, folder: Path) -> World:
    """An empty platform."""
    (zone,) = cloud.cloud.store.values("zones", "")[:1]
    platform = Platform(
        stack="local",
        account_id=cloud.settings.account,
        platform_environment="development",
        namespaces=NAMESPACES,
        organization=ORGANIZATION,
        app_store="",
        zone=zone["id"],
        template="overskill/template",
        smoke="overskill-development-smoke",
    )
    world = World(cloud, folder, platform)
    for name in NAMESPACES.values():
        world.call("POST", f"{world.account}/workers/dispatch/namespaces", json={"name": name})
    store = world.call("POST", f"{world.account}/storage/kv/namespaces", json={"title": "overskill-development-apps"})
    world.platform = Platform(**{**vars(platform), "app_store": store["result"]["id"]})
    return world
