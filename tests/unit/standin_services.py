"""Cloudflare and GitHub as the recorded answers show them: what is put is kept, and given back in the API's shape."""

import base64
import json
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
    "d1/database": {"version": "production", "created_at": NOW, "file_size": 0, "num_tables": 0},
    "r2/buckets": {"creation_date": NOW, "location": "WEUR", "storage_class": "Standard"},
    "custom_hostnames": {
        **{"status": "pending", "created_at": NOW},
        "ownership_verification": {"type": "txt", "name": "_cf-custom-hostname.x", "value": "token"},
        "ownership_verification_http": {"http_url": "http://x/.well-known/token", "http_body": "token"},
    },
    "fallback_origin": {"status": "pending_deployment", "errors": [], "created_at": NOW, "updated_at": NOW},
}
"""What the service adds to a new item, by the collection it is in, or by its own name where it is the only one."""


KEYS = {"d1/database": "uuid", "r2/buckets": "name"}
"""What an item is found by, where that isn't its id."""

KV_NAMESPACE = 6
"""Slashes in the path of one: what is below it is a value's, or its metadata's."""

_ISSUED = {"id": "certificate", "status": "initializing", "settings": {}, "certificate_authority": "google"}


class CloudflareService:
    """`items` by path; `refusal` is what every call answers, if it is set."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.refusal: tuple[int, str] | None = None

    def __call__(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if self.refusal:
            return self.refusal[0], {"errors": [{"code": 10000, "message": self.refusal[1]}]}
        path, _, query = path.partition("?")
        if "/kv/namespaces/" in path and path.count("/") > KV_NAMESPACE:
            return self._value(method, path, body)
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
            if collection == "d1/database":
                item["uuid"] = item.pop("id")
            if collection == "custom_hostnames":
                item["ssl"] = {**_ISSUED, **item["ssl"]}
            if "bindings" in item:
                item["bindings"] = [
                    {key: value for key, value in binding.items() if key != "text"}
                    for binding in sorted(item["bindings"], key=lambda binding: binding["name"])
                ]
            path += f"/{item.get(KEYS.get(collection, 'id'))}"
            self.items[path] = item
        elif path not in self.items:
            return 404, {"errors": [{"code": 10007, "message": "not found"}]}
        elif method in {"PUT", "PATCH"}:
            self.items[path] |= body
        elif method == "DELETE":
            self.items.pop(path)
            return 200, {"result": None}
        return 200, {"result": self.items[path]}

    def _value(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        key = path.replace("/metadata/", "/values/")
        if method == "PUT":
            self.items[key] = body
        elif key not in self.items:
            return 404, {"errors": [{"code": 10009, "message": "get: 'key not found'"}]}
        elif method == "DELETE":
            del self.items[key]
        elif key == path:
            return 200, self.items[key]["value"]
        else:
            return 200, {"result": json.loads(self.items[key].get("metadata", "null"))}
        return 200, {"result": None}

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
                return self._below(method, "/" + "/".join(rest).partition("?")[0], rest, body)
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
            case "PUT", [_, "environments", name]:
                return 200, self._make(path, {"name": name, **body, "protection_rules": _protection(body)})
            case "PUT", [_, "rulesets", _]:
                self.documents[path] |= body
                return 200, self.documents[path]
            case "POST", [_, "rulesets"]:
                number = len(self.documents)
                return 201, self._make(f"{path}/{number}", {**body, "node_id": "RRS"})
            case "PUT", [_, "actions", "oidc", "customization", "sub"]:
                self.documents[path] = {"use_immutable_subject": True, **body}
                return 201, {}
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


def _protection(environment: dict[str, Any]) -> list[dict[str, Any]]:
    minutes = environment["wait_timer"]
    return [{"type": "wait_timer", "wait_timer": minutes}] if minutes else []


def cloudflare_plugin() -> tuple[Plugin, CloudflareService]:
    service = CloudflareService()
    service.items[f"/zones/{ZONE}"] = {"id": ZONE, "name": "overskill.com", "account": {"id": ACCOUNT, "name": "x"}}
    return Plugin(cloudflare.PACKAGE, service, lambda client: client), service


def github_plugin() -> tuple[Plugin, GitHubService]:
    service = GitHubService()
    return Plugin(
        github.PACKAGE, service, lambda c: Owner(name="overskill-apps", is_organization=True, client=c)
    ), service
