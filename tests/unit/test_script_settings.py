"""Every field of a namespace script changed in turn: what it takes to have it so. And which tags are refused."""

import base64
from typing import Any

import dill
import pulumi
import pytest
from pulumi.runtime.rpc import UNKNOWN

from app_stacks import script_settings
from app_stacks.namespace_script import NamespaceScript, NamespaceScriptArgs, NamespaceScriptProvider
from app_stacks.script_bindings import Kv, PlainText

PLAIN = {"type": "plain_text", "name": "NAME", "text": "n"}
SECRET = {"type": "secret_text", "name": "KEY", "text": "s"}
KV = {"type": "kv_namespace", "name": "CACHE", "namespace_id": "0af1"}
PROPS = {
    "account_id": "a",
    "namespace": "overskill-production-production",
    "script": "abc123",
    "tags": ["app-abc123", "plan-free"],
    "bindings": {"NAME": PLAIN, "KEY": SECRET, "CACHE": KV},
    "compatibility_date": "2026-10-01",
    "compatibility_flags": [],
    "limits": {"cpu_ms": 50.0},
    "observability": True,
}
NONE, UPDATE, REPLACE = "none", "update", "replace"
CHANGES = [
    ("account_id", "b", REPLACE),
    ("namespace", "overskill-development-production", REPLACE),
    ("script", "def456", REPLACE),
    ("tags", ["app-abc123", "plan-pro"], UPDATE),
    ("tags", ["plan-free", "app-abc123"], NONE),
    ("bindings", {"NAME": PLAIN | {"text": "m"}, "KEY": SECRET, "CACHE": KV}, UPDATE),
    ("bindings", {"NAME": PLAIN, "KEY": SECRET | {"text": "t"}, "CACHE": KV}, UPDATE),
    ("bindings", {"NAME": PLAIN, "KEY": SECRET, "CACHE": KV | {"namespace_id": "0af2"}}, UPDATE),
    ("bindings", {"NAME": PLAIN | {"type": "secret_text"}, "KEY": SECRET, "CACHE": KV}, UPDATE),
    ("bindings", {"NAME": PLAIN, "KEY": SECRET, "CACHE": KV | {"namespace_id": UNKNOWN}}, UPDATE),
    ("bindings", {"NAME": PLAIN, "CACHE": KV}, UPDATE),
    ("bindings", {"CACHE": KV, "KEY": SECRET, "NAME": PLAIN}, NONE),
    ("bindings", {"NAME": "n", "KEY": SECRET, "CACHE": KV}, NONE),
    ("compatibility_date", "2026-11-01", NONE),
    ("compatibility_flags", ["nodejs_compat"], NONE),
    ("limits", {"cpu_ms": 100.0}, UPDATE),
    ("limits", {"cpu_ms": 50}, NONE),
    ("limits", {"cpu_ms": UNKNOWN}, UPDATE),
    ("limits", None, UPDATE),
    ("observability", False, UPDATE),
]


def kind(olds: dict[str, Any], news: dict[str, Any]) -> str:
    diff = NamespaceScriptProvider().diff("id", olds, news)
    assert not diff.delete_before_replace
    assert diff.changes or not diff.replaces
    return REPLACE if diff.replaces else UPDATE if diff.changes else NONE


@pytest.mark.parametrize(("field", "value", "expected"), CHANGES)
def test_each_field_changed_in_turn(field: str, value: Any, expected: str) -> None:
    assert kind(PROPS, PROPS | {field: value}) == expected
    assert kind(PROPS | {field: value}, PROPS) == expected


def test_no_field_is_left_out() -> None:
    assert {field for field, _, _ in CHANGES} == set(PROPS) == set(NamespaceScriptArgs.__dataclass_fields__)


@pytest.mark.parametrize(
    ("tags", "wrong"),
    [
        (["app-abc123", *(f"tag-{n}" for n in range(7))], []),
        (["app-abc123", *(f"tag-{n}" for n in range(8))], ["9 tags: a script has 8 at most"]),
        (["app-abc123", "a,b", "c&d", ""], ["'a,b' holds", "'c&d' holds", "'' holds"]),
        (["plan-free"], ["one tag must say whose the script is, such as app-abc123; there are none"]),
        (["app-abc123", "app-def456"], ["one tag must say whose the script is"]),
    ],
)
def test_wrong_tags_are_refused_before_anything_is_made_all_at_once(tags: list[str], wrong: list[str]) -> None:
    checked = NamespaceScriptProvider().check({}, PROPS | {"tags": tags})
    assert checked.inputs == PROPS | {"tags": tags}
    assert {failure.property for failure in checked.failures} <= {"tags"}
    for failure, begins in zip(checked.failures, wrong, strict=True):
        assert failure.reason.startswith(begins)


def test_a_name_that_is_bound_twice_is_refused() -> None:
    args = NamespaceScriptArgs(
        account_id="a",
        namespace="n",
        script="abc123",
        tags=["app-abc123"],
        bindings=[PlainText("DB", "x"), Kv("DB", "y"), PlainText("NAME", "n")],
    )
    with pytest.raises(pulumi.RunError, match=r"declared more than once: DB$"):
        NamespaceScript("abc123", args)


def test_what_is_read_holds_no_secret_but_the_declared_one() -> None:
    settings = {"tags": PROPS["tags"], "limits": {"cpu_ms": 50}, "bindings": [{"type": "secret_text", "name": "KEY"}]}
    assert script_settings.observed(PROPS, settings)["bindings"] == {"KEY": SECRET}
    moved = PROPS | {"bindings": {"KEY": PLAIN | {"name": "KEY"}}}
    assert script_settings.observed(moved, settings)["bindings"] == {"KEY": {"type": "secret_text", "name": "KEY"}}


def test_the_api_may_tell_more_of_a_binding_than_was_declared() -> None:
    props = PROPS | {"bindings": {"AUTH": {"type": "service", "name": "AUTH", "service": "auth"}}}
    told = {"type": "service", "name": "AUTH", "service": "auth", "environment": "production"}
    assert not script_settings.changed(props, script_settings.observed(props, PROPS | {"bindings": [told]}))


def test_the_provider_is_in_the_state_as_a_reference() -> None:
    """No code, no token, no patience: so the state of every stack stays small, and runs what is installed today."""
    pickled = dill.dumps(NamespaceScriptProvider())
    assert b"app_stacks.namespace_script" in pickled
    assert b"NamespaceScriptProvider" in pickled
    assert len(base64.b64encode(pickled)) < 150
    assert isinstance(dill.loads(pickled), NamespaceScriptProvider)  # noqa: S301 - pickled above
