"""What a run may do with its `GITHUB_TOKEN`, and what its jobs are to others: check runs and deployments."""

import pytest
from webhook_receiver import ended
from workflow_runs import Actions

COMMENTS = "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/issues"
CURL = 'curl -sS -H "Authorization: Bearer $GITHUB_TOKEN"'

COMMENT = f"""
on: pull_request
permissions: {{PERMISSIONS}}
jobs:
  comment:
    runs-on: ubuntu-latest
    env: {{GITHUB_TOKEN: "${{{{ github.token }}}}"}}
    steps:
      - run: |
          {CURL} -o made -w "made %{{http_code}}\\n" "{COMMENTS}/1/comments" \\
            -d '{{"body": "first"}}'
          number=$(python3 -c 'import json; print(json.load(open("made")).get("id"))')
          {CURL} -o changed -w "changed %{{http_code}}\\n" -X PATCH "{COMMENTS}/comments/$number" \\
            -d '{{"body": "second"}}'
"""

PUSH = """
on: [push, workflow_dispatch]
permissions: {contents: write, actions: write}
jobs:
  push:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: |
          git config user.name bot && git config user.email bot@localhost
          git commit -q --allow-empty -m "by $GITHUB_EVENT_NAME" && git push -q origin HEAD:$GITHUB_EVENT_NAME
          test $GITHUB_EVENT_NAME = workflow_dispatch || curl -sSf -d '{"ref": "main"}' \\
            -H "Authorization: Bearer ${{ secrets.GITHUB_TOKEN }}" \\
            "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/actions/workflows/ci.yml/dispatches"
"""

DEPLOY = """
on: push
jobs:
  deploy:
    name: Deploy
    runs-on: ubuntu-latest
    environment: {name: "${{ vars.PLACE }}", url: "${{ steps.go.outputs.url }}"}
    steps:
      - {id: go, run: 'echo "url=http://app.localhost/page" >> "$GITHUB_OUTPUT"SCRIPT'}
"""


@pytest.fixture
def actions(gh, local, repository, clone):
    return Actions(gh, repository, clone)


def kept(local):
    """The tokens that are good still."""
    return local.cloud.store.values("installation_tokens", "")


@pytest.fixture
def pull(gh, actions):
    """Pushes workflows, and opens a pull request; the run that it has made."""

    def opened(**workflows):
        actions.push(**workflows)
        actions.clone.commit("On the branch", a="1")
        actions.clone.git("push", "-q", "origin", "HEAD:feature")
        body = {"title": "My change", "head": "feature", "base": "main"}
        gh.post(f"{actions.repository}/pulls", status=201, json=body)
        return actions.ended()

    return opened


def test_a_run_that_may_comments_on_its_pull_request(gh, actions, pull):
    run = pull(ci=COMMENT.replace("{PERMISSIONS}", "{pull-requests: write}"))
    assert "made 201\nchanged 200" in actions.log(actions.jobs(run)["comment"])
    (comment,) = gh.get(f"{actions.repository}/issues/1/comments")
    assert (comment["body"], comment["user"]["login"], comment["user"]["id"]) == (
        *("second", "github-actions[bot]"),
        41_898_282,
    )
    assert comment["performed_via_github_app"]["slug"] == "github-actions"
    assert comment["author_association"] == "NONE"


@pytest.mark.parametrize("permissions", ["{contents: write}", "read-all", "{}", ""])
def test_a_run_that_may_not_comment_is_refused(gh, actions, pull, permissions):
    run = pull(ci=COMMENT.replace("permissions: {PERMISSIONS}", permissions and f"permissions: {permissions}"))
    assert "made 403" in actions.log(actions.jobs(run)["comment"])
    assert gh.get(f"{actions.repository}/issues/1/comments") == []


def test_what_a_run_pushes_runs_nothing_but_what_it_dispatches_runs(gh, actions, local):
    actions.push(ci=PUSH)
    first = actions.runs()[0]
    first = actions.ended(first["id"])
    assert first["conclusion"] == "success", actions.logs(first)
    second = actions.ended()
    assert [run["event"] for run in actions.runs()] == ["push", "workflow_dispatch"]
    assert second["actor"]["login"] == "github-actions[bot]"
    assert (second["conclusion"], len(actions.runs())) == ("success", 2)
    (tip,) = gh.get(f"{actions.repository}/commits", params={"sha": "push", "per_page": 1})
    assert tip["commit"]["message"] == "by push"
    number = gh.get(actions.repository)["id"]
    assert not any(number in (token["repositories"] or []) for token in kept(local))


def test_the_token_of_a_run_goes_with_its_repository(gh, actions, local):
    number = gh.get(actions.repository)["id"]
    actions.push(ci="on: push\njobs: {one: {runs-on: ubuntu-latest, steps: [{run: sleep 60}]}}\n")
    actions.until(actions.runs()[0]["id"], "in_progress")
    (token,) = [token for token in kept(local) if token["repositories"] == [number]]
    assert token["permissions"] == {"contents": "read", "packages": "read", "metadata": "read"}
    gh.delete(actions.repository, status=204)
    assert token not in kept(local)


def test_without_permission_to_the_contents_a_run_pushes_nothing(gh, actions):
    actions.push(ci=PUSH.replace("{contents: write, actions: write}", "read-all"))
    run = actions.ended()
    assert run["conclusion"] == "failure"
    assert "denied to github-actions[bot]" in actions.log(actions.jobs(run)["push"])
    assert [branch["name"] for branch in gh.get(f"{actions.repository}/branches")] == ["main"]


@pytest.fixture
def told(gh, receiver, hook):
    """Makes a hook for events; what it was told, once there are as many as expected."""

    def hooked(*events):
        path = hook(*events)

        def until(count):
            ended(gh, path, count + 1)  # it was told of itself
            return receiver.events()

        return until

    return hooked


@pytest.mark.parametrize(
    ("script", "state"), [("", "success"), ("; exit 1", "failure"), ("; echo ::add-mask::page", "success")]
)
def test_a_job_with_an_environment_is_a_deployment(gh, actions, told, script, state):
    hidden = "mask" in script
    gh.post(f"{actions.repository}/actions/variables", status=201, json={"name": "PLACE", "value": "preview"})
    events = told("deployment", "deployment_status")
    sha = actions.push(ci=DEPLOY.replace("SCRIPT", script))
    run = actions.ended()
    (deployment,) = gh.get(f"{actions.repository}/deployments", params={"environment": "preview"})
    assert (deployment["sha"], deployment["ref"], deployment["task"]) == (sha, "main", "deploy")
    assert deployment["creator"]["login"] == "github-actions[bot]"
    assert deployment["performed_via_github_app"]["slug"] == "github-actions"
    assert [one["name"] for one in gh.get(f"{actions.repository}/environments")["environments"]] == ["preview"]
    statuses = gh.get(f"{actions.repository}/deployments/{deployment['id']}/statuses")
    job = actions.jobs(run)["Deploy"]
    url = "" if hidden else "http://app.localhost/page"
    assert [(one["state"], one["environment_url"]) for one in statuses] == [(state, url), ("in_progress", "")]
    assert statuses[0]["log_url"] == job["html_url"]
    # In no order: deliveries are under way side by side.
    seen = {(name, body.get("deployment_status", {}).get("state")) for name, body in events(3)}
    assert seen == {("deployment", None), ("deployment_status", "in_progress"), ("deployment_status", state)}
    assert ("may contain secret" in actions.log(job)) == hidden


def test_a_job_is_a_check_run(gh, installed, actions, told):
    events = told("check_run")
    sha = actions.push(ci="on: push\njobs: {build: {runs-on: ubuntu-latest, steps: [{run: 'true'}]}}\n")
    run = actions.ended()
    job = actions.jobs(run)["build"]
    (check,) = gh.get(f"{actions.repository}/commits/{sha}/check-runs")["check_runs"]
    assert (check["id"], check["name"], check["conclusion"]) == (job["id"], "build", "success")
    assert (check["app"]["slug"], check["check_suite"]["id"]) == ("github-actions", run["check_suite_id"])
    assert check["html_url"] == check["details_url"] == job["html_url"]
    assert gh.get(f"{actions.repository}/check-runs/{job['id']}") == check
    (suite,) = gh.get(f"{actions.repository}/commits/{sha}/check-suites")["check_suites"]
    assert (suite["id"], suite["status"], suite["conclusion"]) == (run["id"], "completed", "success")
    assert gh.get(f"{actions.repository}/check-suites/{run['id']}/check-runs")["check_runs"] == [check]
    own = gh.get(f"{actions.repository}/commits/{sha}/check-runs", params={"app_id": check["app"]["id"]})
    assert own["total_count"] == 1
    changed = {"conclusion": "failure"}
    refused = installed().call("PATCH", f"{actions.repository}/check-runs/{job['id']}", status=403, json=changed)
    assert refused["message"] == (
        "Invalid app_id `15368` - check run can only be modified by the GitHub App that created it."
    )
    seen = [(body["action"], body["check_run"]["name"], body["sender"]["login"]) for _, body in events(2)]
    assert seen == [("created", "build", "local-cloud"), ("completed", "build", "local-cloud")]
