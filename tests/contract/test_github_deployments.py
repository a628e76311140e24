"""GitHub: deployments, what becomes of them, and who is told."""

import pytest
from webhook_receiver import ended


@pytest.fixture
def deploy(gh, repository):
    """Makes a deployment of `main`."""

    def made(environment="preview", **body):
        return gh.post(
            f"{repository}/deployments",
            status=201,
            json={"ref": "main", "auto_merge": False, "environment": environment, **body},
        )

    return made


@pytest.fixture
def succeed(gh, repository):
    def said(deployment, state="success", **body):
        path = f"{repository}/deployments/{deployment['id']}/statuses"
        return gh.post(path, status=201, json={"state": state, **body})

    return said


def states(gh, repository, deployment):
    return [one["state"] for one in gh.get(f"{repository}/deployments/{deployment['id']}/statuses")]


def test_a_deployment_from_birth_to_death(gh, repository, deploy):
    head = gh.get(f"{repository}/commits/main")["sha"]
    made = deploy(payload={"run": 7}, description="the first")
    assert made["sha"] == head
    assert made.items() >= {"ref": "main", "task": "deploy", "payload": {"run": 7}, "description": "the first"}.items()
    assert (made["environment"], made["original_environment"]) == ("preview", "preview")
    assert (made["transient_environment"], made["production_environment"]) == (False, False)
    assert (made["creator"]["type"], made["performed_via_github_app"]) == ("User", None)
    path = f"{repository}/deployments/{made['id']}"
    assert gh.get(path) == made
    assert gh.get(f"{repository}/environments/preview")["protection_rules"] == []
    gh.delete(path, status=204)
    for method in ("GET", "DELETE"):
        assert gh.call(method, path, status=404)["message"] == "Not Found"
    gh.call("GET", f"{repository}/deployments/none", status=404)


def test_what_is_not_said(gh, installed, repository):
    made = installed().post(f"{repository}/deployments", status=201, json={"ref": "main"})
    assert made["environment"] == "production"
    assert (made["production_environment"], made["payload"], made["task"]) == (True, {}, "deploy")
    assert made["creator"]["login"] == "local-overskill[bot]"
    assert made["performed_via_github_app"]["slug"] == "local-overskill"


def test_deployments_are_listed_by_what_they_are(gh, repository, deploy):
    first, second = deploy(), deploy("staging", task="migrate", payload="text")

    def ids(**query):
        return [one["id"] for one in gh.get(f"{repository}/deployments", params=query)]

    assert ids() == [second["id"], first["id"]]
    assert ids(environment="preview") == ids(task="deploy") == [first["id"]]
    assert ids(sha=first["sha"], ref="main", task="none") == [second["id"], first["id"]]
    assert ids(ref="side") == []
    assert len(gh.get(f"{repository}/deployments", params={"per_page": "1"})) == 1
    gh.call("GET", f"{repository}/deployments", status=422, params={"state": "success"})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, '"ref" wasn\'t supplied.'),
        ({"ref": "none"}, "No ref found for: none"),
        ({"ref": "main", "environment": ""}, "For 'properties/environment'"),
        ({"ref": "main", "payload": 1}, "For 'properties/payload"),
        ({"ref": "main", "colour": "red"}, '"colour" is not a permitted key.'),
    ],
)
def test_a_wrong_deployment_is_refused(gh, repository, body, message):
    assert message in gh.call("POST", f"{repository}/deployments", status=422, json=body)["message"]
    assert gh.get(f"{repository}/deployments") == []
    assert gh.get(f"{repository}/environments")["total_count"] == 0


def test_what_is_no_text_is_refused(gh, repository):
    body = rb'{"ref": "main", "payload": {"half": "\ud800"}}'
    refused = gh.call("POST", f"{repository}/deployments", status=400, content=body)
    assert refused["message"] == "Problems parsing JSON"
    assert gh.get(f"{repository}/deployments") == []


def test_statuses_of_a_deployment(gh, repository, deploy, succeed):
    made = deploy()
    links = {"log_url": "http://localhost/log", "environment_url": "http://localhost/app"}
    first = succeed(made, "in_progress", description="starts", **links)
    assert first.items() >= {"state": "in_progress", "target_url": links["log_url"], **links}.items()
    assert first["environment"] == "preview"
    second = succeed(made, environment="qa", target_url="http://localhost/old")
    assert (second["environment"], second["log_url"]) == ("qa", "http://localhost/old")
    shown = gh.get(f"{repository}/deployments/{made['id']}")
    assert (shown["environment"], shown["original_environment"]) == ("qa", "preview")
    path = f"{repository}/deployments/{made['id']}/statuses"
    assert gh.get(path) == [second, first]
    assert gh.get(f"{path}/{first['id']}") == first
    gh.call("GET", f"{path}/0", status=404)
    gh.call("POST", f"{repository}/deployments/0/statuses", status=404, json={"state": "success"})
    for wrong in ({"state": "done"}, {"state": "success", "environment_url": "x"}, {}):
        gh.call("POST", path, status=422, json=wrong)
    assert len(gh.get(path)) == 2


def test_a_success_ends_the_deployments_before_it(gh, repository, deploy, succeed):
    first, elsewhere, failed, kept = deploy(), deploy("staging"), deploy(), deploy(transient_environment=True)
    production = [deploy("production") for _ in range(2)]
    for deployment in (first, elsewhere, kept, production[0]):
        succeed(deployment, auto_inactive=False)
    succeed(failed, "failure")
    last = deploy()
    succeed(last, "failure")
    assert states(gh, repository, first) == ["success"]
    succeed(last)
    succeed(production[1])
    assert states(gh, repository, first) == ["inactive", "success"]
    assert states(gh, repository, last) == ["success", "failure"]
    assert states(gh, repository, failed) == ["failure"]
    for untouched in (elsewhere, kept, production[0]):
        assert states(gh, repository, untouched) == ["success"]
    succeed(deploy(), auto_inactive=False)
    assert states(gh, repository, last) == ["success", "failure"]


def test_what_is_active_is_not_deleted_unless_it_is_alone(gh, repository, deploy, succeed):
    first = deploy()
    succeed(first)
    second = deploy()
    refused = gh.call("DELETE", f"{repository}/deployments/{first['id']}", status=422)["message"]
    assert refused == "We cannot delete an active deployment unless it is the only deployment in a given environment."
    gh.delete(f"{repository}/deployments/{second['id']}", status=204)
    gh.delete(f"{repository}/deployments/{first['id']}", status=204)
    assert gh.get(f"{repository}/deployments") == []


def test_what_has_to_succeed_first(gh, installed, repository, deploy):
    head = gh.get(f"{repository}/commits/main")["sha"]
    gh.post(f"{repository}/statuses/{head}", status=201, json={"state": "success", "context": "build"})
    run = {"name": "lint", "head_sha": head}
    run = installed().post(f"{repository}/check-runs", status=201, json=run)

    def refused(**body):
        body = {"ref": "main", "environment": "preview", **body}
        return gh.call("POST", f"{repository}/deployments", status=409, json=body)

    answer = refused()
    assert answer["message"] == "Conflict: Commit status checks failed for main."
    (error,) = answer["errors"]
    assert {one["context"]: one["state"] for one in error.pop("contexts")} == {"build": "success", "lint": "pending"}
    assert error == {"resource": "Deployment", "field": "required_contexts", "code": "invalid"}
    assert refused(required_contexts=["build", "none"])["errors"][0]["contexts"][1]["context"] == "none"
    deploy(required_contexts=["build"])
    deploy(required_contexts=[])
    installed().patch(f"{repository}/check-runs/{run['id']}", json={"conclusion": "success"})
    deploy()


def test_the_default_branch_is_merged_into_one_that_is_behind(gh, repository, clone):
    clone.git("checkout", "-q", "-b", "side")
    clone.commit("aside", side="1")
    clone.git("push", "-q", "origin", "side")
    clone.git("checkout", "-q", "main")
    ahead = clone.commit("ahead", ahead="1")
    clone.git("push", "-q", "origin", "main")
    body = {"ref": "side", "environment": "preview"}
    merged = gh.post(f"{repository}/deployments", status=202, json=body)
    assert merged == {"message": "Auto-merged main into side on deployment."}
    assert gh.get(f"{repository}/deployments") == []
    tip = gh.get(f"{repository}/commits/side")
    assert ahead in [parent["sha"] for parent in tip["parents"]]
    assert gh.post(f"{repository}/deployments", status=201, json=body)["sha"] == tip["sha"]
    clone.git("push", "-q", "origin", "main:tagged")
    clone.commit("conflicts", side="2")
    clone.git("push", "-q", "origin", "main")
    refused = gh.call("POST", f"{repository}/deployments", status=409, json=body)
    assert refused["message"] == "Conflict merging main into side."
    assert gh.get(f"{repository}/commits/side")["sha"] == tip["sha"]
    for ref in ("main", "refs/heads/main", tip["sha"]):
        gh.post(f"{repository}/deployments", status=201, json={"ref": ref})


def test_deployments_are_told(gh, receiver, hook, deploy, succeed):
    path = hook("deployment", "deployment_status")
    first, second = deploy(), deploy()
    status = succeed(first)
    succeed(first, "inactive")
    succeed(second)
    ended(gh, path, 5)
    told = [(event, body["action"], body["deployment"]["id"]) for event, body in receiver.events()]
    assert sorted(told) == [
        ("deployment", "created", first["id"]),
        ("deployment", "created", second["id"]),
        ("deployment_status", "created", first["id"]),
        ("deployment_status", "created", second["id"]),
    ]
    (payload,) = (
        body
        for event, body in receiver.events()
        if (event, body["deployment"]["id"]) == ("deployment_status", first["id"])
    )
    assert payload["deployment_status"] == status
    assert first["repository_url"].endswith(payload["repository"]["full_name"])


def test_what_is_said_of_a_repository_goes_with_it(gh, local, installed, repository, deploy):
    gh.post(f"{repository}/deployments/{deploy()['id']}/statuses", status=201, json={"state": "success"})
    head = gh.get(f"{repository}/commits/main")["sha"]
    gh.post(f"{repository}/statuses/{head}", status=201, json={"state": "success"})
    installed().post(f"{repository}/check-runs", status=201, json={"name": "build", "head_sha": head})
    scope = str(gh.get(repository)["id"])
    collections = ("deployments", "deployment_statuses", "commit_statuses", "check_runs", "check_suites")
    assert all(local.cloud.store.count(collection, scope) for collection in collections)
    gh.delete(repository, status=204)
    assert not any(local.cloud.store.count(collection, scope) for collection in collections)
