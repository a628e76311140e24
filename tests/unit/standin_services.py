"""Cloudflare and GitHub as the recorded answers show them: what is put is kept, and given back in the API's shape."""

import base64
from typing import Any

from nacl.public import PrivateKey, SealedBox
from standin_plugin import Plugin

from local_cloud.providers import cloudflare, github
from local_cloud.providers.github.service import Owner

ACCOUNT, ZONE = "acc123", "z" * 32
NOW = "2026-11-23T00:00:00Z"
MASKED = "*" * 8
VISIBLE_ONCE = {
    "workers": {"references": {"domains": []}, "deployed_on": None, "updated_on": NOW},
    "versions": {"number": 1, "source": "api", "annotations": {"workers/triggered_by": "upload"}},
    "deployments": {"source": "api", "author_email": "a@b.c", "annotations": {"workers/triggered_by": "deployment"}},
    "routes": {},
    "dns_records": {"proxiable": True, "settings": {}, "meta": {}, "comment": None, "tags": [], "modified_on": NOW},
    "dispatch/namespaces": {"namespace_id": "uuid", "script_count": 0, "trusted_workers": False, "modified_on": NOW},
    "kv/namespaces": {"supports_url_encoding": True},
    "certificate_packs": {
        **{name: [] for name in ("certificates", "validation_errors", "validation_records", "dcv_delegation_records")},
        **{"status": "initializing", "primary_certificate": "0"},
    },
    "fallback_origin": {"status": "pending_deployment", "errors": [], "created_at": NOW, "updated_at": NOW},
}
"""What the service adds to a new item, by the collection it is in, or by its own name where it is the only one."""


class CloudflareService:
    """`items` by path; `refusal` is what every call answers, if it is set."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.refusal: tuple[int, str] | None = None

    def __call__(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if self.refusal:
            return self.refusal[0], {"errors": [{"code": 10000, "message": self.refusal[1]}]}
        path, _, query = path.partition("?")
        if path == "/zones":
            return 200, {"result": [zone for zone in self.zones() if f"name={zone['name']}" in query.split("&")]}
        if method == "PUT" and path.endswith("/fallback_origin"):
            self.items.setdefault(path, {}).update({**VISIBLE_ONCE["fallback_origin"], **body})
        elif method == "POST":
            path = path.removesuffix("/order")
            collection = next(name for name in VISIBLE_ONCE if path.endswith(f"/{name}"))
            kind = collection.rpartition("/")[2]
            item = {"id": f"{kind}-{len(self.items)}", "created_on": NOW, **VISIBLE_ONCE[collection], **body}
            if collection == "dispatch/namespaces":
                item["id"] = item["namespace_name"] = item.pop("name")
            if "bindings" in item:
                item["bindings"] = [
                    {key: value for key, value in binding.items() if key != "text"}
                    for binding in sorted(item["bindings"], key=lambda binding: binding["name"])
                ]
            path += f"/{item['id']}"
            self.items[path] = item
        elif path not in self.items:
            return 404, {"errors": [{"code": 10007, "message": "not found"}]}
        elif method == "PUT":
            self.items[path] |= body
        elif method == "DELETE":
            self.items.pop(path)
            return 200, {"result": None}
        return 200, {"result": self.items[path]}

    def zones(self) -> list[dict[str, Any]]:
        return [zone for path, zone in self.items.items() if path.startswith("/zones/") and path.count("/") == 2]


class GitHubService:
    """`documents` by path below `/repos/overskill-apps`, `settings` by path below `/orgs/overskill-apps`."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.settings: dict[str, dict[str, Any]] = {}
        self.key = PrivateKey.generate()
        self.opened: dict[str, str] = {}
        self.refused: set[tuple[str, str]] = set()
        self.now = NOW

    def __call__(self, method: str, path: str, body: Any) -> tuple[int, Any]:  # noqa: PLR0911
        if (method, path) in self.refused:
            return 500, {"message": "out of order"}
        match method, path.strip("/").split("/"):
            case "GET", ["orgs", _]:
                return 200, {"login": "overskill-apps"}
            case _, ["orgs", _, "actions", *rest]:
                return self._settings(method, "/".join(rest), body)
            case "POST", ["repos", owner, name, "generate"]:
                template = {"name": name, "owner": {"login": owner}}
                return 201, self._make(f"/{body['name']}", {**self._repository(body), "template_repository": template})
            case "POST", ["orgs", _, "repos"]:
                return 201, self._make(f"/{body['name']}", self._repository(body))
            case _, ["repos", "overskill-apps", *rest]:
                return self._below(method, "/" + "/".join(rest), rest, body)
            case "GET", ["repos", _, _]:
                return 404, {"message": "Not Found"}
        return 501, {"message": f"{method} {path}"}

    def _below(self, method: str, path: str, rest: list[str], body: Any) -> tuple[int, Any]:  # noqa: PLR0911
        match method, rest:
            case "GET", [_, "actions", "secrets", "public-key"]:
                return 200, {"key_id": "1", "key": base64.b64encode(bytes(self.key.public_key)).decode()}
            case "PUT", [_, "actions", "secrets", name]:
                self.opened[name] = SealedBox(self.key).decrypt(base64.b64decode(body["encrypted_value"])).decode()
                created = self.documents.get(path, {}).get("created_at", self.now)
                self._make(path, {"name": name, "created_at": created, "updated_at": self.now})
                return 201, None
            case "POST", [_, "actions", "variables"]:
                self._make(f"{path}/{body['name']}", {**body, "created_at": self.now, "updated_at": self.now})
                return 201, None
            case "POST", [_, "hooks"]:
                return 201, self._make(f"{path}/{len(self.documents)}", {"url": "http://x/hooks", **self._masked(body)})
            case "PUT", [_, "topics"]:
                self.documents[path.removesuffix("/topics")]["topics"] = body["names"]
                return 200, body
        if path not in self.documents:
            return 404, {"message": "Not Found"}
        if method == "DELETE":
            del self.documents[path]
            return 204, None
        if method == "PATCH":
            document = self.documents.pop(path)
            moved = f"/{body.get('name', rest[0])}" if len(rest) == 1 else path
            private = {"private": body["visibility"] == "private"} if "visibility" in body else {}
            self.documents[moved] = {**document, **self._masked(body), **private}
            return 200, self.documents[moved]
        return 200, self.documents[path]

    def _settings(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        path, _, query = path.partition("?")
        if method == "PUT":
            self.settings[path] = {**self.settings.get(path, {}), **body}
            return 204, None
        if path not in self.settings:
            return 404, {"message": "Not Found"}
        if path == "permissions/repositories":
            ids = self.settings[path]["selected_repository_ids"]
            first = 100 * (int(query.partition("page=")[2].partition("&")[0]) - 1)
            shown = [{"id": id, "name": f"r{id}"} for id in ids[first : first + 100]]
            return 200, {"total_count": len(ids), "repositories": shown}
        return 200, {"patterns_allowed": [], **self.settings[path]} if "selected" in path else self.settings[path]

    def _make(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        self.documents[path] = {"id": len(self.documents), **document}
        return self.documents[path]

    def _repository(self, body: dict[str, Any]) -> dict[str, Any]:
        addresses = dict.fromkeys(("html_url", "clone_url", "git_url", "ssh_url", "svn_url"), "http://x")
        visibility = "private" if body["private"] else "public"
        return {
            **{"full_name": f"overskill-apps/{body['name']}", "node_id": "R", "default_branch": "main", "topics": []},
            **{**addresses, **body, "visibility": visibility, "description": None, "fork": False},
        }

    def _masked(self, hook: dict[str, Any]) -> dict[str, Any]:
        if hook.get("config", {}).get("secret"):
            return {**hook, "config": {**hook["config"], "secret": MASKED}}
        return hook


def cloudflare_plugin() -> tuple[Plugin, CloudflareService]:
    service = CloudflareService()
    service.items[f"/zones/{ZONE}"] = {"id": ZONE, "name": "overskill.com", "account": {"id": ACCOUNT, "name": "x"}}
    return Plugin(cloudflare.PACKAGE, service, lambda client: client), service


def github_plugin() -> tuple[Plugin, GitHubService]:
    service = GitHubService()
    return Plugin(
        github.PACKAGE, service, lambda c: Owner(name="overskill-apps", is_organization=True, client=c)
    ), service
