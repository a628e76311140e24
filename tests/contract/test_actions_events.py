"""Which events make which workflows run, and what is told of the runs."""

import pytest
from webhook_receiver import ended
from workflow_runs import Actions

STEPS = "runs-on: ubuntu-latest, steps: [{run: 'SAYS'}]"


def workflow(on, says="true"):
    return f"name: Test\non: {on}\njobs: {{job: {{{STEPS.replace('SAYS', says)}}}}}\n"


@pytest.fixture
def actions(gh, local, repository, clone):
    return Actions(gh, repository, clone)


def test_branches_tags_and_paths_of_a_push(actions):
    actions.push(
        any=workflow("push"),
        main=workflow("{push: {branches: [main]}}"),
        other=workflow("{push: {branches-ignore: [main]}}"),
        tags=workflow("{push: {tags: ['v*']}}"),
        paths=workflow("{push: {paths: ['src/**', '!src/docs/**']}}"),
        pulls=workflow("pull_request"),
    )
    assert [run["path"].split("/")[-1] for run in actions.runs()] == ["any.yml", "main.yml"]
    actions.clone.git("tag", "v1")
    actions.clone.git("push", "-q", "origin", "v1", "HEAD:feature/x")
    made = {(run["path"].split("/")[-1], run["head_branch"]) for run in actions.runs()[2:]}
    # Paths are nothing that a tag is asked for.
    expected = {"feature/x": ("any.yml", "other.yml", "paths.yml"), "v1": ("any.yml", "paths.yml", "tags.yml")}
    assert made == {(file, branch) for branch, files in expected.items() for file in files}
    before = len(actions.runs())
    (actions.clone.path / "src" / "docs").mkdir(parents=True)
    actions.clone.commit("[skip ci] unseen", a="1")
    actions.clone.git("push", "-q", "origin", "main")
    actions.clone.git("push", "-q", "origin", ":feature/x")
    assert len(actions.runs()) == before
    (actions.clone.path / "src" / "docs" / "page").write_text("x")
    actions.clone.commit("docs")
    actions.clone.git("push", "-q", "origin", "main")
    (actions.clone.path / "src" / "code").write_text("x")
    actions.clone.commit("code")
    actions.clone.git("push", "-q", "origin", "main")
    assert [run["path"].split("/")[-1] for run in actions.runs()[before:]] == [
        *("any.yml", "main.yml"),
        *("any.yml", "main.yml", "paths.yml"),
    ]
    for run in actions.runs():
        assert actions.ended(run["id"])["conclusion"] == "success"
    assert {run["event"] for run in actions.runs(branch="v1", event="push", status="success")} == {"push"}
    assert len(actions.runs(branch="v1")) == 3
    assert actions.runs(status="failure") == actions.runs(actor="nobody") == []
    assert actions.runs(actor="local-cloud") == actions.runs()
    sha = actions.runs()[-1]["head_sha"]
    assert [run["head_sha"] for run in actions.runs(head_sha=sha)] == [sha] * 3


def test_a_pull_request_runs_at_its_head(gh, actions):
    says = "echo $GITHUB_REF $GITHUB_HEAD_REF $GITHUB_BASE_REF $GITHUB_SHA ${{ github.event.pull_request.merged }}"
    actions.push(
        pull=workflow("{pull_request: {branches: [main]}}", says), done=workflow("{pull_request: {types: [closed]}}")
    )
    actions.clone.git("push", "-q", "origin", "main:other")
    actions.clone.git("checkout", "-q", "-b", "feature")
    sha = actions.clone.commit("On the branch", a="1")
    actions.clone.git("push", "-q", "origin", "feature")
    for base in ("main", "other"):
        body = {"title": f"Into {base}", "head": "feature", "base": base}
        number = gh.post(f"{actions.repository}/pulls", status=201, json=body)["number"]
    gh.patch(f"{actions.repository}/pulls/1", json={"title": "Another title"})
    (run,) = actions.runs()
    run = actions.ended(run["id"])
    assert (run["event"], run["head_branch"], run["head_sha"]) == ("pull_request", "feature", sha)
    assert (run["display_title"], run["pull_requests"][0]["number"], number) == ("Into main", 1, 2)
    assert f"refs/pull/1/merge feature main {sha} false" in actions.log(actions.jobs(run)["job"])
    gh.patch(f"{actions.repository}/pulls/1", json={"state": "closed"})
    assert [run["path"].split("/")[-1] for run in actions.runs()] == ["pull.yml", "done.yml"]
    actions.ended()


def test_by_hand_with_inputs(gh, actions):
    inputs = (
        "{place: {required: true, type: choice, options: [here, there]}, times: {default: 3}, dry: {type: boolean}}"
    )
    says = "echo ${{ inputs.place }} ${{ inputs.times }} ${{ inputs.dry }} $GITHUB_REF ${{ github.event.inputs.place }}"
    actions.push(hand=workflow(f"{{workflow_dispatch: {{inputs: {inputs}}}}}", says), push=workflow("push"))
    actions.ended()
    path = f"{actions.repository}/actions/workflows/hand.yml"

    def refused(**body):
        return gh.call("POST", f"{path}/dispatches", status=422, json={"ref": "main", **body})["message"]

    assert refused(ref="none") == "No ref found for: none"
    assert refused() == "Required input 'place' not provided"
    assert refused(inputs={"place": "here", "foo": "1"}) == 'Unexpected inputs provided: ["foo"]'
    assert "not in the list of allowed values" in refused(inputs={"place": "nowhere"})
    body = {"ref": "main", "inputs": {"place": "here"}, "return_run_details": True}
    told = gh.post(f"{path}/dispatches", json=body)
    run = actions.ended(told["workflow_run_id"])
    assert (run["event"], run["conclusion"], told["run_url"]) == ("workflow_dispatch", "success", run["url"])
    assert "here 3 false refs/heads/main here" in actions.log(actions.jobs(run)["job"])
    gh.post(
        f"{path}/dispatches", status=204, json={"ref": "refs/heads/main", "inputs": {"place": "there", "dry": True}}
    )
    assert "there 3 true" in actions.log(actions.jobs(actions.ended())["job"])
    assert [one["id"] for one in gh.get(f"{path}/runs")["workflow_runs"]] == [
        one["id"] for one in actions.runs()[:0:-1]
    ]
    message = gh.call("POST", f"{path[:-8]}push.yml/dispatches", status=422, json={"ref": "main"})["message"]
    assert message == "Workflow does not have 'workflow_dispatch' trigger"


def test_workflows_are_listed_and_switched_off(gh, actions):
    actions.commit(ci=workflow("push"), hand=workflow("workflow_dispatch"))
    actions.clone.git("push", "-q", "origin", "main")
    listed = gh.get(f"{actions.repository}/actions/workflows")
    assert [(one["path"], one["state"]) for one in listed["workflows"]] == [
        (".github/workflows/ci.yml", "active"),
        (".github/workflows/hand.yml", "active"),
    ]
    path = f"{actions.repository}/actions/workflows/{listed['workflows'][0]['id']}"
    assert gh.get(path) == listed["workflows"][0] == gh.get(f"{actions.repository}/actions/workflows/ci.yml")
    gh.put(f"{path}/disable", status=204)
    assert gh.get(path)["state"] == "disabled_manually"
    actions.push(ci=workflow("push", "echo more"))
    gh.put(f"{path}/enable", status=204)
    actions.push(ci=workflow("push", "echo still more"))
    assert actions.ended()["run_number"] == 2
    assert len(actions.runs()) == 2
    gh.call("GET", f"{actions.repository}/actions/workflows/none.yml", status=404)


def test_dispatched_to_the_repository(gh, actions):
    says = "echo ${{ github.event.client_payload.what }} ${{ github.event.action }}"
    actions.push(ci=workflow("{repository_dispatch: {types: [deploy]}}", says))
    path = f"{actions.repository}/dispatches"
    gh.post(path, status=204, json={"event_type": "other"})
    gh.post(path, status=204, json={"event_type": "deploy", "client_payload": {"what": "this"}})
    gh.call("POST", path, status=422, json={"event_type": "", "client_payload": {str(n): n for n in range(11)}})
    (run,) = actions.runs()
    assert "this deploy" in actions.log(actions.jobs(actions.ended(run["id"]))["job"])
    assert (run["event"], run["display_title"], run["head_branch"]) == ("repository_dispatch", "deploy", "main")


def test_a_workflow_after_another_and_what_is_told(gh, receiver, hook, actions):
    path = hook("workflow_run", "workflow_job")
    after = workflow(
        "{workflow_run: {workflows: [Test], types: [completed]}}", "echo ${{ github.event.workflow_run.conclusion }}"
    )
    actions.push(first=workflow("push"), second=after.replace("name: Test", "name: After"))
    actions.ended(actions.runs()[0]["id"])
    _, second = actions.runs()
    assert "success" in actions.log(actions.jobs(actions.ended(second["id"]))["job"])
    ended(gh, path, 1 + 12)
    told = [
        (name, payload["action"], payload[name]["name"], payload[name]["conclusion"])
        for name, payload in receiver.events()
    ]
    for workflow_name in ("Test", "After"):
        assert {entry for entry in told if entry[2] == workflow_name} == {
            ("workflow_run", "requested", workflow_name, None),
            ("workflow_run", "in_progress", workflow_name, None),
            ("workflow_run", "completed", workflow_name, "success"),
        }
    jobs = [entry[1] for entry in told if entry[0] == "workflow_job"]
    assert sorted(jobs) == sorted(2 * ["queued", "in_progress", "completed"])
    run = next(
        payload
        for name, payload in receiver.events()
        if payload.get("action") == "completed" and name == "workflow_run"
    )
    assert run["workflow"]["path"] == ".github/workflows/first.yml"
    assert run["workflow_run"]["head_commit"]["message"].startswith("Workflows")


def test_none_of_it_where_actions_are_off(gh, actions):
    gh.put("/orgs/{org}/actions/permissions", status=204, json={"enabled_repositories": "none"})
    try:
        actions.push(ci=workflow("push"))
        assert actions.runs() == []
    finally:
        gh.put("/orgs/{org}/actions/permissions", status=204, json={"enabled_repositories": "all"})
