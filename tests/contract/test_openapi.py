"""What is found where an answer is not as an OpenAPI description says."""

import json

import pytest
from openapi import Description

OWNER = {
    "type": "object",
    "nullable": True,
    "properties": {"login": {"type": "string"}, "url": {"type": "string", "format": "uri"}},
    "required": ["login"],
}
THING = {
    "type": "object",
    "properties": {
        "owner": {"$ref": "#/components/schemas/owner"},
        "at": {"type": "string", "format": "date-time"},
        "kind": {"oneOf": [{"type": "string"}, {"type": "string", "enum": ["a"]}, {"type": "integer"}]},
        "free": {"type": "object", "properties": {}, "additionalProperties": True},
        "both": {"allOf": [{"$ref": "#/components/schemas/owner"}, {"properties": {"size": {"type": "integer"}}}]},
    },
    "required": ["owner"],
}
ERROR = {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}


@pytest.fixture
def description(tmp_path):
    def answer(schema):
        return {"description": "", "content": {"application/json": {"schema": schema}}}

    responses = {
        "200": answer({"type": "array", "items": {"$ref": "#/components/schemas/thing"}}),
        "204": {"description": "nothing"},
        "403": {"$ref": "#/components/responses/forbidden"},
        "404": {"description": "nothing to say of it"},
    }
    schemas = {"owner": OWNER, "thing": THING, "basic-error": ERROR}
    components = {"schemas": schemas, "responses": {"forbidden": answer(ERROR)}}
    path = tmp_path / "description.json"
    path.write_text(json.dumps({"paths": {"/x/{y}": {"get": {"responses": responses}}}, "components": components}))
    return Description(path)


def test_a_call_is_known_by_the_shape_of_its_path(description):
    assert description.knows("GET", "/x/{other}")
    assert not description.knows("GET", "/x/y")
    assert not description.knows("POST", "/x/{y}")


@pytest.mark.parametrize(
    ("thing", "problems"),
    [
        ({"owner": None, "at": "2026-11-24T10:00:00Z", "kind": "a", "free": {"more": 1}}, []),
        ({"owner": {"login": "x", "url": "http://x"}, "kind": 1}, []),
        ({}, ["$[]: 'owner' is a required property"]),
        ({"owner": {"url": "x"}}, ["$[].owner.url: 'x' is not a 'uri'", "$[].owner: 'login' is a required property"]),
        ({"owner": {"login": None}}, ["$[].owner.login: None is not of type 'string'"]),
        ({"owner": None, "at": "today"}, ["$[].at: 'today' is not a 'date-time'"]),
        ({"owner": None, "mine": 1, "own": 2}, ["$[]: 'mine' is not described", "$[]: 'own' is not described"]),
        ({"owner": None, "both": {"login": "x", "size": 1}}, []),
        ({"owner": None, "both": {"login": "x", "mine": 1}}, ["$[].both: 'mine' is not described"]),
        ({"owner": None, "at": None}, ["$[].at: None is not of type 'string'"]),
    ],
)
def test_what_is_wrong_with_an_answer(description, thing, problems):
    assert description.problems("GET", "/x/{y}", 200, json.dumps([thing, thing]).encode()) == problems


@pytest.mark.parametrize(
    ("status", "body", "problems"),
    [
        (201, b"{}", ["$: the status 201 is not described"]),
        (200, b"<p>", ["$: is not JSON"]),
        (204, b"", []),
        (204, b"{}", ["$: a body, where none is described"]),
        (403, b"{}", ["$: 'message' is a required property"]),
        (404, b'{"message": "gone"}', []),
        (404, b"{}", ["$: 'message' is a required property"]),
        (422, b"{}", ["$: 'message' is a required property"]),
    ],
)
def test_statuses_and_errors(description, status, body, problems):
    assert description.problems("GET", "/x/{y}", status, body) == problems
