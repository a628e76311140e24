"""The apps that a platform has: those whose scripts are in its namespaces, with what their stack files have to say."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app_stacks.app_options import BINDINGS
from app_stacks.script_settings import owner
from infra.config import StackConfig
from infra.config_types import VariableName
from infra.names import AppEnvironment, app_store, parse_script
from overskill.drift.apis import Apis

BINDING_TYPES = {"d1": "d1", "kv": "kv_namespace", "r2": "r2_bucket"}
ALLOWED = TypeAdapter(VariableName)
KV_NAMESPACES = 1000
"""On a page."""


@dataclass(frozen=True, kw_only=True)
class Hand:
    """An app that was made by hand. `own` are its stack file's keys, without `overskill-apps:`.

    `untagged` are its scripts without its tag, each by namespace and name; `problem` is why it is left alone.
    """

    app_id: str
    own: Mapping[str, Any]
    untagged: tuple[tuple[str, str], ...] = ()
    problem: str = ""


def read(apis: Apis, config: StackConfig) -> Iterator[Hand]:
    """All of them by name, pull requests' previews left out."""
    platform = config.overskill
    found: dict[str, dict[AppEnvironment, Mapping[str, Any]]] = {}
    for environment, name in platform.namespaces.items():
        for script in apis.scripts(platform.account_id, name):
            parsed = parse_script(script["id"])
            if parsed and parsed.pull_request is None and parsed.environment == environment:
                found.setdefault(parsed.app_id, {})[environment] = script
    records = _records(apis, config)
    for app_id, scripts in sorted(found.items()):
        yield _one(apis, config, app_id, scripts, records)


def _records(apis: Apis, config: StackConfig) -> str:
    """Where the dispatch Worker's records of apps are, by their keys; empty where the platform has none."""
    platform = config.overskill
    namespaces = f"accounts/{platform.account_id}/storage/kv/namespaces"
    title = app_store(platform.prefix, platform.platform_environment)
    ours = (one for one in apis.cloudflare_pages(namespaces, KV_NAMESPACES) if one["title"] == title)
    return next((f"{namespaces}/{one['id']}/values" for one in ours), "")


def _one(
    apis: Apis, config: StackConfig, app_id: str, scripts: Mapping[AppEnvironment, Mapping[str, Any]], records: str
) -> Hand:
    platform = config.overskill
    repository = apis.github(f"repos/{platform.github_organization}/{app_id}")
    if "production" not in scripts:
        return Hand(app_id=app_id, own={}, problem="it has no script in production")
    if repository is None:
        return Hand(app_id=app_id, own={}, problem=f"there is no repository {platform.github_organization}/{app_id}")
    tags = {environment: list(script.get("tags") or []) for environment, script in scripts.items()}
    theirs = {tag for each in tags.values() for tag in owner(each)} - {f"app-{app_id}"}
    if theirs:
        return Hand(app_id=app_id, own={}, problem=f"its scripts are tagged {', '.join(sorted(theirs))}")
    own: dict[str, Any] = {"appEnvironments": [one for one in platform.app_environments if one in scripts]}
    if (repository["description"] or app_id) != app_id:
        own["displayName"] = repository["description"]
    if repository["visibility"] == "public":
        own["visibility"] = "public"
    template = (repository.get("template_repository") or {}).get("full_name")
    if template and template != config.template_repository:
        own["template"] = template
    record = (apis.cloudflare(f"{records}/app:{app_id}") if records else None) or {}
    tagged = (tag.removeprefix("plan-") for tag in tags["production"] if tag.startswith("plan-"))
    plan = record.get("plan") or next(tagged, "")
    if plan in platform.plans and plan != platform.default_plan:
        own["plan"] = plan
    if services := record.get("services"):
        own["services"] = services
    if variables := _variables(apis, f"{platform.github_organization}/{app_id}"):
        own["variables"] = variables
    if data := _data(apis, config, app_id):
        own["data"] = data
    untagged = tuple(
        (platform.namespaces[environment], scripts[environment]["id"])
        for environment in scripts
        if f"app-{app_id}" not in tags[environment]
    )
    return Hand(app_id=app_id, own=own, untagged=untagged)


def _variables(apis: Apis, repository: str) -> dict[str, str]:
    """Those that an app may have of its own: the platform's are made by its stack."""
    found = {}
    for variable in apis.github_pages(f"repos/{repository}/actions/variables", "variables"):
        try:
            found[ALLOWED.validate_python(variable["name"])] = variable["value"]
        except ValidationError:
            continue
    return found


def _data(apis: Apis, config: StackConfig, app_id: str) -> list[str]:
    """The kinds that the production script is bound to under the names, and by the names, that a stack gives."""
    platform = config.overskill
    namespace = platform.namespaces["production"]
    path = f"accounts/{platform.account_id}/workers/dispatch/namespaces/{namespace}/scripts/{app_id}/settings"
    bindings = ((apis.cloudflare(path) or {}).get("result") or {}).get("bindings", [])
    bound = {(one["name"], one["type"]) for one in bindings}
    return [kind for kind, name in BINDINGS.items() if (name, BINDING_TYPES[kind]) in bound]


def hooks_base(apis: Apis, organization: str, app_ids: Iterator[str]) -> dict[str, str]:
    """`webhookBase` and `apiBase`, as the first app that tells them has them."""
    for app_id in app_ids:
        found = {}
        for hook in apis.github_pages(f"repos/{organization}/{app_id}/hooks"):
            if hook["config"]["url"].endswith("/github"):
                found["webhookBase"] = hook["config"]["url"].removesuffix("/github")
        variable = apis.github(f"repos/{organization}/{app_id}/actions/variables/OVERSKILL_APP")
        if variable and (told := json.loads(variable["value"]).get("hooks", "")).endswith("/hooks/deploy"):
            found["apiBase"] = told.removesuffix("/hooks/deploy")
        if len(found) == 2:
            return found
    return {}
