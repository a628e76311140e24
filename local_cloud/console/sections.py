"""What the page shows of the store, a table for each kind of thing. No cell is ever a secret."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from local_cloud.store import Document, Reader


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A word that is coloured: `tone` is `good`, `bad` or `quiet`."""

    text: str
    tone: str

    def __str__(self) -> str:
        return self.text


Row = tuple[str | int | float | Mark, ...]


@dataclass(frozen=True, kw_only=True)
class Section:
    """`name` is its place in the page's address; `rows` are made of the store as long as they are asked for."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: Callable[[Reader], Iterable[Row]]


def _namespaces(store: Reader) -> Iterator[Row]:
    for namespace in store.values("namespaces", ""):
        scripts = store.count("namespace_scripts", namespace["namespace_id"])
        trust = "trusted" if namespace["trusted_workers"] else "untrusted"
        yield namespace["namespace_name"], scripts, trust, _time(namespace["created_on"])


def _scripts(store: Reader) -> Iterator[Row]:
    names = {namespace["namespace_id"]: name for name, namespace in store.items("namespaces", "")}
    for scope, name, script in store.across("namespace_scripts"):
        bindings = ", ".join(binding["name"] for binding in script["code"]["bindings"])
        yield name, names.get(scope, ""), " ".join(script["tags"]), bindings, _time(script["modified_on"])


def _workers(store: Reader) -> Iterator[Row]:
    for worker in store.values("workers", ""):
        shares = worker["deployed"]["shares"] if worker["deployed"] else {}
        split = ", ".join(f"{version[:8]} {percentage:g}%" for version, percentage in shares.items())
        subdomain = Mark(text="on", tone="good") if worker["subdomain"]["enabled"] else Mark(text="off", tone="quiet")
        versions = store.count("versions", worker["id"])
        yield worker["name"], split or "not deployed", versions, subdomain, _time(worker["updated_on"])


def _zones(store: Reader) -> Iterator[Row]:
    for zone in store.values("zones", ""):
        yield zone["name"], zone["id"], store.count("dns_records", zone["id"]), store.count("routes", zone["id"])


def _records(store: Reader) -> Iterator[Row]:
    for _, _, record in store.across("dns_records"):
        proxied = Mark(text="proxied", tone="good") if record["proxied"] else Mark(text="DNS only", tone="quiet")
        yield record["name"], record["type"], record["content"], proxied


def _routes(store: Reader) -> Iterator[Row]:
    zones = {key: zone["name"] for key, zone in store.items("zones", "")}
    for scope, _, route in store.across("routes"):
        yield route["pattern"], route.get("script") or Mark(text="none", tone="quiet"), zones.get(scope, "")


def _domains(store: Reader) -> Iterator[Row]:
    for domain in store.values("domains", ""):
        yield domain["hostname"], domain["service"], domain["zone_name"]


def _kv_namespaces(store: Reader) -> Iterator[Row]:
    for namespace in store.values("kv_namespaces", ""):
        yield namespace["title"], namespace["id"], store.count("kv_values", namespace["id"])


def _databases(store: Reader) -> Iterator[Row]:
    for database in store.values("d1_databases", ""):
        yield database["name"], database["uuid"], _time(database["created_at"])


def _buckets(store: Reader) -> Iterator[Row]:
    for name, bucket in store.items("r2_buckets", ""):
        yield name, store.count("r2_objects", name), _time(bucket["creation_date"])


def _hostnames(store: Reader) -> Iterator[Row]:
    zones = {key: zone["name"] for key, zone in store.items("zones", "")}
    for scope, _, hostname in store.across("custom_hostnames"):
        fallback = store.get("fallback_origins", scope, "")
        origin = fallback["origin"] if fallback else Mark(text="none", tone="bad")
        yield hostname["hostname"], zones.get(scope, ""), origin, _time(hostname["created_at"])


def _repositories(store: Reader) -> Iterator[Row]:
    for _, _, repository in store.across("repositories"):
        visibility = "private" if repository["private"] else "public"
        state = [visibility, *(["archived"] if repository["archived"] else [])]
        state += ["template"] if repository["is_template"] else []
        name, hooks = f"{repository['owner']}/{repository['name']}", store.count("webhooks", str(repository["id"]))
        yield name, ", ".join(state), repository["default_branch"], hooks, _time(repository["pushed_at"])


def _pull_requests(store: Reader) -> Iterator[Row]:
    names = _repository_names(store)
    pulls = [(names.get(scope, ""), pull) for scope, _, pull in store.across("pull_requests")]
    for repository, pull in sorted(pulls, key=lambda found: found[1]["id"], reverse=True):
        title, branches = f"#{pull['number']} {pull['title']}", f"{pull['head']} → {pull['base']}"
        yield title, repository, branches, _stage(pull), _time(pull["updated_at"])


def _stage(pull: Document) -> Mark:
    if pull["merged_at"]:
        return Mark(text="merged", tone="good")
    if pull["state"] == "closed":
        return Mark(text="closed", tone="quiet")
    text = "draft" if pull["draft"] else "open"
    return Mark(text=text, tone="good") if pull["mergeable"] else Mark(text=f"{text}, in conflict", tone="bad")


def _runs(store: Reader) -> Iterator[Row]:
    names = _repository_names(store)
    runs = [(names.get(scope, ""), run) for scope, _, run in store.across("workflow_runs")]
    for repository, run in sorted(runs, key=lambda found: found[1]["id"], reverse=True):
        attempt = f" again, {run['run_attempt']}" if run["run_attempt"] > 1 else ""
        ref, title = run["ref"].removeprefix("refs/heads/"), f"{run['name']} #{run['run_number']}{attempt}"
        begun = run["run_started_at"]
        yield title, repository, ref, run["event"], _result(run), _seconds(begun, run), _time(begun)


def _result(run: Document) -> Mark:
    if run["status"] != "completed":
        return Mark(text=run["status"].replace("_", " "), tone="quiet")
    conclusion = run["conclusion"]
    tones = {"success": "good", "cancelled": "quiet", "skipped": "quiet"}
    return Mark(text=conclusion.replace("_", " "), tone=tones.get(conclusion, "bad"))


def _seconds(begun: str, run: Document) -> str:
    """How long a run took, as GitHub's times tell: to the second."""
    if run["status"] != "completed":
        return ""
    took = datetime.fromisoformat(run["updated_at"]) - datetime.fromisoformat(begun)
    return f"{took.total_seconds():,.0f} s"


def _repository_names(store: Reader) -> dict[str, str]:
    """`owner/name` by the scope of what belongs to a repository."""
    return {str(each["id"]): f"{each['owner']}/{each['name']}" for _, _, each in store.across("repositories")}


def _deliveries(store: Reader) -> Iterator[Row]:
    names = _repository_names(store)
    ended = [delivery for _, _, delivery in store.across("deliveries")]
    for delivery in sorted([*store.values("outbox", ""), *ended], key=lambda delivery: delivery["id"], reverse=True):
        event = ".".join(filter(None, (delivery["event"], delivery["action"])))
        again = " again" if delivery["redelivery"] else ""
        url = urlsplit(delivery["url"])
        target = f"{url.hostname}:{url.port or url.scheme}{url.path}"  # no password, no query: they may be secrets
        repository = names.get(str(delivery["repository_id"]), "")
        yield event + again, repository, target, _outcome(delivery), _time(delivery.get("delivered_at", ""))


def _outcome(delivery: Document) -> Mark:
    if "status_code" not in delivery:
        return Mark(text="under way", tone="quiet")
    code = delivery["status_code"]
    return Mark(text=f"{code} {delivery['status']}", tone="good" if 200 <= code < 300 else "bad")


def _unknown_routes(store: Reader) -> Iterator[Row]:
    for route in store.values("unknown_routes", ""):
        yield route["path"], route["method"], route["count"]


def _time(text: str) -> str:
    """A time of either service, to the second; UTC."""
    return text[:19].replace("T", " ")


def _section(title: str, columns: str, rows: Callable[[Reader], Iterable[Row]]) -> Section:
    name = title.lower().replace(" ", "-")
    return Section(name=name, title=title, columns=tuple(columns.split(" | ")), rows=rows)


SECTIONS = {
    section.name: section
    for section in (
        _section("Namespaces", "Namespace | Scripts | Workers | Made", _namespaces),
        _section("Scripts", "Script | Namespace | Tags | Bindings | Changed", _scripts),
        _section("Workers", "Worker | Runs | Versions | workers.dev | Changed", _workers),
        _section("Zones", "Zone | Id | Records | Routes", _zones),
        _section("Records", "Name | Type | Content | Proxy", _records),
        _section("Routes", "Pattern | Worker | Zone", _routes),
        _section("Custom domains", "Host name | Worker | Zone", _domains),
        _section("Custom hostnames", "Host name | Zone | Fallback origin | Made", _hostnames),
        _section("KV namespaces", "Title | Id | Keys", _kv_namespaces),
        _section("D1 databases", "Database | Id | Made", _databases),
        _section("R2 buckets", "Bucket | Objects | Made", _buckets),
        _section("Repositories", "Repository | State | Branch | Hooks | Last push", _repositories),
        _section("Pull requests", "Pull request | Repository | Branches | State | Changed", _pull_requests),
        _section("Workflow runs", "Run | Repository | Ref | Event | Result | Took | Begun", _runs),
        _section("Webhook deliveries", "Event | Repository | To | Answer | Ended", _deliveries),
        _section("Unknown routes", "Path | Method | Times", _unknown_routes),
    )
}
"""By name, in the order of the page. One more is a function that yields its rows, and a line here."""
