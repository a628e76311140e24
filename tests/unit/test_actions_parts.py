"""The parts of Actions that need no run: expressions, filters, masks, and the workflow file that act gets."""

import base64
import json
from urllib.parse import quote

import pytest
import yaml

from local_cloud.actions import matching
from local_cloud.actions.expressions import ExpressionError, evaluate, interpolate
from local_cloud.actions.masks import Masks
from local_cloud.actions.prepared import prepare
from local_cloud.actions.run_token import permissions
from local_cloud.actions.workflow import WorkflowError, read

CONTEXTS = {
    "github": {
        "ref": "refs/heads/main",
        "event": {"pull_request": None, "list": ["a", "B"], "number": 12, "labels": [{"name": "x"}]},
        "event_name": "push",
    },
    "inputs": {"dry-run": False},
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("github.event.pull_request.number || github.ref", "refs/heads/main"),
        ("github.ref == 'REFS/heads/main' && 'yes' || 'no'", "yes"),
        ("github.ref != 'refs/heads/main'", False),
        ("!startsWith(github.ref, 'refs/tags/') && endsWith(github.ref, 'MAIN')", True),
        ("contains(github.event.list, 'b')", True),
        ("contains(github.ref, 'heads')", True),
        ("github.event['number'] == 12", True),
        ("github.event.labels[0].name", "x"),
        ("github.event.labels[7].name", None),
        ("inputs.dry-run", False),
        ("github.none.deeper", None),
        ("(false || null) == ''", True),
        ("format('{0}-{1} {{0}}', github.event_name, -1.5)", "push--1.5 {0}"),
        ("'it''s'", "it's"),
        ("fromJSON('[1]')[0]", 1),
    ],
)
def test_expressions(expression, value):
    assert evaluate(expression, CONTEXTS) == value


@pytest.mark.parametrize(
    "expression", ["secrets.X", "github.", "github..ref", "f(", "hashFiles('x')", "a b", "'", "", "format('{1}', 1)"]
)
def test_what_is_no_expression_or_is_not_known_yet(expression):
    with pytest.raises(ExpressionError):
        evaluate(expression, CONTEXTS)


def test_expressions_within_a_text():
    text = "x-${{ github.event_name }}-${{github.event.number}}-${{ true }}${{ github.none }} "
    text += "${{ format('}}') }} ${{ toJSON(github.event.list) }}"
    assert interpolate(text, CONTEXTS) == 'x-push-12-true } [\n  "a",\n  "B"\n]'


def push(ref):
    return {"ref": ref}


@pytest.mark.parametrize(
    ("filters", "ref", "wanted"),
    [
        ({}, "refs/heads/main", True),
        ({}, "refs/tags/v1", True),
        ({"branches": ["main"]}, "refs/tags/main", False),
        ({"tags": "v*"}, "refs/heads/v1", False),
        ({"tags-ignore": ["v*"]}, "refs/tags/w1", True),
        ({"branches": ["feature/*"]}, "refs/heads/feature/a/b", False),
        ({"branches": ["feature/**"]}, "refs/heads/feature/a/b", True),
        ({"branches": ["**", "!old/**", "old/kept"]}, "refs/heads/old/kept", True),
        ({"branches": ["**", "!old/**", "old/kept"]}, "refs/heads/old/other", False),
        ({"branches": ["v[12].?x+"]}, "refs/heads/v2.xxx", True),
        ({"branches": ["v[12].x"]}, "refs/heads/v3.x", False),
        ({"branches": ["a.b"]}, "refs/heads/aXb", False),
        ({"branches": ["+a", "[z-a]"]}, "refs/heads/a", False),
        ({"branches-ignore": ["main"]}, "refs/heads/main", False),
    ],
)
def test_filters_of_a_push(filters, ref, wanted):
    assert matching.wants(filters, "push", push(ref), lambda: []) is wanted


@pytest.mark.parametrize(
    ("filters", "paths", "wanted"),
    [
        ({"paths": ["src/**"]}, ["src/a/b.js"], True),
        ({"paths": ["**/*.js"]}, ["a.js"], True),
        ({"paths": ["*.js"]}, ["src/a.js"], False),
        ({"paths-ignore": ["docs/**"]}, ["docs/a", "src/b"], True),
        ({"paths-ignore": ["docs/**"]}, ["docs/a"], False),
        ({"paths": ["src/**"]}, None, True),
    ],
)
def test_filters_by_path(filters, paths, wanted):
    assert matching.wants(filters, "push", push("refs/heads/main"), lambda: paths) is wanted
    assert matching.wants(filters, "push", push("refs/tags/v1"), lambda: paths) is True


GOOD = "on: push\njobs: {a: {runs-on: x, steps: [{run: y}]}}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not YAML"),
        ("", "file: "),
        ("[]", "file: "),
        ("on: push", "jobs: Field required"),
        ("on: push\njobs: {}", "jobs: "),
        ("jobs: {a: {steps: [{run: x}]}}", "on: Field required"),
        ("on: push\njobs: {a: {steps: []}, b: {uses: x}}", "without steps: a"),
        ("on: push\njobs: {a: 1}", "jobs.a: "),
        ("on: push\njobs: {a: {steps: [null]}}", "jobs.a.steps.0: "),
        ("on: push\njobs: {a: {steps: [{run: [1]}]}}", "jobs.a.steps.0.run: "),
        (f"{GOOD}\nname: [1]", "name: "),
        (f"{GOOD}\nconcurrency: {{cancel-in-progress: true}}", "concurrency.group: "),
        (f"{GOOD}\npermissions: [1]", "permissions: "),
        (GOOD.replace("push", "{push: {branches: {}}}"), "on.push.branches: "),
        (GOOD.replace("push", "{workflow_dispatch: {inputs: {x: {options: 1}}}}"), "options: "),
    ],
)
def test_what_is_no_workflow(text, told):
    with pytest.raises(WorkflowError, match=rf"ci\.yml.*{told}"):
        read("ci.yml", text)
    assert read("ci.yml", GOOD).jobs["a"].steps[0].name == "Run y"


def test_what_a_workflow_says_of_its_jobs():
    workflow = read(
        "ci.yml",
        """
on: [push, pull_request]
permissions: write-all
jobs:
  a:
    runs-on: [self-hosted, gpu]
    permissions: {contents: read}
    environment: {name: e, url: u}
    services: {db: {image: x}}
    steps: [{run: "echo 1\\necho 2"}, {id: two, uses: x/y@v1, name: N}]
  b: {uses: ./.github/workflows/c.yml}
  c: {runs-on: "${{ matrix.os }}", steps: [{run: echo}]}
""",
    )
    a, b, c = workflow.jobs.values()
    assert (workflow.name, list(workflow.events)) == ("ci.yml", ["push", "pull_request"])
    assert [(step.id, step.name, step.uses) for step in a.steps] == [("0", "Run echo 1", ""), ("two", "N", "x/y@v1")]
    assert (a.environment, a.environment_url, a.permissions) == ("e", "u", {"contents": "read"})
    assert b.permissions.items() >= {"id-token": "write", "pull-requests": "write", "contents": "write"}.items()
    assert [problem.partition(";")[0] for problem in a.problems] == ["services of a job", "runs-on: gpu"]
    assert (b.problems, c.problems) == (("uses: ./.github/workflows/c.yml (a reusable workflow)",), ())


def test_the_file_that_act_gets_is_the_file_itself_and_what_a_job_alone_is_told():
    text = """
on:
  push: {branches: [main]}
defaults: &defaults
  env: &env {SHARED: 022, VERSION: 22.10, WORD: yes}
jobs:
  a:
    <<: *defaults
    env: *env
    steps:
      - run: |
          echo "1"
          echo ${{ x }}
        if: true
  b:
    env: *env
    steps: [{run: echo}]
"""
    made = prepare(text, read(".github/workflows/ci.yml", text), lambda job: {"T": 'secret: "x"'} if job == "a" else {})
    as_texts = yaml.load(made, yaml.BaseLoader)  # noqa: S506 - makes nothing but texts
    assert as_texts["name"] == ".github/workflows/ci.yml"
    assert as_texts["jobs"]["a"]["env"] == {"SHARED": "022", "VERSION": "22.10", "WORD": "yes", "T": 'secret: "x"'}
    assert as_texts["jobs"]["b"]["env"] == {"SHARED": "022", "VERSION": "22.10", "WORD": "yes"}
    before, after = yaml.safe_load(text), yaml.safe_load(made)
    assert after["jobs"]["a"]["steps"] == before["jobs"]["a"]["steps"]
    assert after["jobs"]["b"] == before["jobs"]["b"]
    assert after[True] == before[True]


@pytest.mark.parametrize("printed", [str, quote, lambda text: json.dumps({"x": text}), lambda text: f"<{text}>"])
def test_masks_hide_a_secret_as_it_is_printed(printed):
    secret = 's3cret/with "quotes" ä'
    assert "s3cret" not in Masks([secret]).hide(f"a {printed(secret)} b")


def test_masks_hide_lines_and_base64_at_any_offset_and_nothing_else():
    masks = Masks(["first line\r\nsecond line\n", "", " "])
    assert masks.hide("x first line y second line z") == "x *** y *** z"
    for before in ("", "u", "us", "use"):
        encoded = base64.b64encode(f"{before}second line:".encode()).decode()
        assert "c2Vjb25k"[1:-1] not in masks.hide(encoded)
        assert "***" in masks.hide(encoded)
    assert masks.hide("nothing of it") == "nothing of it"


@pytest.mark.parametrize(
    ("whole", "first", "second", "granted"),
    [
        ("", "", "", {"contents": "read", "packages": "read"}),
        ("permissions: {}", "", "", {}),
        ("permissions: {issues: write}", "permissions: {pull-requests: read}", "", {"pull_requests": "read"}),
        ("", "permissions: {checks: read}", "permissions: {checks: write, issues: none}", {"checks": "write"}),
    ],
)
def test_one_token_may_do_what_any_of_the_jobs_may(whole, first, second, granted):
    steps = "runs-on: ubuntu-latest, steps: [{run: echo}]"
    jobs = ", ".join(f"{name}: {{{steps}{text and ', '}{text}}}" for name, text in (("a", first), ("b", second)))
    found = permissions(read("ci.yml", f"on: push\n{whole}\njobs: {{{jobs}}}\n"))
    both = {"issues": "write"} if "issues: write" in whole else {}
    assert {name: level for name, level in found.items() if level != "none"} == {**granted, **both, "metadata": "read"}


@pytest.mark.parametrize("wrong", ["all", "{contents: admin}", "[contents]"])
def test_permissions_that_are_none(wrong):
    with pytest.raises(WorkflowError, match="permissions"):
        read("ci.yml", f"on: push\npermissions: {wrong}\njobs: {{a: {{steps: [{{run: echo}}]}}}}\n")
