"""Workflows that are really run, by act on this machine: jobs, steps, secrets, logs, and how runs end."""

import threading
import time
from base64 import b64decode, b64encode

import psutil
import pytest
from nacl.public import PublicKey, SealedBox
from workflow_runs import Actions

SECRET = "planted-secret-7c211433f02071597741e6ff5a8ea34b"


@pytest.fixture
def actions(gh, local, repository, clone):
    return Actions(gh, repository, clone)


def test_a_run_with_jobs_that_need_each_other(gh, actions):
    gh.post(f"{actions.repository}/actions/variables", status=201, json={"name": "PLACE", "value": "here"})
    sha = actions.push(
        ci="""
name: CI
run-name: Run of ${{ github.ref_name }}
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    strategy: {matrix: {number: [1, 2]}}
    outputs: {made: "${{ steps.make.outputs.made }}"}
    steps:
      - uses: actions/checkout@v4
      - id: make
        name: Make ${{ matrix.number }}
        run: |
          test -f README.md
          echo "made=thing" >> "$GITHUB_OUTPUT"
          echo "in $GITHUB_REPOSITORY at $GITHUB_SHA of $GITHUB_REF, run $GITHUB_RUN_NUMBER by $GITHUB_ACTOR"
  use:
    name: Use it
    needs: build
    runs-on: ubuntu-latest
    steps:
      - run: echo "${{ needs.build.outputs.made }} ${{ vars.PLACE }} $GITHUB_EVENT_NAME $GITHUB_API_URL"
  never:
    if: github.ref == 'refs/heads/other'
    runs-on: ubuntu-latest
    steps:
      - run: exit 1
"""
    )
    run = actions.ended()
    jobs = actions.jobs(run)
    assert (run["conclusion"], run["head_sha"], run["head_branch"], run["event"]) == ("success", sha, "main", "push")
    assert (run["name"], run["display_title"], run["run_number"], run["run_attempt"]) == ("CI", "Run of main", 1, 1)
    assert run["path"] == ".github/workflows/ci.yml"
    assert {name: job["conclusion"] for name, job in jobs.items()} == {
        "build (1)": "success",
        "build (2)": "success",
        "Use it": "success",
        "never": "skipped",
    }
    build = jobs["build (2)"]
    assert [(step["number"], step["name"], step["conclusion"]) for step in build["steps"]] == [
        (1, "Set up job", "success"),
        (2, "Run actions/checkout@v4", "success"),
        (3, "Make 2", "success"),
        (4, "Post Run actions/checkout@v4", "success"),
        (5, "Complete job", "success"),
    ]
    full_name = gh.get(actions.repository)["full_name"]
    assert f"in {full_name} at {sha} of refs/heads/main, run 1 by local-cloud" in actions.log(build)
    assert f"thing here push {gh.client.base_url}/api/v3" in actions.log(jobs["Use it"])
    assert sorted(file.partition("_")[2] for file in actions.logs(run)) == sorted(f"{name}.txt" for name in jobs)
    assert gh.get(f"{actions.repository}/actions/jobs/{build['id']}") == build


def test_a_failing_step_fails_its_job_and_the_run(actions):
    actions.push(
        ci="""
on: push
jobs:
  only:
    runs-on: ubuntu-latest
    steps:
      - run: exit 3
      - run: echo unreached
      - if: failure()
        run: echo "cleaned up"
  after:
    needs: only
    runs-on: ubuntu-latest
    steps:
      - run: echo unreached
"""
    )
    run = actions.ended()
    jobs = actions.jobs(run)
    assert (run["conclusion"], run["name"]) == ("failure", ".github/workflows/ci.yml")
    assert {name: job["conclusion"] for name, job in jobs.items()} == {"only": "failure", "after": "skipped"}
    assert [step["conclusion"] for step in jobs["only"]["steps"]] == [
        "success",
        "failure",
        "skipped",
        "success",
        "success",
    ]
    log = actions.log(jobs["only"])
    assert "##[error]Process completed with exit code 3." in log
    assert "cleaned up" in log
    assert "unreached" not in log


def put_secret(gh, repository, name, text):
    key = gh.get(f"{repository}/actions/secrets/public-key")
    sealed = b64encode(SealedBox(PublicKey(b64decode(key["key"]))).encrypt(text.encode())).decode()
    body = {"encrypted_value": sealed, "key_id": key["key_id"]}
    gh.put(f"{repository}/actions/secrets/{name}", status=201, json=body)


def test_secrets_reach_steps_but_no_log_and_no_command_line(gh, local, actions):
    lines = f"{SECRET}-first\n{SECRET}-second"
    put_secret(gh, actions.repository, "ONE", SECRET)
    put_secret(gh, actions.repository, "LINES", lines)
    seen, ended = [], threading.Event()

    def watch():
        while not ended.is_set():
            seen.extend(psutil.process_iter(["cmdline"]))

    watching = threading.Thread(target=watch)
    watching.start()
    actions.push(
        ci="""
on: push
jobs:
  print:
    runs-on: ubuntu-latest
    env: {LINES: "${{ secrets.LINES }}"}
    steps:
      - run: echo "one ${{ secrets.ONE }}"
      - name: Name ${{ secrets.ONE }}
        run: |
          echo "$LINES"
          echo "::add-mask::${MADE:=made-up-by-the-step}"; echo "mask $MADE"
          echo "::error file=a.js::bad $LINES"
          printf %s "$LINES" | base64 -w0
          [ "${#LINES}" = LENGTH ] && sleep 0.2
""".replace("LENGTH", str(len(lines)))
    )
    run = actions.ended()
    ended.set()
    watching.join()
    job = actions.jobs(run)["print"]
    log = actions.log(job)
    assert run["conclusion"] == "success", log
    assert "one ***" in log
    assert "mask ***" in log
    assert "##[error]bad ***" in log
    told = [log, str(job), str(run), *(" ".join(process.info["cmdline"] or []) for process in seen)]
    assert len(told) > 100
    assert not any(SECRET in text or "made-up-by-the-step" in text for text in told)
    state = local.cloud.state.path
    files = [path for path in state.rglob("*") if path.is_file()]
    assert [str(path) for path in files if SECRET.encode() in path.read_bytes()] == []


def test_what_cannot_be_had_here_fails_the_run_and_is_named(actions):
    actions.push(
        other="""
on: push
jobs:
  one:
    runs-on: windows-latest
    steps:
      - uses: actions/checkout@v4
      - uses: somebody/something@v1
  two:
    runs-on: ubuntu-latest
    container: node
    steps:
      - run: echo unreached
"""
    )
    run = actions.ended()
    (job,) = actions.jobs(run).values()
    assert (run["conclusion"], job["conclusion"]) == ("failure", "failure")
    (log,) = actions.logs(run).values()
    for word in ("somebody/something@v1", "runs-on: windows-latest", "container of a job"):
        assert word in log


def test_what_the_organisation_or_an_environment_does_not_allow(gh, actions):
    permissions, selected = "/orgs/{org}/actions/permissions", "/orgs/{org}/actions/permissions/selected-actions"
    gh.put(f"{actions.repository}/environments/slow", json={"wait_timer": 5})
    branches = {"protected_branches": False, "custom_branch_policies": True}
    gh.put(f"{actions.repository}/environments/closed", json={"deployment_branch_policy": branches})
    ci = """
on: push
jobs:
  one: {runs-on: ubuntu-latest, environment: slow, steps: [{uses: actions/checkout@v4}]}
  two: {runs-on: ubuntu-latest, environment: closed, steps: [{uses: somebody/something@v1}]}
"""

    def said(**more):
        gh.put(permissions, status=204, json={"enabled_repositories": "all", **more})
        if more.get("allowed_actions") == "selected":
            body = {"github_owned_allowed": True, "patterns_allowed": ["some*/*@v2"]}
            gh.put(selected, status=204, json=body)
        actions.push(ci=ci)
        (log,) = actions.logs(actions.ended()).values()
        return [line for line in log.splitlines() if "is not allowed in" in line]

    try:
        assert said() == []
        assert len(said(allowed_actions="local_only")) == 2
        assert ["something@v1" in line for line in said(allowed_actions="selected")] == [True]
        assert len(said(allowed_actions="all", sha_pinning_required=True)) == 2
    finally:
        gh.put(permissions, status=204, json={"enabled_repositories": "all", "sha_pinning_required": False})
    (log,) = actions.logs(actions.ended()).values()
    assert "the wait timer of environment slow" in log
    assert 'Branch "main" is not allowed to deploy to closed' in log


def test_a_file_that_is_no_workflow_fails_with_every_push(actions):
    actions.push(broken="on: push\njobs: {one: {}}\n")
    run = actions.ended()
    assert (run["conclusion"], run["name"]) == ("startup_failure", ".github/workflows/broken.yml")
    assert "without steps: one" in actions.logs(run)["system.txt"]


WAITING = """
on: {push: {branches: [main]}}
concurrency: {group: "deploy-${{ github.ref }}", cancel-in-progress: CANCELS}
jobs:
  wait:
    runs-on: ubuntu-latest
    steps:
      - run: sleep SECONDS
      - if: cancelled()
        run: echo "told of it"
"""


def test_the_newest_of_a_concurrency_group_cancels_the_others(actions):
    text = WAITING.replace("CANCELS", "true")
    actions.push(ci=text.replace("SECONDS", "6071"))
    (first,) = actions.runs()
    actions.until(first["id"], "in_progress")
    until_step(actions, first, "Run sleep 6071")
    actions.push(ci=text.replace("SECONDS", "0"))
    last = actions.ended()
    first = actions.run(first["id"])
    assert (first["conclusion"], last["conclusion"]) == ("cancelled", "success")
    job = actions.jobs(first)["wait"]
    assert job["conclusion"] == "cancelled"
    assert last["run_started_at"] >= first["updated_at"]
    assert not sleeping()


def test_without_cancelling_one_runs_and_the_newest_waits(actions):
    text = WAITING.replace("CANCELS", "false")
    actions.push(ci=text.replace("SECONDS", "5"))
    actions.until(actions.runs()[0]["id"], "in_progress")
    actions.push(ci=text.replace("SECONDS", "0"))
    actions.push(ci=text.replace("SECONDS", "0.0"))
    first, second, third = actions.runs()
    assert (second["conclusion"], third["status"]) == ("cancelled", "pending")
    third = actions.ended(third["id"])
    first = actions.run(first["id"])
    assert (first["conclusion"], third["conclusion"]) == ("success", "success")
    assert third["run_started_at"] >= first["updated_at"]


def test_two_run_at_once_and_the_others_wait(actions):
    text = "on: push\njobs: {one: {runs-on: ubuntu-latest, steps: [{run: sleep 3}]}}\n"
    actions.push(a=text, b=text, c=text)
    wanted = ["in_progress", "in_progress", "queued"]
    assert until(lambda: sorted(run["status"] for run in actions.runs()) == wanted)
    assert {actions.ended(run["id"])["conclusion"] for run in actions.runs()} == {"success"}


def test_cancelled_by_hand_run_again_and_deleted(gh, actions):
    text = """
on: push
jobs:
  one:
    runs-on: ubuntu-latest
    steps:
      - if: github.run_attempt == 1
        run: (trap '' INT TERM; setsid sleep 6072 & sleep 6073)
      - run: echo "attempt $GITHUB_RUN_ATTEMPT"
"""
    actions.push(ci=text)
    (run,) = actions.runs()
    path = f"{actions.repository}/actions/runs/{run['id']}"
    until_step(actions, run, "Run (trap '' INT TERM; setsid sleep 6072 & sleep 6073)")
    assert gh.call("DELETE", path, status=403)["message"] == "Workflow run is in progress and cannot be deleted"
    assert gh.call("POST", f"{path}/rerun", status=403)["message"] == "This workflow is already running"
    gh.post(f"{path}/cancel", status=202)
    assert actions.ended()["conclusion"] == "cancelled"
    assert not sleeping()
    assert gh.call("POST", f"{path}/cancel", status=409)["message"] == "Cannot cancel a workflow run that is completed."
    (before,) = actions.jobs(run).values()
    gh.post(f"{path}/rerun", status=201)
    run = actions.ended()
    (job,) = actions.jobs(run).values()
    assert (run["conclusion"], run["run_attempt"], run["run_number"]) == ("success", 2, 1)
    assert "attempt 2" in actions.log(job)
    assert gh.get(f"{path}/attempts/1/jobs")["jobs"] == [before]
    assert gh.get(f"{path}/jobs", params={"filter": "all"})["total_count"] == 2
    assert gh.send("GET", f"{path}/attempts/1/logs").status_code == 302
    gh.call("GET", f"{path}/attempts/3/jobs", status=404)
    gh.delete(path, status=204)
    gh.call("GET", path, status=404)
    gh.call("GET", f"{actions.repository}/actions/jobs/{job['id']}", status=404)
    assert actions.runs() == []


def test_a_run_ends_with_its_repository(gh, actions):
    actions.push(ci="on: push\njobs: {one: {runs-on: ubuntu-latest, steps: [{run: sleep 6071}]}}\n")
    assert until(sleeping)
    gh.delete(actions.repository, status=204)
    assert until(lambda: not sleeping())


def until(condition, seconds=60):
    """Whether it has come to be so in time."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.03)
    return condition()


def until_step(actions, run, name):
    """Wait until a step of the run's one job has begun."""

    def begun():
        steps = [step for job in actions.jobs(run).values() for step in job["steps"]]
        return any(step["name"] == name and step["status"] == "in_progress" for step in steps)

    assert until(begun), actions.jobs(run)


def sleeping():
    """The processes of this test's steps that are left."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if process.info["cmdline"]
        and process.info["cmdline"][0] == "sleep"
        and process.info["cmdline"][1] in {"6071", "6072", "6073"}
    ]
