"""GitHub: what is said of commits. Statuses, and check runs of the App with their suites."""

import pytest
from webhook_receiver import ended

SUITE_KEYS = {"id", "head_branch", "head_sha", "status", "conclusion", "before", "after", "app", "repository"}


@pytest.fixture
def head(gh, repository):
    return gh.get(f"{repository}/commits/main")["sha"]


@pytest.fixture
def check(installed, repository, head):
    """Makes a check run, as the App."""
    service = installed()

    def made(name, **body):
        return service.post(f"{repository}/check-runs", status=201, json={"name": name, "head_sha": head, **body})

    return made


def say(gh, repository, sha, state, context="default", **more):
    body = {"state": state, "context": context, **more}
    return gh.post(f"{repository}/statuses/{sha}", status=201, json=body)


def test_statuses_of_a_commit(gh, repository, head):
    first = say(gh, repository, head, "pending", "build", target_url="http://localhost/1", description="starts")
    assert first.items() >= {"state": "pending", "context": "build", "description": "starts"}.items()
    assert first["creator"]["type"] == "User"
    second = say(gh, repository, head, "success", "build")
    assert (second["target_url"], second["description"]) == (None, None)
    for path in (f"commits/{head}/statuses", "commits/main/statuses", f"statuses/{head}"):
        assert gh.get(f"{repository}/{path}") == [second, first]
    page = gh.send("GET", f"{repository}/commits/main/statuses", params={"per_page": "1"})
    assert (page.json(), page.links.keys()) == ([second], {"next", "last"})


def test_the_combined_status(gh, repository, head):
    def combined():
        return gh.get(f"{repository}/commits/main/status")

    none = combined()
    assert (none["state"], none["statuses"], none["total_count"], none["sha"]) == ("pending", [], 0, head)
    for state, context, together in (
        ("success", "build", "success"),
        ("pending", "test", "pending"),
        ("error", "lint", "failure"),
        ("failure", "lint", "failure"),
        ("success", "lint", "pending"),
        ("success", "test", "success"),
    ):
        say(gh, repository, head, state, context)
        assert combined()["state"] == together
    whole = combined()
    assert {one["context"]: one["state"] for one in whole["statuses"]} == dict.fromkeys(
        ("build", "test", "lint"), "success"
    )
    assert whole["total_count"] == 3
    assert whole["repository"]["id"] == gh.get(repository)["id"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, '"state" wasn\'t supplied.'),
        ({"state": "skipped"}, "For 'properties/state'"),
        ({"state": "success", "target_url": "ftp://x"}, "must use http(s) scheme"),
        ({"state": "success", "description": "a" * 141}, "140"),
        ({"state": "success", "colour": "red"}, '"colour" is not a permitted key.'),
    ],
)
def test_a_wrong_status_is_refused(gh, repository, head, body, message):
    assert message in gh.call("POST", f"{repository}/statuses/{head}", status=422, json=body)["message"]
    assert gh.get(f"{repository}/commits/main/statuses") == []


@pytest.mark.parametrize("sha", ["0" * 40, "main", "abc"])
def test_a_status_is_of_a_commit(gh, repository, installed, sha):
    refused = gh.call("POST", f"{repository}/statuses/{sha}", status=422, json={"state": "success"})
    assert refused["message"] == f"No commit found for SHA: {sha}"
    body = {"name": "build", "head_sha": sha}
    refused = installed().call("POST", f"{repository}/check-runs", status=422, json=body)
    assert refused["message"] == f"No commit found for SHA: {sha}"
    gh.call("GET", f"{repository}/commits/none/status", status=422)


def test_a_context_has_a_thousand_statuses_at_most(gh, local, repository, head, monkeypatch):
    monkeypatch.setattr("local_cloud.github.commit_statuses.MAX_STATUSES", 1)
    say(gh, repository, head, "pending")
    refused = gh.call("POST", f"{repository}/statuses/{head}", status=422, json={"state": "success"})
    assert refused["errors"][0]["message"] == "This SHA and context has reached the maximum number of statuses."
    say(gh, repository, head, "pending", "other")


def test_a_status_is_told(installed, repository, head, receiver, hook):
    path = hook("status")
    service = installed()
    made = say(service, repository, head, "success", "build")
    ended(service, path, 2)
    ((event, told),) = receiver.events()
    assert event == "status"
    assert told.items() >= {"id": made["id"], "sha": head, "state": "success", "context": "build"}.items()
    assert told["name"] == told["repository"]["full_name"]
    assert told["commit"]["sha"] == head
    assert [branch["name"] for branch in told["branches"]] == ["main"]
    assert told["sender"]["login"] == made["creator"]["login"] == "local-overskill[bot]"


def test_a_check_run_from_beginning_to_end(gh, installed, repository, head, check):
    run = check("build", external_id="7", details_url="http://localhost/7")
    path = f"{repository}/check-runs/{run['id']}"
    assert run.items() >= {"status": "queued", "conclusion": None, "external_id": "7", "head_sha": head}.items()
    assert run["app"]["slug"] == "local-overskill"
    assert run["output"]["annotations_count"] == 0
    assert gh.get(path) == run
    service = installed()
    assert service.patch(path, json={"status": "in_progress"})["status"] == "in_progress"
    annotation = {"path": "a.js", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "no"}
    output = {"title": "Build", "summary": "failed", "annotations": [annotation]}
    done = service.patch(path, json={"conclusion": "failure", "output": output})
    assert (done["status"], done["conclusion"], done["name"]) == ("completed", "failure", "build")
    assert done["completed_at"] >= done["started_at"]
    assert done["output"].items() >= {"title": "Build", "summary": "failed", "annotations_count": 1}.items()
    more = service.patch(path, json={"output": output, "completed_at": "2026-01-01T01:00:00+01:00"})
    assert (more["output"]["annotations_count"], more["completed_at"]) == (2, "2026-01-01T00:00:00Z")
    shown = gh.get(f"{path}/annotations")
    assert shown[0].items() >= annotation.items()
    assert shown[0]["blob_href"].endswith(f"/blob/{head}/a.js")
    again = service.patch(path, json={"status": "queued"})
    assert (again["conclusion"], again["completed_at"]) == (None, None)
    gh.call("GET", f"{repository}/check-runs/0", status=404)


def test_check_runs_of_a_commit(gh, local, repository, head, check):
    first, other, second = check("build"), check("lint", conclusion="success"), check("build")

    def ids(path=f"{repository}/commits/main/check-runs", **query):
        listed = gh.get(path, params=query)
        assert listed["total_count"] == len(listed["check_runs"])
        return [run["id"] for run in listed["check_runs"]]

    assert sorted(ids()) == [other["id"], second["id"]]
    assert ids(filter="all") == [second["id"], other["id"], first["id"]]
    assert ids(check_name="build") == [second["id"]]
    assert ids(status="completed") == [other["id"]]
    assert ids(app_id="1") == []
    assert len(ids(app_id=local.cloud.credentials.github_app_id)) == 2
    assert ids(f"{repository}/check-suites/{first['check_suite']['id']}/check-runs", check_name="lint") == [other["id"]]
    gh.call("GET", f"{repository}/commits/main/check-runs", status=422, params={"filter": "some"})


def test_a_suite_holds_the_runs_of_a_commit(gh, installed, repository, head, check):
    path = f"{repository}/commits/main/check-suites"
    assert gh.get(path) == {"total_count": 0, "check_suites": []}
    first, second = check("build"), check("lint")
    assert first["check_suite"] == second["check_suite"]
    (suite,) = gh.get(path)["check_suites"]
    assert suite.keys() >= SUITE_KEYS
    assert (suite["id"], suite["head_branch"], suite["status"]) == (first["check_suite"]["id"], "main", "queued")
    assert gh.get(f"{repository}/check-suites/{suite['id']}") == suite
    service = installed()
    for run, conclusion, status, together in (
        (first, "success", "in_progress", None),
        (second, "skipped", "completed", "success"),
        (second, "failure", "completed", "failure"),
    ):
        service.patch(f"{repository}/check-runs/{run['id']}", json={"conclusion": conclusion})
        suite = gh.get(f"{repository}/check-suites/{suite['id']}")
        assert (suite["status"], suite["conclusion"]) == (status, together)
    assert suite["latest_check_runs_count"] == 2
    assert gh.get(path, params={"check_name": "none"})["check_suites"] == []
    gh.call("GET", f"{repository}/check-suites/0", status=404)


def test_only_an_app_checks(gh, repository, head, check):
    path = f"{repository}/check-runs/{check('build')['id']}"
    for method, where in (("POST", f"{repository}/check-runs"), ("PATCH", path)):
        refused = gh.call(method, where, status=403, json={"name": "mine", "head_sha": head})
        assert refused["message"] == "You must authenticate via a GitHub App."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"status": "completed"}, "For 'properties/conclusion', is required if status is completed."),
        ({"conclusion": "stale"}, "For 'properties/conclusion"),
        ({"output": {"title": "no summary"}}, '"summary" wasn\'t supplied.'),
        ({"output": {"summary": "x" * 65_536}}, "For 'properties/output/summary'"),
        ({"started_at": "soon"}, "For 'properties/started_at'"),
        ({"started_at": "2026-01-01T00:00:00"}, "with a time zone"),
        ({"actions": [{"label": "a" * 21, "description": "", "identifier": ""}]}, "For 'properties/actions/0/label'"),
    ],
)
def test_a_wrong_check_run_is_refused(installed, repository, head, body, message):
    service, body = installed(), {"name": "build", "head_sha": head, **body}
    assert message in service.call("POST", f"{repository}/check-runs", status=422, json=body)["message"]
    assert service.get(f"{repository}/commits/main/check-suites")["check_suites"] == []


def test_check_runs_are_told(installed, repository, receiver, hook, check):
    path = hook("check_run")
    run, done = check("build"), check("lint", conclusion="success")
    service = installed()
    service.patch(f"{repository}/check-runs/{run['id']}", json={"status": "in_progress"})
    service.patch(f"{repository}/check-runs/{run['id']}", json={"conclusion": "success"})
    ended(service, path, 5)
    told = {(event["action"], event["check_run"]["id"]): event for _, event in receiver.events()}
    assert told.keys() == {(action, one["id"]) for action in ("created", "completed") for one in (run, done)}
    completed = told["completed", run["id"]]
    assert completed["check_run"]["check_suite"].keys() >= SUITE_KEYS
    assert completed["sender"]["type"] == "Bot"
