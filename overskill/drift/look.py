"""A closer look at one app: what no list tells of its scripts and of its repository."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from app_stacks.repository_settings import DEFAULT_BRANCH, SETTINGS
from app_stacks.script_settings import changed, observed
from control_plane.apps import Declaration, Place
from infra.names import APP_ENVIRONMENTS
from overskill.drift.apis import Apis
from overskill.drift.compare import REPOSITORY, SCRIPT, script_name, tags_told
from overskill.drift.findings import PARTS, Drift, Finding
from overskill.errors import CommandError
from overskill.fleet.limits import Calls

Details = Mapping[str, Mapping[str, str]]
"""What a repository has: of each kind, by name, a digest of how it is."""

RULESET, WEBHOOK = "RepositoryRuleset", "RepositoryWebhook"
VARIABLE, SECRET, ENVIRONMENT = "ActionsVariable", "ActionsSecret", "RepositoryEnvironment"
DELETABLE = (VARIABLE, SECRET, WEBHOOK)
"""Of what stands in a repository of ours beside what its stack has: the rest is the owner's, to be deleted by hand."""

PASSING = {"updated_at", "last_response", "created_at"}
"""What GitHub itself changes of a webhook or an environment."""

CALLS = Calls(cloudflare=len(APP_ENVIRONMENTS), github=6)
"""A look at one app: each script's settings; the repository, and the five lists of what is in it."""


def of_script(apis: Apis, account_id: str, stack: str, place: Place) -> Iterator[Finding]:
    """Its settings against the declared ones; nothing for a script that is not there. A deploy's code is no drift."""
    path = f"accounts/{account_id}/workers/dispatch/namespaces/{place.namespace}/scripts/{place.script}/settings"
    body = apis.cloudflare(path)
    if body is None:
        return
    # Nobody is told the texts of secrets: one that is there counts as unchanged.
    bindings = {binding["name"]: {"text": "", **binding} if _secret(binding) else binding for binding in place.bindings}
    declared = {"tags": place.tags, "bindings": bindings, "limits": None, "observability": True}
    seen = observed(declared, body["result"])
    if differing := changed(declared, seen):
        told = [one for one in differing if one not in ("bindings", "tags")]
        told += [tags_told(place.tags, seen["tags"])] if "tags" in differing else []
        told += [f"binding {name} is gone" for name in sorted(bindings.keys() - seen["bindings"].keys())]
        told += [f"binding {name} differs" for name, one in sorted(seen["bindings"].items()) if one != bindings[name]]
        name = script_name(place.namespace, place.script)
        yield Finding(stack=stack, resource=SCRIPT, name=name, drift="changed", detail=PARTS.join(told))


def details(apis: Apis, repository: str) -> Details | None:
    """All that a repository has; None for one that is not there. Six calls, where nothing has more than a page.

    Raises `CommandError` where a setting is not told: the engine would take it for one that is off.
    """
    path = f"repos/{repository}"
    settings = apis.github(path)
    if settings is None:
        return None
    # How an archived one merges, GitHub tells nobody.
    if (untold := sorted(SETTINGS.keys() - settings.keys())) and not settings["archived"]:
        raise CommandError(
            f"GET {path}: GitHub does not tell {', '.join(untold)}: give the token of GITHUB_TOKEN Contents: write, "
            "without which nobody is told"
        )
    found: dict[str, dict[str, Any]] = {
        REPOSITORY: {repository: {name: settings.get(name) for name in SETTINGS}},
        VARIABLE: {one["name"]: one["value"] for one in apis.github_pages(f"{path}/actions/variables", "variables")},
        SECRET: {one["name"]: one["updated_at"] for one in apis.github_pages(f"{path}/actions/secrets", "secrets")},
        WEBHOOK: {one["config"]["url"]: _lasting(one) for one in apis.github_pages(f"{path}/hooks")},
        ENVIRONMENT: {one["name"]: _lasting(one) for one in apis.github_pages(f"{path}/environments", "environments")},
        # Unless it is asked not to, GitHub lists those of the organisation too.
        RULESET: {one["name"]: one for one in apis.github_pages(f"{path}/rulesets", includes_parents="false")},
    }
    return {kind: {name: _digest(value) for name, value in parts.items()} for kind, parts in found.items()}


def of_repository(stack: str, app: Declaration, seen: Details, known: Details | None) -> Iterator[Finding]:
    """Its parts against the declared names, and against how they were when the engine found no difference (`known`)."""
    wanted = _wanted(app)
    for kind, parts in seen.items():
        for name in sorted(wanted.get(kind, set()) - parts.keys()):
            yield _finding(stack, app, kind, name, "missing")
        if kind in wanted:
            # A deploy makes the environment that it names.
            passing = {*APP_ENVIRONMENTS} if kind == ENVIRONMENT else set()
            for name in sorted(parts.keys() - wanted[kind] - passing):
                yield _finding(stack, app, kind, name, "orphan")
        before = (known or {}).get(kind, {})
        for name in sorted(parts.keys() & before.keys()):
            if parts[name] != before[name]:
                yield _finding(stack, app, kind, name, "changed")
    if known is None and seen[REPOSITORY][app.repository] != _digest(SETTINGS):
        yield _finding(stack, app, REPOSITORY, app.repository, "changed")


def _wanted(app: Declaration) -> Mapping[str, set[str]]:
    """The names of what the repository has by its stack; nothing of an app whose stack has not told them."""
    if app.belongings is None:
        return {}
    return {
        VARIABLE: {*app.belongings.variables},
        SECRET: {*app.belongings.secrets},
        WEBHOOK: {app.belongings.webhook},
        ENVIRONMENT: {*app.places},
        RULESET: {DEFAULT_BRANCH},
    }


def _finding(stack: str, app: Declaration, kind: str, name: str, drift: Drift) -> Finding:
    told = name if kind == REPOSITORY else f"{app.repository} {name}"
    return Finding(stack=stack, resource=kind, name=told, drift=drift, ours=drift == "orphan" and kind in DELETABLE)


def _secret(binding: Mapping[str, str]) -> bool:
    return binding["type"] == "secret_text"


def _lasting(shown: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name not in PASSING}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
