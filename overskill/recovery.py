"""What an interrupted run leaves behind, and how the next one takes it up.

A run that is killed, or whose call was answered by nobody, may have made something that its state does not know: the
next run would make it again and be refused. And it leaves its lock. Here the lock of a dead engine is taken off, and
what exists under the very names that the program declares is imported into the state, so that a second run ends where
the first would have. Scripts need none of this: their provider adopts what it finds. A run after one that did not end
well also looks first at what really exists, since a state can name what was never carried out.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from infra.names import repository_webhook
from overskill.engine import Engine, EngineError, Outcome
from overskill.errors import CommandError
from overskill.locks import release_dead_locks, unlocked

Inputs = Mapping[str, Any]
Finder = Callable[["Clouds", Inputs], str | None]


class Clouds:
    """Both APIs, at `urls`, asked with the credentials of an engine's environment.

    Repositories are those of `owner`; their hooks lead to `webhook_base`.
    """

    def __init__(
        self,
        urls: tuple[str, str],
        owner: str,
        environment: Mapping[str, str],
        *,
        webhook_base: str,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        def client(url: str, token: str) -> httpx.Client:
            headers = {"Authorization": f"Bearer {token}"}
            return httpx.Client(base_url=url, headers=headers, timeout=10, trust_env=False, transport=transport)

        cloudflare_url, github_url = urls
        self.owner = owner
        self.webhook_url = repository_webhook(webhook_base)
        self._cloudflare = client(cloudflare_url, environment["CLOUDFLARE_API_TOKEN"])
        self._github = client(github_url, environment["GITHUB_TOKEN"])

    def cloudflare(self, path: str, **query: str) -> Any:
        """The `result` of a GET, or None where there is nothing."""
        answer = _get(self._cloudflare, path, query)
        return None if answer is None else answer["result"]

    def at_cloudflare(self, path: str) -> bool:
        """Whether there is something, be its `result` null."""
        return _get(self._cloudflare, path, {}) is not None

    def github(self, path: str, **query: str) -> Any:
        """The body of a GET, or None where there is nothing."""
        return _get(self._github, path, query)

    def delete_archived(self, repository: str) -> None:
        """Delete a repository that the destruction of its app has archived; one that is in use stays."""
        path = f"repos/{self.owner}/{repository}"
        if not (self.github(path) or {}).get("archived"):
            return
        try:
            self._github.delete(path).raise_for_status()
        except httpx.HTTPError as error:
            raise CommandError(f"repository {self.owner}/{repository} is archived, and not deleted: {error}") from error


def _get(client: httpx.Client, path: str, query: Mapping[str, str]) -> Any:
    try:
        answer = client.get(path, params=query)
    except httpx.HTTPError as error:
        raise CommandError(f"no answer from {client.base_url}: {error}") from error
    if answer.status_code == httpx.codes.NOT_FOUND:
        return None
    if not answer.is_success:
        raise CommandError(f"GET {answer.url}: HTTP {answer.status_code}: {answer.text[:200]}")
    return answer.json()


def _namespace(clouds: Clouds, inputs: Inputs) -> str | None:
    account, name = inputs["accountId"], inputs["name"]
    found = clouds.cloudflare(f"accounts/{account}/workers/dispatch/namespaces/{name}")
    return None if found is None else f"{account}/{name}"


def _worker(clouds: Clouds, inputs: Inputs) -> str | None:
    account, name = inputs["accountId"], inputs["name"]
    found = clouds.cloudflare(f"accounts/{account}/workers/workers/{name}")
    return None if found is None else f"{account}/{found['id']}"


def _kv_namespace(clouds: Clouds, inputs: Inputs) -> str | None:
    account = inputs["accountId"]
    found = clouds.cloudflare(f"accounts/{account}/storage/kv/namespaces", per_page="1000") or []
    return next((f"{account}/{one['id']}" for one in found if one["title"] == inputs["title"]), None)


def _database(clouds: Clouds, inputs: Inputs) -> str | None:
    account, name = inputs["accountId"], inputs["name"]
    found = clouds.cloudflare(f"accounts/{account}/d1/database", name=name) or []
    return next((f"{account}/{one['uuid']}" for one in found if one["name"] == name), None)


def _bucket(clouds: Clouds, inputs: Inputs) -> str | None:
    account, name = inputs["accountId"], inputs["name"]
    found = clouds.cloudflare(f"accounts/{account}/r2/buckets/{name}")
    return None if found is None else f"{account}/{name}/default"


def _dns_record(clouds: Clouds, inputs: Inputs) -> str | None:
    zone = inputs["zoneId"]
    found = clouds.cloudflare(f"zones/{zone}/dns_records", name=inputs["name"], type=inputs["type"])
    return f"{zone}/{found[0]['id']}" if found else None


def _route(clouds: Clouds, inputs: Inputs) -> str | None:
    zone = inputs["zoneId"]
    routes = clouds.cloudflare(f"zones/{zone}/workers/routes") or []
    return next((f"{zone}/{route['id']}" for route in routes if route["pattern"] == inputs["pattern"]), None)


def _repository(clouds: Clouds, inputs: Inputs) -> str | None:
    """An app's repository is ours to take if GitHub says that it came from the declared template.

    The template itself is, if its description is this platform's.
    """
    found = clouds.github(f"repos/{clouds.owner}/{inputs['name']}")
    if found is None:
        return None
    if template := inputs.get("template"):
        came_from = (found.get("template_repository") or {}).get("full_name")
        if came_from != f"{template['owner']}/{template['repository']}":
            raise CommandError(
                f"repository {clouds.owner}/{inputs['name']} exists already and was not made from the template: "
                "it belongs to somebody else; rename it there or choose another app id"
            )
    elif found["description"] != inputs["description"]:
        raise CommandError(
            f"template {clouds.owner}/{inputs['name']} exists already, and another platform's stack owns it: set "
            "overskill:template: use, or name another one in overskill:templateRepository"
        )
    return inputs["name"]


def _webhook(clouds: Clouds, inputs: Inputs) -> str | None:
    """By the platform's own URL: the provider declares that of a hook secret, and no preview shows it."""
    repository = inputs["repository"]
    hooks = clouds.github(f"repos/{clouds.owner}/{repository}/hooks") or []
    ours = (hook for hook in hooks if hook["config"]["url"] == clouds.webhook_url)
    return next((f"{repository}/{hook['id']}" for hook in ours), None)


def _ruleset(clouds: Clouds, inputs: Inputs) -> str | None:
    """The repository's own: one of the organisation may have the same name."""
    repository = inputs["repository"]
    rulesets = clouds.github(f"repos/{clouds.owner}/{repository}/rulesets", includes_parents="false") or []
    return next((f"{repository}:{one['id']}" for one in rulesets if one["name"] == inputs["name"]), None)


def _variable(clouds: Clouds, inputs: Inputs) -> str | None:
    repository, name = inputs["repository"], inputs["variableName"]
    found = clouds.github(f"repos/{clouds.owner}/{repository}/actions/variables/{name}")
    return None if found is None else f"{repository}:{name}"


FINDERS: dict[str, Finder] = {
    "cloudflare:index/workersForPlatformsDispatchNamespace:WorkersForPlatformsDispatchNamespace": _namespace,
    "cloudflare:index/worker:Worker": _worker,
    "cloudflare:index/workersKvNamespace:WorkersKvNamespace": _kv_namespace,
    "cloudflare:index/d1Database:D1Database": _database,
    "cloudflare:index/r2Bucket:R2Bucket": _bucket,
    "cloudflare:index/dnsRecord:DnsRecord": _dns_record,
    "cloudflare:index/workersRoute:WorkersRoute": _route,
    "github:index/repository:Repository": _repository,
    "github:index/repositoryWebhook:RepositoryWebhook": _webhook,
    "github:index/repositoryRuleset:RepositoryRuleset": _ruleset,
    "github:index/actionsVariable:ActionsVariable": _variable,
}
"""The types whose service refuses a second one of the same name. A finder gives the import id of what exists.

A customer's hostname is not among them: one that exists may be another app's.
"""


def bring_up(engine: Engine, stack: str, clouds: Clouds, *, unfinished: bool) -> tuple[Outcome, list[str]]:
    """`pulumi up`; after a run that did not end well (`unfinished`), take up what it left. Also what was adopted.

    Raises `CommandError` where the stack is being changed, or what exists is somebody else's.
    """
    require_whole_state(engine, stack)
    outcome = unlocked(engine, stack, lambda: engine.up(stack, refresh=unfinished))
    if outcome.ok or outcome.violations:
        return outcome, []
    try:
        adopted = adopt(engine, stack, clouds)
    except EngineError:
        # The program cannot even be previewed: the run itself has told why.
        return outcome, []
    return (engine.up(stack, refresh=True), adopted) if adopted else (outcome, [])


def take_down(engine: Engine, stack: str, *, unfinished: bool) -> Outcome:
    """`pulumi destroy`; after a run that did not end well (`unfinished`), with a look at what exists.

    Raises `CommandError` where the stack is being changed.
    """
    require_whole_state(engine, stack)
    return unlocked(engine, stack, lambda: engine.destroy(stack, refresh=unfinished))


def require_whole_state(engine: Engine, stack: str) -> None:
    """Raises `CommandError` where the state of `stack` is damaged; the engine itself names no remedy."""
    if (folder := engine.backend.folder) is None:
        return
    for file in folder.glob(f".pulumi/stacks/*/{stack}.json"):
        try:
            json.loads(file.read_bytes())
        except ValueError as error:
            before = file.with_name(f"{file.name}.bak")
            remedy = f"cp {before} {file}, which is from before the last run" if before.exists() else f"rm {file}"
            raise CommandError(
                f"{file} is damaged ({error}): {remedy}; then the same again, which takes up what exists"
            ) from None


def adopt(engine: Engine, stack: str, clouds: Clouds, finders: Mapping[str, Finder] = FINDERS) -> list[str]:
    """Import what exists and is not in the state of `stack`; return the names of what was adopted."""
    release_dead_locks(engine, stack)
    import_file = engine.logs / f"adopt-{stack}.json"
    creates = {state["urn"].rpartition("::")[2]: state for state in engine.preview_creates(stack, import_file)}
    wanted = json.loads(import_file.read_text())
    found = {}
    for entry in wanted.get("resources", ()):
        name = entry.get("logicalName", entry["name"])
        if (finder := finders.get(entry["type"])) and (id_ := finder(clouds, creates[name]["inputs"])):
            found[name] = {**entry, "id": id_}
    if found:
        # What is imported names its parents, and those that the state has not are declared with it.
        parents = [entry for entry in wanted["resources"] if entry.get("component")]
        import_file.write_text(json.dumps({**wanted, "resources": [*parents, *found.values()]}))
        engine.import_resources(stack, import_file)
    import_file.unlink()
    return list(found)
