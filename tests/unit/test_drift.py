"""Drift without services: the engine's words, reports, plans of a repair, limits, what stands beside a platform."""

import io
import json
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from app_stacks.repository_settings import SETTINGS
from infra.config import StackConfig, parse
from overskill.drift.apis import PAUSES, Access, Apis
from overskill.drift.estimate import PER_UNIT, Fleet, lines, rotation_hours
from overskill.drift.findings import DRIFTS, Finding, changes, merged
from overskill.drift.look import RULESET, details
from overskill.drift.platform_stack import beside
from overskill.drift.repair import plan
from overskill.drift.report import as_json, as_sarif, exit_code, show
from overskill.drift.sweep import Report
from overskill.errors import CommandError
from overskill.fleet.limits import Calls, Limit
from overskill.project import Project

SERVICES = {
    "cloudflare": Access(url="http://127.0.0.1/client/v4", token="planted"),
    "github": Access(url="http://127.0.0.1/api/v3/", token="planted"),
}


def finding(drift: str, name: str = "shop", *, resource: str = "Repository", **more: object) -> Finding:
    return Finding(**{"stack": "local.shop", "resource": resource, "name": name, "drift": drift, **more})


def step(op: str, type_: str, inputs: dict[str, object], **more: object) -> dict[str, object]:
    return {"op": op, "type": type_, "old": {"id": "i1", "inputs": inputs, "outputs": {"a": 1}}, **more}


@pytest.mark.parametrize(
    ("type_", "inputs", "name"),
    [
        ("github:index/repository:Repository", {"name": "shop"}, "org/shop"),
        ("github:index/actionsSecret:ActionsSecret", {"repository": "shop", "secretName": "X"}, "org/shop X"),
        ("github:index/repositoryWebhook:RepositoryWebhook", {"repository": "shop"}, "org/shop i1"),
        ("pulumi-python:dynamic/overskill:NamespaceScript", {"namespace": "ns", "script": "shop"}, "ns/shop"),
        ("cloudflare:index/workersRoute:WorkersRoute", {"pattern": "*.x.com/*"}, "*.x.com/*"),
        ("cloudflare:index/workerVersion:WorkerVersion", {}, "i1"),
    ],
)
def test_what_the_engine_finds_is_named_as_people_know_it(type_, inputs, name):
    (change,) = changes([step("delete", type_, inputs)])
    found = change.finding("local.shop", "org")
    assert (found.drift, found.name, found.resource) == ("missing", name, type_.rpartition(":")[2])


def test_what_differs_is_told_by_property():
    by_path = step("update", "a:b:C", {}, detailedDiff={"events[0]": {}, "events[1]": {}, "active": {}})
    by_value = step("update", "a:b:C", {}, new={"outputs": {"a": 2}})
    assert [change.properties for change in changes([by_path, by_value])] == [("active", "events"), ("a",)]


def test_a_thing_is_told_once():
    twice = [finding("changed", detail="a; b"), finding("changed", detail="b; c"), finding("missing", "other")]
    assert merged(twice) == {finding("changed", detail="a; b; c"), finding("missing", "other")}
    assert merged([*twice, finding("foreign")]) == {finding("foreign"), finding("missing", "other")}


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (Report(), 0),
        (Report(findings=[finding("missing")]), 7),
        (Report(findings=[finding("missing")], problems=["x"]), 1),
    ],
)
def test_exit_codes(report, code):
    assert exit_code(report) == code


def test_the_table_shows_all_and_takes_no_markup():
    report = Report(findings=[finding("orphan", "[red]x", detail="[/]")], problems=["[b]y"], apps=3, skipped=["a"])
    output = io.StringIO()
    show(report, Console(file=output, width=200), Calls(cloudflare=4, github=5), 1.0)
    told = output.getvalue()
    assert all(
        part in told for part in ("[red]x", "[/]", "[b]y", "1 orphan", "3 apps", "4 calls to Cloudflare", "1 under way")
    )


def test_json_and_sarif():
    report = Report(findings=[finding("missing"), finding("foreign", "other", stack="local")])
    assert json.loads(as_json(report, Calls(cloudflare=1), 0.5))["findings"][0]["drift"] == "missing"
    written = json.loads(as_sarif(report.findings, {"local.shop": Path("app_stacks/x.yaml")}, "1"))
    (run,) = written["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [*DRIFTS]
    first, second = run["results"]
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "app_stacks/x.yaml"
    assert "physicalLocation" not in second["locations"][0]
    assert first["partialFingerprints"] != second["partialFingerprints"]


def test_a_repair_mends_by_stack_and_deletes_by_name_what_is_ours():
    ours, nobodys = finding("orphan", "ours", ours=True), finding("orphan", "nobodys")
    found = [finding("missing"), finding("changed", "x"), finding("foreign", "theirs"), ours, nobodys]
    whole = plan(found, DRIFTS[:3], ["ours", "nobodys"])
    assert (whole.stacks, whole.deleted) == (["local.shop"], [ours])
    assert [one.name for one in whole.left] == ["theirs", "nobodys"]
    assert list(whole.lines())[:2] == ["up --refresh  local.shop", "archive       Repository ours"]
    assert not plan(found, ["orphan"], []), "an orphan that nobody has named stays"
    with pytest.raises(CommandError, match="no orphan is called shop"):
        plan(found, ["orphan"], ["shop"])


class Server:
    """Answers in turn, and notes what it was asked for and when; `now` is the clock of both sides."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers, self.now, self.asked = [*answers], 0.0, []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((self.now, request.url.params))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def apis(self, *limits: Limit) -> Apis:
        transport = httpx.MockTransport(self.answer)
        return Apis(SERVICES, limits, transport=transport, clock=lambda: self.now, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


OK = httpx.Response(200, json={"result": []})


@pytest.mark.parametrize(
    ("answers", "at"),
    [
        ([httpx.ConnectError("no"), OK], PAUSES[0]),
        ([httpx.Response(502), OK], PAUSES[0]),
        ([httpx.Response(429, headers={"Retry-After": "300"}), OK], 300),
        ([httpx.Response(403, headers={"Retry-After": "60"}), OK], 60),
    ],
)
def test_what_passes_is_asked_again_when_the_service_says(answers, at):
    server = Server(*answers)
    apis = server.apis()
    assert apis.cloudflare("x") == {"result": []}
    assert server.asked[-1][0] == at
    assert apis.made == Calls(cloudflare=2)


@pytest.mark.parametrize(
    ("answer", "calls"), [(httpx.Response(403, text="no"), 1), (httpx.Response(500, text="no"), 1 + len(PAUSES))]
)
def test_what_does_not_pass_says_which_call_and_why(answer, calls):
    server = Server(answer)
    with pytest.raises(CommandError, match=r"GET x: HTTP \d+: no"):
        server.apis().github("x")
    assert len(server.asked) == calls


def test_a_repository_that_was_renamed_is_found_by_its_old_name():
    moved = httpx.Response(301, headers={"Location": "/api/v3/repositories/7"})
    assert Server(moved, httpx.Response(200, json={"id": 7})).apis().github("repos/org/old") == {"id": 7}


def test_calls_keep_to_the_limits():
    server = Server(OK)
    apis = server.apis(Limit("ten a minute", "cloudflare", 10, 60))
    for _ in range(25):
        apis.cloudflare("x")
    times = [at for at, _ in server.asked]
    assert max(sum(begin <= at < begin + 60 for at in times) for begin in times) == 9  # 97% of ten
    assert times[-1] == 120


def test_pages_are_read_to_the_last():
    pages = [httpx.Response(200, json=[{"n": n} for n in range(100)]), httpx.Response(200, json=[{"n": 100}])]
    server = Server(*pages)
    assert [one["n"] for one in server.apis().github_pages("x")] == [*range(101)]
    assert [params["page"] for _, params in server.asked] == ["1", "2"]


LISTS = ("variables", "secrets", "environments")


def repository_of(**settings: object) -> Apis:
    """One that has these settings, nothing in it, and a ruleset of its organisation."""

    def answer(request: httpx.Request) -> httpx.Response:
        last = request.url.path.rpartition("/")[2]
        parents = last == "rulesets" and request.url.params.get("includes_parents") != "false"
        rulesets = [{"name": "of the organisation"}] if parents else []
        body = settings if last == "shop" else {last: []} if last in LISTS else rulesets
        return httpx.Response(200, json=body)

    return Apis(SERVICES, (), transport=httpx.MockTransport(answer))


def test_rules_of_the_organisation_are_no_apps():
    assert details(repository_of(**SETTINGS, archived=False), "org/shop")[RULESET] == {}


def test_a_setting_that_github_keeps_from_the_token_is_told():
    told = {name: value for name, value in SETTINGS.items() if name != "delete_branch_on_merge"}
    with pytest.raises(CommandError, match=r"does not tell delete_branch_on_merge: .* Contents: write"):
        details(repository_of(**told, archived=False), "org/shop")
    assert details(repository_of(**told, archived=True), "org/shop"), "nobody is told it of an archived one"


def test_the_estimate_is_within_the_limits_for_fifty_thousand():
    fleet = Fleet(apps=50_000, environments=3, deep=0)
    assert (fleet.lists, fleet.calls) == (Calls(cloudflare=150, github=500), Calls(cloudflare=150, github=500))
    assert fleet.bound == PER_UNIT * 650
    assert fleet.calls.cloudflare < 1200
    assert fleet.calls.github < 5000
    assert 24 < rotation_hours(fleet) < 100
    assert any("150 pages of scripts, 500 pages of repositories" in line for line in lines(fleet))


def config() -> StackConfig:
    return parse(Project().stack_values("local"))


def listed(**answers: list[dict[str, object]]) -> Apis:
    """Lists by the end of their paths."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"result": answers[request.url.path.rpartition("/")[2]]})

    return Apis(SERVICES, (), transport=httpx.MockTransport(answer))


def test_what_stands_beside_the_platforms_stack():
    """Not what is the owner's or another platform's: hosts that are reserved, exempt, or two labels below."""
    ours, own = "overskill-development-dispatch", {"zoneId": "z"}
    state = [{"type": "cloudflare:index/workersRoute:WorkersRoute", "id": "r0", "inputs": own}]
    routes = [
        {"id": "r0", "pattern": "*.overskill.localhost/*", "script": ours},
        {"id": "r1", "pattern": "shop.overskill.localhost/*"},
        {"id": "r2", "pattern": "store.overskill.localhost/*", "script": "theirs"},
        {"id": "r3", "pattern": "www.overskill.localhost/*", "script": "website"},
        {"id": "r4", "pattern": "*.dev.overskill.localhost/*", "script": "overskill-dev"},
    ]
    hosts = ("shop.overskill.localhost", "overskill.localhost", "mail.overskill.localhost", "x.dev.overskill.localhost")
    records = [{"id": host, "name": host, "type": "A", "content": "192.0.2.1"} for host in hosts]
    names = ("overskill-development-preview", "overskill-development-old", "overskill-production-preview")
    apis = listed(
        routes=routes, dns_records=records, namespaces=[{"namespace_name": name, "script_count": 2} for name in names]
    )
    found = {(one.drift, one.resource, one.name) for one in beside("local", config(), state, apis)}
    assert found == {
        ("orphan", "WorkersRoute", "shop.overskill.localhost/*"),
        ("foreign", "WorkersRoute", "store.overskill.localhost/*"),
        ("orphan", "DnsRecord", "shop.overskill.localhost"),
        ("orphan", "WorkersForPlatformsDispatchNamespace", "overskill-development-old"),
    }
