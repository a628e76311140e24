"""Webhooks of a repository. A hook's secret is kept sealed, and shown as `********`."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from local_cloud.call import Answer, Call, Strict
from local_cloud.cloud import Cloud
from local_cloud.github.access import caller
from local_cloud.github.dialect import Created, not_found, now, page, refusal
from local_cloud.github.events import Event, setting
from local_cloud.github.outbox import post
from local_cloud.github.places import api_url
from local_cloud.github.repository import repository_of, writable_repository_of
from local_cloud.routing import RouteTable
from local_cloud.store import Document

routes = RouteTable(permission="repository_hooks")

HOOKS = "/repos/{owner}/{repo}/hooks"
MASK = "********"
ZEN = "Practicality beats purity."
UNUSED: Document = {"code": None, "status": "unused", "message": None}

# fmt: off
EVENTS = frozenset({
    "*", "branch_protection_configuration", "branch_protection_rule", "check_run", "check_suite",
    "code_scanning_alert", "commit_comment", "create", "delete", "dependabot_alert", "deploy_key", "deployment",
    "deployment_protection_rule", "deployment_review", "deployment_status", "discussion", "discussion_comment",
    "fork", "gollum", "issue_comment", "issues", "label", "member", "merge_group", "meta", "milestone", "package",
    "page_build", "ping", "public", "pull_request", "pull_request_review", "pull_request_review_comment",
    "pull_request_review_thread", "push", "registry_package", "release", "repository", "repository_advisory",
    "repository_import", "repository_ruleset", "repository_vulnerability_alert", "secret_scanning_alert",
    "secret_scanning_alert_location", "security_and_analysis", "star", "status", "team_add", "watch",
    "workflow_dispatch", "workflow_job", "workflow_run",
})
# fmt: on


def _check_events(events: list[str]) -> list[str]:
    if unknown := sorted(set(events) - EVENTS):
        raise ValueError(f"no such events: {', '.join(unknown)}")
    return list(dict.fromkeys(events))


def _check_url(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]+(?:/\S*)?", url):
        raise ValueError("must be an http or https URL")
    return url


Events = Annotated[list[str], AfterValidator(_check_events)]


class Config(Strict):
    url: Annotated[str, AfterValidator(_check_url)]
    content_type: Literal["json", "form"] = "form"
    insecure_ssl: Literal["0", "1", 0, 1] = "0"
    secret: str | None = None


class NewHook(Strict):
    name: Literal["web"] = "web"
    config: Config
    events: Events = Field(default_factory=lambda: ["push"])
    active: bool = True


class ChangedHook(Strict):
    """A config replaces the whole of it, the secret included. `name` and `url` are the hook's own, which clients send
    back."""

    name: Literal["web"] = "web"
    config: Config | None = None
    events: Events | None = None
    add_events: Events = Field(default_factory=list)
    remove_events: Events = Field(default_factory=list)
    active: bool | None = None
    url: str | None = None

    def changed(self, events: list[str]) -> list[str]:
        """The events from now on, of a hook that had `events`."""
        wanted = [*(events if self.events is None else self.events), *self.add_events]
        return [event for event in dict.fromkeys(wanted) if event not in self.remove_events]


@routes.on("GET", HOOKS)
def list_hooks(call: Call) -> Answer:
    repository = repository_of(call)
    hooks = call.store.values("webhooks", str(repository["id"]))
    return page(call, [_shown(call.cloud, repository, hook) for hook in sorted(hooks, key=lambda hook: hook["id"])])


@routes.on("POST", HOOKS)
def create_hook(call: Call) -> Created:
    repository, sent = writable_repository_of(call), call.json(NewHook)
    at = now()
    hook = {
        "id": call.store.next_number(),
        "active": sent.active,
        "events": sent.events,
        "config": _kept(call, sent.config),
        "created_at": at,
        "updated_at": at,
    }
    shown = _put(call, repository, hook)
    ping(call, repository, hook)
    return Created(body=shown)


@routes.on("GET", f"{HOOKS}/{{hook}}")
def get_hook(call: Call) -> dict[str, Any]:
    repository = repository_of(call)
    return _shown(call.cloud, repository, hook_of(call, repository))


@routes.on("PATCH", f"{HOOKS}/{{hook}}")
def patch_hook(call: Call) -> dict[str, Any]:
    repository, sent = writable_repository_of(call), call.json(ChangedHook)
    hook = hook_of(call, repository)
    changes: Document = {
        "events": sent.changed(hook["events"]),
        **sent.model_dump(include={"active"}, exclude_none=True),
    }
    if sent.config:
        changes["config"] = _kept(call, sent.config)
    return _put(call, repository, {**hook, **changes, "updated_at": now()})


@routes.on("DELETE", f"{HOOKS}/{{hook}}")
def delete_hook(call: Call) -> None:
    repository = writable_repository_of(call)
    number = str(hook_of(call, repository)["id"])
    call.store.delete("webhooks", str(repository["id"]), number)
    call.store.clear("deliveries", number)


def ping(call: Call, repository: Document, hook: Document) -> None:
    """Have the hook told of itself."""
    common = setting(call.cloud, repository, caller(call).login)
    payload = {"zen": ZEN, "hook_id": hook["id"], "hook": _shown(call.cloud, repository, hook), **common}
    post(call.cloud, repository, hook, Event(name="ping", payload=payload))


def hook_of(call: Call, repository: Document) -> Document:
    """The hook in the call's path, or 404."""
    hook = call.store.get("webhooks", str(repository["id"]), call["hook"])
    if not hook:
        raise not_found()
    return hook


def _kept(call: Call, config: Config) -> Document:
    kept = {"url": config.url, "content_type": config.content_type, "insecure_ssl": str(config.insecure_ssl)}
    return {**kept, "sealed": call.cloud.vault.seal(config.secret)} if config.secret else kept


def _put(call: Call, repository: Document, hook: Document) -> dict[str, Any]:
    scope = str(repository["id"])
    for other in call.store.values("webhooks", scope):
        same = other["config"]["url"] == hook["config"]["url"] and set(other["events"]) & set(hook["events"])
        if same and other["id"] != hook["id"]:
            error = {"resource": "Hook", "code": "custom", "message": "Hook already exists on this repository"}
            raise refusal(422, "Validation Failed", [error])
    call.store.put("webhooks", scope, str(hook["id"]), hook)
    return _shown(call.cloud, repository, hook)


def _shown(cloud: Cloud, repository: Document, hook: Document) -> dict[str, Any]:
    url = f"{api_url(cloud, repository)}/hooks/{hook['id']}"
    config = {key: value for key, value in hook["config"].items() if key != "sealed"}
    return {
        "last_response": UNUSED,
        **hook,
        "type": "Repository",
        "name": "web",
        "config": {**config, "secret": MASK} if "sealed" in hook["config"] else config,
        "url": url,
        "test_url": f"{url}/test",
        "ping_url": f"{url}/pings",
        "deliveries_url": f"{url}/deliveries",
    }
