"""What is noted of an answer, and what a table of a client's calls finds wrong with one."""

import json

import pytest
from client_steps import Among, RefusedError, Step, differences, play
from deviations import Deviation
from observer import Observer
from openapi import Description

LOGIN = {"type": "object", "properties": {"login": {"type": "string"}}, "required": ["login"]}
ANSWER = {"description": "", "content": {"application/json": {"schema": LOGIN}}}
PATH = "/api/v3/orgs/overskill"


@pytest.fixture
def watching(tmp_path):
    path = tmp_path / "description.json"
    document = {"paths": {"/orgs/{org}": {"get": {"responses": {"200": ANSWER}}}}, "components": {}}
    path.write_text(json.dumps(document))
    deviation = Deviation(problem=r"GET /orgs/{org} 200 \$: 'id' is not described", reason="it is known")
    return Observer(Description(path), (deviation,))


def test_answers_are_noted_by_route_and_client(watching):
    watching.note("PyGithub/Python", "GET", PATH, 200, b'{"login": "x"}')
    watching.note("python-httpx/1", "GET", f"{PATH}/repos", 404, b"{}")
    watching.note("Cloudflare/Python 5.9.0", "GET", "/client/v4/zones", 200, b"{}")
    watching.note("wrangler/4", "GET", "/client/v4/no/such/call", 200, b"{}")
    assert watching.clients == {
        "GET /api/v3/orgs/{org}": {"PyGithub"},
        "GET /client/v4/zones": {"cloudflare-python"},
    }
    assert watching.answered == watching.clients.keys()


def test_what_no_deviation_explains_is_a_problem(watching):
    watching.note("", "GET", PATH, 200, b'{"login": "x", "id": 1}')
    assert (watching.problems, len(watching.used)) == ([], 1)
    watching.note("", "GET", PATH, 200, b'{"login": "x", "number": 1}')
    watching.note("", "GET", "/api/v3/app", 200, b"{}")
    watching.note("", "GET", PATH, 501, b"{}")
    assert watching.problems == [
        "GET /orgs/{org} 200 $: 'number' is not described",
        "GET /app 200 $: the call is not described",
    ]


def test_what_two_processes_have_noted_comes_together(watching):
    other = Observer(watching.description, watching.deviations)
    watching.note("PyGithub/Python", "GET", PATH, 200, b'{"login": "x"}')
    other.note("octokit-rest.js/1", "GET", PATH, 200, b'{"login": "x", "id": 1}')
    watching.add(other.written())
    assert watching.clients == {"GET /api/v3/orgs/{org}": {"PyGithub", "octokit"}}
    assert (watching.answered, watching.used) == (watching.clients.keys(), other.used)
    assert len(other.used) == 1


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["x.a.b is 2, not 1"]),
        ({"a": 1}, None, ["x.a is None, not 1"]),
        ([1, 2], [1], ["x is [1], not [1, 2]"]),
        ([{"a": 1}], [{"a": 2}], ["x[0].a is 2, not 1"]),
        (bool, 0, ["x is 0"]),
        (Among({"a": 1}), [{"a": 2}, {"a": 1}], []),
        (Among({"a": 1}), [], ["x has nothing like {'a': 1}: []"]),
    ],
)
def test_an_answer_is_compared_part_by_part(expected, actual, found):
    assert list(differences(expected, actual, "x")) == found


def test_a_step_that_ends_otherwise_than_expected_fails():
    def invoke(call, given, names):
        if call == "refuse":
            raise RefusedError(404)
        return {"given": given, "new": names["new"]}

    kept = Step("echo", {"name": "{new}-2"}, {"given": {"name": "x-2"}}, keeps={"made": "given.name"})
    undone = []
    play(
        [kept, Step("echo", {"of": "{made}"}, {"given": {"of": "x-2"}}, undo="echo")],
        {"new": "x"},
        invoke,
        undone.append,
    )
    play([Step("refuse", fails=404)], {"new": "x"}, invoke, undone.append)
    assert len(undone) == 1
    for wrong in (Step("refuse"), Step("echo", fails=404), Step("echo", gives={"new": "y"})):
        with pytest.raises(AssertionError):
            play([wrong], {"new": "x"}, invoke, undone.append)
